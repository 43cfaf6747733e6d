"""Every packet that is sent towards a swarm: the DHT census (BEP 5). Asks, never announces."""
