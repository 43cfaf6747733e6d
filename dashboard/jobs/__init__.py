"""Jobs: what runs, what ran, and how it ended."""
