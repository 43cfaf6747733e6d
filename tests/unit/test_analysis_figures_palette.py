"""The palettes, measured: told apart by colour-blind eyes, visible on their cards, stable."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.palette import DARK, LIGHT, SLOTS, Palette, assign_slots, colour_of
from analysis.tables import OTHER

Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear sRGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Ottosson 2020: linear sRGB to cone responses, cube roots of these to OKLab.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
LEAST_DISTANCE = 0.06  # three times the difference in OKLab that is just noticed


def linear(colour: str) -> Vector:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> Vector:
    return np.asarray(np.cbrt(np.clip(VISION[vision] @ linear(colour), 0, 1) @ CONES.T) @ LAB.T)


def contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(linear(c) @ (0.2126, 0.7152, 0.0722)) for c in (one, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("vision", VISION)
def test_no_two_countries_look_alike(palette: Palette, vision: str) -> None:
    """Any two colours of a theme differ clearly, with and without each dichromacy."""
    colours = (*palette.countries, palette.other)
    distances = {
        (a, b): float(np.linalg.norm(seen(a, vision) - seen(b, vision)))
        for a, b in combinations(colours, 2)
    }
    assert min(distances.values()) >= LEAST_DISTANCE


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_every_country_stands_out_from_its_card(palette: Palette) -> None:
    """Graphics with at least 3:1, text with at least 4.5:1 (WCAG 2.2, 1.4.11 and 1.4.3)."""
    assert min(contrast(colour, palette.card) for colour in palette.countries) >= 3.0
    assert contrast(palette.text, palette.card) >= 4.5
    assert contrast(palette.quiet_text, palette.card) >= 4.5


COUNTRIES = st.lists(
    st.sampled_from(
        ["AR", "AU", "BR", "CA", "CN", "DE", "ES", "FR", "GB", "IN", "IT", "JP", "RU", "US"]
    ),
    unique=True,
    max_size=SLOTS,
)


@given(COUNTRIES, COUNTRIES)
def test_who_stays_on_top_keeps_the_colour(before: list[str], after: list[str]) -> None:
    """While a run grows, no colour that is still shown changes its country."""
    held = assign_slots({}, before)
    slots = assign_slots(held, after)
    assert set(slots) == set(after)
    assert len(set(slots.values())) == len(after)
    assert all(0 <= slot < SLOTS for slot in slots.values())
    assert all(slots[country] == held[country] for country in after if country in held)


def test_the_others_and_the_unknown_have_colours_of_their_own() -> None:
    """Neither is ever drawn in a country's colour."""
    assert colour_of(OTHER, {}, DARK) == DARK.other
    assert colour_of("FR", {}, DARK) == DARK.other
    assert colour_of("ZZ", {"FR": 0}, DARK) == DARK.unknown
