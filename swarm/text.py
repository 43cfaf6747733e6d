"""Text made fit to be shown: names that strangers wrote, and shares."""

from __future__ import annotations

import unicodedata


def one_line(text: str) -> str:
    """`text` without line breaks, control characters, escape sequences and direction marks."""
    shown = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join(shown.split())


def percent(share: float) -> str:
    """`11.8 %`; what is less than a twentieth of a percent but not nothing is `< 0.1 %`."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")
