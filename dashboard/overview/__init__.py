"""The Overview: numbers, map, histogram and countries of one run, and the buttons."""
