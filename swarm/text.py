"""Text that strangers wrote, made fit to be shown: names of torrents, of files, of sites."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """`text` without line breaks, control characters, escape sequences and direction marks."""
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(shown.split())
