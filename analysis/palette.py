"""Colours of countries: safe for colour-blind eyes, and fixed while a run grows.

Ten colours in each theme, found by maximising the smallest distance (OKLab) between any two of
them as seen with normal vision, protanopia, deuteranopia and tritanopia (Machado et al. 2009), with
a contrast of at least 3:1 against the theme's cards (WCAG 2.2, 1.4.11). A slot has about the same
hue in both themes. tests/unit/test_analysis_figures_palette.py measures all of that again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

from analysis.tables import OTHER
from swarm.place import UNKNOWN_COUNTRY


class Scheme(Enum):
    """Light or dark."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme's charts, as #rrggbb."""

    countries: tuple[str, ...]
    other: str
    unknown: str
    card: str  # what the charts stand on
    text: str
    quiet_text: str
    grid: str
    sea: str
    land: str
    border: str


DARK = Palette(
    countries=(
        "#157be7", "#fe7f07", "#4dc185", "#f3d42e", "#9f9afa",
        "#ca3e02", "#7fcfee", "#9e51a9", "#3df7b8", "#16805d",
    ),
    other="#8a94a3",
    unknown="#566476",
    card="#16202c",
    text="#dce6f2",
    quiet_text="#9fb0c3",
    grid="#2a3a4b",
    sea="#0d1520",
    land="#1d2a38",
    border="#33455a",
)  # fmt: skip
LIGHT = Palette(
    countries=(
        "#0b6eff", "#f3680f", "#01544d", "#915c08", "#4a07a6",
        "#8d1c11", "#246099", "#aa72c2", "#1ea662", "#3d827d",
    ),
    other="#98a1ad",
    unknown="#c3cbd6",
    card="#ffffff",
    text="#17212e",
    quiet_text="#55657a",
    grid="#e3e9f0",
    sea="#e9f0f6",
    land="#ffffff",
    border="#c5d0dc",
)  # fmt: skip
PALETTES = {Scheme.DARK: DARK, Scheme.LIGHT: LIGHT}
SLOTS = len(DARK.countries)


def assign_slots(held: Mapping[str, int], top: Sequence[str]) -> dict[str, int]:
    """A colour slot for each of the `top` countries, at most `SLOTS` of them.

    Who holds a slot in `held` and is still among them keeps it, so that no colour changes its
    meaning while a run grows; newcomers take what is free, in their order.
    """
    kept = {country: held[country] for country in top if country in held}
    taken = set(kept.values())
    free = (slot for slot in count() if slot not in taken)
    return kept | {country: next(free) for country in top if country not in kept}


def colour_of(country: str, slots: Mapping[str, int], palette: Palette) -> str:
    """The colour of a country, of `OTHER`, or of the unknown."""
    if country == UNKNOWN_COUNTRY:
        return palette.unknown
    if country == OTHER or country not in slots:
        return palette.other
    return palette.countries[slots[country]]
