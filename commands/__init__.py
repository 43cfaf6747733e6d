"""The command line: reads what the user typed, calls the observatory, prints."""
