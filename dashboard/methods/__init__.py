"""Methods: how the numbers of a run came about."""
