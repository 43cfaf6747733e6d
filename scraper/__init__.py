"""Where torrents come from: an indexer's pages, read politely, and the .torrent files they link."""
