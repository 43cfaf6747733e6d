"""Keeps facts and returns them: the catalogue (SQL), runs (Parquet), .torrent files. No network."""
