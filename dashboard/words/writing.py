"""How numbers, sizes, times and estimates are written, and words that many pages need. Pure."""

from __future__ import annotations

from datetime import datetime

from analysis.estimate import Estimate
from swarm import text

percent = text.percent  # as jobs and methods write it
NONE = "—"
COUNTRIES = "Countries"
COUNTRY = "Country"
PEERS = "Peers"
SHARE = "Share"
NO_CATEGORY = "No category"


def and_more(count: int) -> str:
    """What a list leaves out."""
    return f"… and {count:,} more"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def bytes_text(count: int) -> str:
    """Decimal: `0 kB`, `640 kB`, `14.2 MB`, `1.3 GB`."""
    if count < 1_000_000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def minute(at: datetime) -> str:
    """`21 Nov 2026, 10:03`, below a heading that says UTC."""
    return f"{at:%-d %b %Y, %H:%M}"


def moment(at: datetime) -> str:
    """`21 Nov 2026, 10:03 UTC`."""
    return f"{minute(at)} UTC"


def begun(at: datetime) -> str:
    """When a run began; two of them may begin in one minute: `21 Nov 2026, 10:03:07 UTC`."""
    return f"{at:%-d %b %Y, %H:%M:%S} UTC"


def interval(estimate: Estimate) -> str:
    """`1,204 to 1,377`; where nothing bounds it, `1,204 or more`."""
    if estimate.high is None:
        return f"{estimate.low:,.0f} or more"
    return f"{estimate.low:,.0f} to {estimate.high:,.0f}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """An estimate with its interval: `120 (112 to 131)`; a dash where there is none."""
    if value is None or low is None:
        return NONE
    return f"{value:,.0f} ({interval(Estimate(value, low, high))})"
