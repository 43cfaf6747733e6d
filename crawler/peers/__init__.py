"""Talking to peers (BEP 3, 6, 9, 10, 11): visits, peer exchange, metadata. Never payload."""
