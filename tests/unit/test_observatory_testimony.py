"""observatory.testimony and outcomes: a swarm is given out once, with what every source said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from analysis.placing import place_sightings, place_visits
from observatory.outcomes import answer_frame, outcome_frame
from observatory.testimony import SwarmFinding, SwarmTestimony
from swarm.address_keeping import AddressKeeping
from swarm.census import Captures, CensusState, SwarmCensus
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.place import DatabaseBuild, Databases
from swarm.sighting import PeerSighting, SightingColumns, Source
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome
from swarm.visit import PeerVisit, VisitOutcome

KEY, OTHER = InfoHash(b"a" * 20), InfoHash(b"b" * 20)
TELLER = Endpoint.parse("127.9.9.9:1")
SECRET = bytes(32)


class Nowhere:
    """A locator whose database knows nobody."""

    databases = Databases(DatabaseBuild("Nowhere", None, None, None))

    def locate(self, addresses: bytes) -> pl.DataFrame:
        rows = [{"country": "ZZ"}] * (len(addresses) // 16)
        return pl.DataFrame(rows, schema=polars_schema(PLACE_COLUMNS))


def peer(number: int) -> Endpoint:
    return Endpoint.parse(f"127.0.0.{number}:6881")


def named(source: Source, numbers: Iterable[int], *, second: int = 0) -> SightingColumns:
    when = datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC)
    sightings = [PeerSighting(KEY, peer(n), source, TELLER, when) for n in numbers]
    return SightingColumns.of(KEY, source, sightings)


def census(numbers: Iterable[int], **changes: object) -> SwarmCensus:
    columns = named(Source.DHT, numbers, second=30)
    return SwarmCensus(KEY, CensusState.COMPLETE, 9, columns, **changes)  # type: ignore[arg-type]


def announced(numbers: Iterable[int] | None, tracker: str = "udp://a:1") -> TrackerAnswer:
    return TrackerAnswer(
        infohash=KEY,
        tracker=tracker,
        action=TrackerAction.ANNOUNCE,
        outcome=TrackerOutcome.TIMEOUT if numbers is None else TrackerOutcome.ANSWERED,
        sightings=None if numbers is None else named(Source.TRACKER, numbers, second=10),
    )


def visited(number: int, *names: int, seed: bool | None = None) -> PeerVisit:
    return PeerVisit(
        infohash=KEY,
        peer=peer(number),
        outcome=VisitOutcome.REFUSED if seed is None else VisitOutcome.REACHED,
        seed=seed,
        peers=named(Source.PEX, names, second=40) if names else None,
        follows=tuple(map(peer, names)),
    )


def placed(finding: SwarmFinding) -> pl.DataFrame:
    told = [(finding.number, columns) for columns in finding.sightings]
    return place_sightings(told, locator=Nowhere(), key=SECRET, store_addresses=AddressKeeping.YES)


def test_without_visits_a_swarm_is_whole_with_its_census() -> None:
    """What trackers said before goes with it, and nothing is left behind."""
    testimony = SwarmTestimony({KEY: 7}, visiting=False)
    testimony.hear(announced([1, 2]))
    (finding,) = testimony.count(7, census([2, 3]))
    assert (finding.number, finding.peers, len(finding.answers)) == (7, 3, 1)
    assert testimony.leftovers() == []


def test_a_swarm_waits_for_all_who_were_named() -> None:
    """Also for those whom peers name; the last visit gives the swarm out, once."""
    testimony = SwarmTestimony({KEY: 0, OTHER: 1}, visiting=True)
    testimony.hear(announced([1]))
    assert testimony.to_visit(named(Source.TRACKER, [1])) == [peer(1)]
    assert testimony.visit(visited(1)) == []  # the lookup is still under way
    assert testimony.to_visit(census([1, 2]).sightings) == [peer(2)]
    assert testimony.count(0, census([1, 2])) == []
    assert (testimony.waiting, testimony.peers) == (1, 2)
    assert testimony.visit(visited(2, 3, seed=True)) == []  # names a third
    (finding,) = testimony.visit(visited(3, 1, 2, seed=False))
    assert finding.peers == 3
    assert [visit.peer for visit in finding.visits] == [peer(1), peer(2), peer(3)]
    assert testimony.visit(visited(2)) == []


def test_a_swarm_waits_for_nobody_who_is_not_visited() -> None:
    """Whom a peer names beyond the visitor's caps has no row to come, and holds nothing up."""
    testimony = SwarmTestimony({KEY: 0}, visiting=True)
    assert testimony.to_visit(census([1]).sightings) == [peer(1)]
    assert testimony.count(0, census([1])) == []
    liar = replace(visited(1, 2, 3, 4, seed=True), follows=(peer(2),))
    assert testimony.visit(liar) == []
    (finding,) = testimony.visit(visited(2))
    assert finding.peers == 4


