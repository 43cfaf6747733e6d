"""Runs: the archive, and the difference between two."""
