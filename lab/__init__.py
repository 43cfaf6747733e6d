"""A world on loopback: DHT, real clients, indexer site, geolocation database. From a seed."""