def test_what_is_cut_short_is_given_out_as_it_is() -> None:
    """At the end swarms that wait for visits come as they are; those not looked up do not."""
    testimony = SwarmTestimony({KEY: 0, OTHER: 1}, visiting=True)
    testimony.to_visit(named(Source.DHT, [1, 2]))
    testimony.count(0, census([1, 2]))
    testimony.visit(visited(1))
    testimony.hear(TrackerAnswer(
        infohash=OTHER, tracker="udp://a:1", action=TrackerAction.SCRAPE,
        outcome=TrackerOutcome.ANSWERED,
    ))  # fmt: skip
    (finding,) = testimony.leftovers()
    assert (finding.number, len(finding.visits)) == (0, 1)


def test_a_peer_is_one_row_with_all_who_named_it() -> None:
    """The bits of all sources, and who said it first by the clock, whatever came first here."""
    finding = SwarmFinding(0, census([1, 2]), (announced([2, 3]),), (visited(1, 2, 4, seed=True),))
    frame = placed(finding)
    rows = {row["address"]: row for row in frame.iter_rows(named=True)}
    assert len(rows) == len(frame) == 4
    told = {address[-1]: (row["source"], row["sources"]) for address, row in rows.items()}
    assert told == {"1": ("dht", 1), "2": ("tracker", 7), "3": ("tracker", 2), "4": ("pex", 4)}
    assert rows["127.0.0.2"]["seen_at"].second == 10


def test_outcomes_count_by_source_and_estimate_between_them() -> None:
    """Peers of each source, seeds met, and Chapman's size between the DHT and the trackers."""
    finding = SwarmFinding(
        0,
        census(range(1, 21), captures=Captures(20, 20, 20)),
        (announced(range(11, 26)), announced([1], "udp://b:1")),
        (visited(1, 2, seed=True), visited(2, seed=False), visited(3)),
    )
    (row,) = outcome_frame([finding], placed(finding)).iter_rows(named=True)
    assert (row["unique_peers"], row["peers_dht"], row["peers_trackers"], row["peers_pex"]) == (
        25, 20, 16, 1,
    )  # fmt: skip
    assert (row["reached"], row["seeds_met"], row["leechers_met"]) == (2, 1, 1)
    assert (row["estimate"], row["low"], row["high"]) == (20, 20, 20)
    assert row["between"] == 21 * 17 / 12 - 1
    assert 25 <= row["between_low"] <= row["between"] <= row["between_high"]


def test_a_source_that_was_not_heard_is_null_and_not_zero() -> None:
    """No answer to an announce, no visit: no count of theirs and no estimate between sources."""
    finding = SwarmFinding(0, census([1, 2]), (announced(None),))
    (row,) = outcome_frame([finding], placed(finding)).iter_rows(named=True)
    assert (row["peers_dht"], row["peers_trackers"], row["peers_pex"]) == (2, None, None)
    assert (row["between"], row["reached"]) == (None, None)
    (answer,) = answer_frame([finding]).iter_rows(named=True)
    assert (answer["outcome"], answer["peers"]) == ("timeout", None)


def test_answers_of_two_trackers_stay_two_rows() -> None:
    """Nothing is added up over trackers."""
    finding = SwarmFinding(4, census([]), (announced([1, 2]), announced([2], "udp://b:1")))
    frame = answer_frame([finding])
    assert frame.select("swarm", "tracker", "peers").rows() == [
        (4, "udp://a:1", 2),
        (4, "udp://b:1", 1),
    ]


def test_visits_keep_addresses_only_where_they_are_asked_for() -> None:
    """A visited peer has the pseudonym that its sighting has, and no address by default."""
    rows = [(0, visited(1, seed=True))]
    kept = place_visits(rows, locator=Nowhere(), key=SECRET, store_addresses=AddressKeeping.YES)
    bare = place_visits(rows, locator=Nowhere(), key=SECRET, store_addresses=AddressKeeping.NO)
    assert kept.select("address", "port").rows() == [("127.0.0.1", 6881)]
    assert bare.select("address", "port").rows() == [(None, None)]
    sighting = placed(SwarmFinding(0, census([1])))
    assert bare.select("peer", "host").rows() == sighting.select("peer", "host").rows()
