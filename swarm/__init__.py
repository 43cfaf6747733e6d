"""The vocabulary of the project: value objects, errors, .torrent parsing, settings. No I/O."""
