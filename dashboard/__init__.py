"""The page: shows what a run found, starts jobs, never works itself."""
