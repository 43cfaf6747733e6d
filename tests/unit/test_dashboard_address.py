"""The address bar: a link reproduces the view, whatever else is written into it is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.tables import Binning
from dashboard.address_state import MOST_QUERY_CHARACTERS, AddressState, read_address, write_address
from dashboard.pages import PAGES
from dashboard.routing import find_page

_TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)
_STATES = st.builds(
    AddressState,
    run=st.none() | st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", fullmatch=True),
    countries=st.frozensets(st.from_regex(r"[A-Z]{2}", fullmatch=True), max_size=9),
    categories=st.frozensets(_TEXTS | st.just(""), max_size=5),
    binning=st.sampled_from(Binning),
    shares=st.booleans(),
    classic_map=st.booleans(),
    bin=st.none() | st.integers(-99, 2**31 - 1),
    place=st.none() | _TEXTS,
    swarm=st.none() | st.integers(0, 10**8),
)


@given(_STATES)
def test_every_state_comes_back_from_its_link(state: AddressState) -> None:
    """What is written is read, and nothing of it is refused."""
    read = read_address(write_address(state))
    assert (read, read.refused) == (state, ())


@given(st.text(max_size=300))
def test_no_link_breaks_the_page(query: str) -> None:
    """Any text reads as some state, which has a link of its own."""
    state = read_address(query)
    assert read_address(write_address(state)) == state


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("?country=fr", ("country",)),
        ("?country=FR&country=<script>", ("country",)),
        ("?run=../../etc/passwd", ("run",)),
        ("?run=20261121-100300-abcd&run=20261121-100300-abce", ("run",)),
        ("?bin=1e9", ("bin",)),
        ("?bin=٣", ("bin",)),
        ("?swarm=-1", ("swarm",)),
        ("?binning=fine", ("binning",)),
        ("?category=a%0Ab", ("category",)),
        ("?" + "country=FR&" * 500, ("the whole address",)),
        ("?" + "x" * (MOST_QUERY_CHARACTERS + 1), ("the whole address",)),
    ],
)
def test_what_does_not_read_is_left_out_and_said(query: str, refused: tuple[str, ...]) -> None:
    """The rest of the link still counts; the reader is told which part does not."""
    state = read_address(query)
    assert state.refused == refused
    assert (state.run, state.bin, state.swarm) == (None, None, None)


def test_an_empty_address_is_everything() -> None:
    """No query narrows nothing, and everything has no query; other pages' keys are not ours."""
    assert read_address(None) == read_address("?") == AddressState()
    assert write_address(AddressState()) == ""
    assert read_address("?a=1&b=2").refused == ()


@pytest.mark.parametrize(
    ("path", "route", "variables"),
    [
        ("/", "/", {}),
        (None, "/", {}),
        ("/swarms/", "/swarms", {}),
        ("/swarms/abc", "/swarms/<infohash>", {"infohash": "abc"}),
        ("/swarms/a%2Fb", "/swarms/<infohash>", {"infohash": "a/b"}),
        ("/runs/compare", "/runs/compare", {}),
    ],
)
def test_paths_lead_to_pages(path: str | None, route: str, variables: dict[str, str]) -> None:
    """Fixed parts first, then one variable part; a slash at the end is nothing."""
    found = find_page(PAGES, path)
    assert found is not None
    assert (found[0].route, found[1]) == (route, variables)


@pytest.mark.parametrize("path", ["/nope", "/swarms/a/b", "/runs/compare/x", "/" + "a" * 2000])
def test_other_paths_lead_nowhere(path: str) -> None:
    """A path without a page is said to have none."""
    assert find_page(PAGES, path) is None
