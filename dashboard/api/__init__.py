"""The API: what the page knows, as JSON."""
