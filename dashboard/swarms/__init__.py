"""Swarms: the list of all, and the page of each."""
