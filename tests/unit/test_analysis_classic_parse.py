"""analysis.classic: odd records of real folders read, wrong counts do not."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.classic import RecordedPeer, parse_index_entry, parse_run_record
from swarm.errors import StorageError

WHOLE = {
    "date": "2021-05-03",
    "total people": 2,
    "size": 355.4,
    "cat": "Movies > HD",
    "lang": "English",
    "ip": [["192.0.2.1", 6881], ["2001:db8::1", 51413]],
    "locs": ["48.85,2.35", "Error 429"],
    "countries": {"FR": 1, "Error 429": 1},
}


def test_a_whole_record_reads() -> None:
    """Every key arrives as it stands."""
    record = parse_run_record("Film.torrent.json", WHOLE)
    assert record.name == "Film.torrent.json"
    assert (record.recorded_on, record.total_people, record.size_mb) == ("2021-05-03", 2, 355.4)
    assert (record.category, record.language) == ("Movies > HD", "English")
    assert record.peers == (RecordedPeer("192.0.2.1", 6881), RecordedPeer("2001:db8::1", 51413))
    assert record.locs == ("48.85,2.35", "Error 429")
    assert record.countries == (("FR", 1), ("Error 429", 1))


@pytest.mark.parametrize("key", list(WHOLE))
def test_any_key_may_be_missing_or_null(key: str) -> None:
    """A record without one of its keys still tells the rest."""
    without = {name: value for name, value in WHOLE.items() if name != key}
    assert parse_run_record("F.json", without) == parse_run_record("F.json", without | {key: None})


@pytest.mark.parametrize(
    ("entry", "peer"),
    [
        (["192.0.2.1", 6881], RecordedPeer("192.0.2.1", 6881)),
        (["192.0.2.1", "6881"], RecordedPeer("192.0.2.1", 6881)),
        (["192.0.2.1"], RecordedPeer("192.0.2.1", None)),
        (["192.0.2.1", 0], RecordedPeer("192.0.2.1", None)),
        (["192.0.2.1", 65536], RecordedPeer("192.0.2.1", None)),
        (["192.0.2.1", True], RecordedPeer("192.0.2.1", None)),
        ("192.0.2.1:6881", RecordedPeer("192.0.2.1", 6881)),
        ("192.0.2.1", RecordedPeer("192.0.2.1", None)),
        ("[2001:db8::1]:6881", RecordedPeer("2001:db8::1", 6881)),
        ("2001:db8::1", RecordedPeer("2001:db8::1", None)),
        ("", RecordedPeer("", None)),
        ([], RecordedPeer(None, None)),
        ([7, 8], RecordedPeer(None, None)),
        (None, RecordedPeer(None, None)),
        ({"ip": "192.0.2.1"}, RecordedPeer(None, None)),
    ],
)
def test_entries_of_ip(entry: Any, peer: RecordedPeer) -> None:
    """Lists and strings read; what is neither still counts as one peer of unknown address."""
    assert parse_run_record("F.json", {"ip": [entry]}).peers == (peer,)


def test_locs_are_kept_verbatim() -> None:
    """A failed lookup's loc is no error and is not lost; what is no text stands as JSON."""
    locs = ["E", "", "Error 429", None, 5, [48.8, 2.3]]
    record = parse_run_record("F.json", {"locs": locs})
    assert record.locs == ("E", "", "Error 429", "null", "5", "[48.8, 2.3]")


def test_lone_surrogates_are_replaced() -> None:
    """JSON can carry text that UTF-8 cannot: it is shown with a question mark, not refused."""
    record = parse_run_record("F\udce9.json", {"cat": "a\ud800b", "countries": {"\ud800": 1}})
    assert (record.name, record.category) == ("F?.json", "a?b")
    assert record.countries == (("?", 1),)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("total people", "12"),
        ("total people", 1.5),
        ("total people", True),
        ("total people", -1),
        ("total people", 2**63),
        ("size", "12 MB"),
        ("size", -1.0),
        ("size", float("nan")),
        ("size", float("inf")),
        ("size", 10**40),
        ("size", True),
        ("ip", {"a": 1}),
        ("locs", "48,2"),
        ("countries", ["FR"]),
        ("countries", {"FR": "three"}),
        ("countries", {"FR": 1.0}),
        ("countries", {"FR": -2}),
        ("countries", {"FR": None}),
        ("date", 20210503),
        ("cat", ["Movies"]),
    ],
)
def test_a_wrong_value_names_file_and_key(key: str, value: Any) -> None:
    """Counts that are none and shapes that are others are refused by file and key."""
    with pytest.raises(StorageError) as caught:
        parse_run_record("Film.torrent.json", WHOLE | {key: value})
    assert "Film.torrent.json" in str(caught.value)
    assert key in str(caught.value)


@pytest.mark.parametrize("obj", [None, [], [1], "text", 5, {}, {"hello": "world"}, {"abs": {}}])
def test_other_json_is_no_record(obj: Any) -> None:
    """geo.json, bar.json and strangers in the folder are refused, not read as empty records."""
    with pytest.raises(StorageError, match="not a record"):
        parse_run_record("geo.json", obj)


@pytest.mark.parametrize("entry", [None, 5, {}, {"size": "big", "cat": 1, "lang": []}])
def test_an_odd_index_entry_says_nothing(entry: Any) -> None:
    """The index only fills gaps: what is odd in it is no error."""
    said = parse_index_entry(entry)
    assert (said.size_mb, said.category, said.language) == (None, None, None)
