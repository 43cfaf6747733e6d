"""What the address bar says of the view, and back: a link reproduces what its sender saw.

`/?run=20261121-100300-abcd&country=FR&country=DE&bin=8` is one run, narrowed to two
countries and one bin of the histogram. Anybody can write a link, so nothing in it is believed:
what does not read is left out, and said in `refused`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from analysis.selection import Selection
from analysis.tables import Binning

DEFAULT_BINNING = Binning.LOG2  # a few dozen bars, where bins of 100 MB are hundreds
MOST_QUERY_CHARACTERS = 4_000
MOST_VALUES = 50  # of one key: more than a reader picks, and few enough to name in words
MOST_TEXT_CHARACTERS = 200
_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)  # the bin "unknown size" has ten digits
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AddressState:
    """One run and what it is narrowed to; empty means everything."""

    run: str | None = None  # None: the latest run, live while it runs
    countries: frozenset[str] = frozenset()  # ISO 3166-1 alpha-2, "ZZ" is unknown
    categories: frozenset[str] = frozenset()  # "" is the unknown
    binning: Binning = DEFAULT_BINNING
    shares: bool = False  # bars as shares of their bin, not as numbers of peers
    classic_map: bool = False  # a marker per torrent and place, as the classic tool drew it
    bin: int | None = None  # the order of a bin of that binning
    place: str | None = None  # the key of a place, as the map's table gives it
    swarm: int | None = None  # the number of a swarm within the run
    refused: tuple[str, ...] = field(default=(), compare=False)  # keys whose values did not read

    @property
    def selection(self) -> Selection:
        """Whom the figures are narrowed to."""
        size_bin = None if self.bin is None else (self.binning, self.bin)
        return Selection(self.countries, self.categories, size_bin, self.place, self.swarm)


def read_address(query: str | None) -> AddressState:
    """The state that a query string names, with or without its question mark.

    Keys that are not ours are passed over: pages have parameters of their own.
    """
    text = (query or "").removeprefix("?")
    if len(text) > MOST_QUERY_CHARACTERS:
        return AddressState(refused=("the whole address",))
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=4 * MOST_VALUES)
    except ValueError:
        return AddressState(refused=("the whole address",))
    given: dict[str, list[str]] = {}
    for key, value in pairs:
        given.setdefault(key, []).append(value)
    refused: list[str] = []

    def one(key: str, read: Callable[[str], _T | None]) -> _T | None:
        values = given.get(key, [])
        found = read(values[0]) if len(values) == 1 else None
        if values and found is None:
            refused.append(key)
        return found

    def several(key: str, read: Callable[[str], str | None]) -> frozenset[str]:
        values = given.get(key, [])
        found = [read(value) for value in values]
        kept = frozenset(value for value in found if value is not None)
        if None in found or len(kept) > MOST_VALUES:
            refused.append(key)
        return kept if len(kept) <= MOST_VALUES else frozenset()

    return AddressState(
        run=one("run", _matching(_RUN)),
        countries=several("country", _matching(_COUNTRY)),
        categories=several("category", _text_or_nothing),
        binning=one("binning", _binning) or DEFAULT_BINNING,
        shares=one("bars", _only("shares")) is not None,
        classic_map=one("map", _only("classic")) is not None,
        bin=one("bin", _number),
        place=one("place", _text),
        swarm=one("swarm", _natural),
        refused=tuple(refused),
    )


def write_address(state: AddressState) -> str:
    """The query string of a state, with its question mark; empty where there is nothing to say.

    The same state always gives the same string, and `read_address` gives the state back.
    """
    pairs: list[tuple[str, str]] = [("run", state.run)] if state.run else []
    pairs += [("country", country) for country in sorted(state.countries)]
    pairs += [("category", category) for category in sorted(state.categories)]
    if state.binning is not DEFAULT_BINNING:
        pairs.append(("binning", state.binning.value))
    if state.shares:
        pairs.append(("bars", "shares"))
    if state.classic_map:
        pairs.append(("map", "classic"))
    if state.bin is not None:
        pairs.append(("bin", str(state.bin)))
    if state.place is not None:
        pairs.append(("place", state.place))
    if state.swarm is not None:
        pairs.append(("swarm", str(state.swarm)))
    return with_pairs(pairs)


def with_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string of these pairs, with its question mark; empty where there are none."""
    said = urlencode(list(pairs), quote_via=quote)
    return f"?{said}" if said else ""


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda value: value if pattern.fullmatch(value) else None


def _text(value: str) -> str | None:
    plain = 0 < len(value) <= MOST_TEXT_CHARACTERS and value.isprintable()
    return value if plain else None


def _text_or_nothing(value: str) -> str | None:
    return value if value == "" else _text(value)


def _only(word: str) -> Callable[[str], str | None]:
    return lambda value: value if value == word else None


def _binning(value: str) -> Binning | None:
    return next((binning for binning in Binning if binning.value == value), None)


def _number(value: str) -> int | None:
    return int(value) if _NUMBER.fullmatch(value) else None


def _natural(value: str) -> int | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None
