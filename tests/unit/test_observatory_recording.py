"""observatory.recording: whatever breaks off a crawl, what is on disk counts once and is closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crawler.canaries import Canaries
from observatory.jobs import CrawlTarget
from observatory.recording import RunRecorder
from storage.catalogue import Catalogue
from storage.manifest import RunCounts, RunState, write_manifest
from storage.runs import RunReader, RunWriter, mark_interrupted, open_run
from storage.workspace import Workspace
from swarm.census import CensusState, SwarmCensus
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.endpoint import Endpoint
from swarm.errors import JobCancelled, StorageError
from swarm.infohash import InfoHash
from swarm.place import DatabaseBuild, Databases
from swarm.settings import Settings
from swarm.sighting import PeerSighting, SightingColumns, Source
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome
from swarm.visit import PeerVisit, VisitOutcome

PLAIN, V1, V2 = (InfoHash(letter * 20) for letter in (b"p", b"1", b"2"))
NODE = Endpoint.parse("127.9.9.9:1")
NO_CANARIES = Canaries({})


class Nowhere:
    """A locator whose database knows nobody."""

    databases = Databases(DatabaseBuild("Nowhere", None, None, None))

    def locate(self, addresses: bytes) -> pl.DataFrame:
        rows = [{"country": "ZZ"}] * (len(addresses) // 16)
        return pl.DataFrame(rows, schema=polars_schema(PLACE_COLUMNS))


def census(key: InfoHash, peers: range, state: CensusState = CensusState.COMPLETE) -> SwarmCensus:
    now = datetime.now(UTC)
    sightings = [
        PeerSighting(key, Endpoint.parse(f"127.0.0.{n}:6881"), Source.DHT, NODE, now) for n in peers
    ]
    return SwarmCensus(key, state, 10, SightingColumns.of(key, Source.DHT, sightings))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    world = Workspace(tmp_path)
    world.prepare()
    return world


@pytest.fixture
def catalogue(workspace: Workspace) -> Iterator[Catalogue]:
    opened = Catalogue(workspace.catalogue_path)
    yield opened
    opened.close()


def recorder(
    workspace: Workspace, catalogue: Catalogue, canaries: Canaries = NO_CANARIES, **others: Any
) -> RunRecorder:
    targets = (
        CrawlTarget(infohash=PLAIN.hex, dht_keys=(PLAIN.hex,), name="plain"),
        CrawlTarget(infohash=V1.hex, dht_keys=(V1.hex, V2.hex), name="hybrid"),
    )
    settings = Settings(crawl_deadline_s=60.0, **others)
    return RunRecorder(
        workspace, catalogue, settings, targets, Nowhere(), resume=True, canaries=canaries
    )


def rows_of(run: RunReader) -> list[tuple[int, int]]:
    return run.sightings().select("swarm", "peer").collect().rows()


def test_hybrid_peers_are_written_before_the_second_half(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    """A kill between the halves of a hybrid keeps the first; a second start doubles nobody."""
    run = recorder(workspace, catalogue)
    run.add(census(PLAIN, range(1, 4)))
    run.add(census(V1, range(1, 51)))
    run.flush()
    on_disk = open_run(workspace.runs_dir, run.run_id)
    assert len(rows_of(on_disk)) == 53
    closed = mark_interrupted(on_disk, datetime.now(UTC))  # as after kill -9
    assert (closed.counts.peers, closed.counts.swarms_done) == (53, 1)
    catalogue.put_run(closed)

    again = recorder(workspace, catalogue)
    assert again.run_id == run.run_id
    assert again.dht_keys == [V1, V2]
    with again:
        again.add(census(V2, range(40, 61)))
        again.flush()
        again.add(census(V1, range(1, 51)))
    assert len(rows_of(on_disk)) == len(set(rows_of(on_disk))) == 63
    manifest = on_disk.manifest
    assert (manifest.state, manifest.counts.peers) == (RunState.COMPLETE, 63)
    outcomes = on_disk.outcomes().sort("swarm").collect()
    assert outcomes["unique_peers"].to_list() == [3, 60]


@pytest.mark.parametrize("broken_off", ["sightings", "outcomes", "manifest"])
def test_a_flush_that_is_broken_off_doubles_nobody(
    workspace: Workspace,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    broken_off: str,
) -> None:
    """An exception in the middle of a write leaves each peer and swarm counted once."""
    run = recorder(workspace, catalogue)
    real_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if target.name.startswith(broken_off):
            monkeypatch.setattr(Path, "replace", real_replace)
            raise KeyboardInterrupt
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt), run:
        run.add(census(PLAIN, range(1, 31)))
        run.flush()
    on_disk = open_run(workspace.runs_dir, run.run_id)
    assert len(rows_of(on_disk)) == 30
    assert on_disk.manifest.state is RunState.CANCELLED
    assert (on_disk.manifest.counts.peers, on_disk.manifest.counts.swarms_done) == (30, 1)


def test_a_full_disk_fails_the_run_and_closes_it(
    workspace: Workspace, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a part cannot be written, the run ends failed with the reason, and keeps the others."""
    run = recorder(workspace, catalogue)

    def full(*_: object, **__: object) -> None:
        raise StorageError("cannot write part: No space left on device")

    with pytest.raises(StorageError, match="No space left"), run:
        run.add(census(PLAIN, range(1, 4)))
        run.flush()
        monkeypatch.setattr(RunWriter, "add", full)
        run.add(census(V1, range(1, 4)))
        run.flush()
    manifest = open_run(workspace.runs_dir, run.run_id).manifest
    assert (manifest.state, manifest.counts.peers) == (RunState.FAILED, 3)
    assert "No space left" in (manifest.message or "")


def test_cut_off_swarms_are_not_called_counted(workspace: Workspace, catalogue: Catalogue) -> None:
    """The closing sentence tells swarms that were counted from those that were cut off."""
    with recorder(workspace, catalogue) as run:
        run.add(census(PLAIN, range(1, 4)))
        run.add(census(V1, range(1, 3), CensusState.TIMEOUT))
        run.add(census(V2, range(0), CensusState.TIMEOUT))
    assert run.sentence() == (
        "5 peers found in 1 of 2 swarms; 1 was cut off by the deadline (crawl_deadline_s=60), "
        "so its peers are incomplete."
    )
    assert run.counts.swarms_complete == 1


def test_a_cancelled_run_stands_with_its_aggregates(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    """Cancelled with peers, the run is kept and json/ follows it; without, it is gone."""
    with pytest.raises(JobCancelled), recorder(workspace, catalogue) as run:
        run.add(census(PLAIN, range(1, 4)))
        run.add(census(V1, range(1, 3), CensusState.TIMEOUT))
        raise JobCancelled
    assert "1 was cut off by the cancellation, so its peers are incomplete" in run.sentence()
    assert open_run(workspace.runs_dir, run.run_id).manifest.state is RunState.CANCELLED
    assert (workspace.json_dir / "bar.json").exists()
    with pytest.raises(JobCancelled), recorder(workspace, catalogue) as empty:
        raise JobCancelled
    assert [manifest.run_id for manifest in catalogue.runs()] == [run.run_id]
    assert not (workspace.runs_dir / empty.run_id).exists()


def test_a_run_of_other_sources_is_not_gone_on_with(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    """A run is of one method: with other sources to ask, a killed run stays as it is."""
    run = recorder(workspace, catalogue)
    run.add(census(PLAIN, range(1, 4)))
    run.flush()
    closed = mark_interrupted(open_run(workspace.runs_dir, run.run_id), datetime.now(UTC))
    catalogue.put_run(closed)
    same = recorder(workspace, catalogue)
    assert same.run_id == run.run_id
    catalogue.put_run(closed)
    mark_interrupted(open_run(workspace.runs_dir, run.run_id), datetime.now(UTC))
    other = recorder(workspace, catalogue, announce_to_trackers=True)
    assert other.run_id != run.run_id


def test_a_cancel_while_trackers_are_asked_keeps_no_run(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    """Answers of trackers alone finish no swarm; a run without any is gone."""
    answer = TrackerAnswer(
        infohash=PLAIN,
        tracker="udp://t:1",
        action=TrackerAction.SCRAPE,
        outcome=TrackerOutcome.ANSWERED,
        seeders=5,
    )
    with pytest.raises(JobCancelled), recorder(workspace, catalogue) as run:
        run.hear(answer)
        raise JobCancelled
    assert not (workspace.runs_dir / run.run_id).exists()


@pytest.mark.parametrize("written", ["nothing", "one swarm"])
def test_canaries_count_with_their_swarm(
    workspace: Workspace, catalogue: Catalogue, written: str
) -> None:
    """A kill while a swarm waits for its visits counts none of its canaries; later, each once."""
    peers = {
        key: frozenset(Endpoint.parse(f"127.0.0.{n}:6881") for n in (1, 2, 99))
        for key in (PLAIN, V1, V2)
    }
    options: dict[str, Any] = {"visit_peers": True, "canaries": Canaries(peers)}
    run = recorder(workspace, catalogue, **options)
    counted = census(PLAIN, range(1, 4))
    asked = run.to_visit(counted.sightings)
    run.add(counted)
    run.add(census(V1, range(1, 3)))  # half a hybrid
    if written == "one swarm":
        for peer in asked:
            run.visit(PeerVisit(infohash=PLAIN, peer=peer, outcome=VisitOutcome.TIMEOUT))
    run.flush()
    on_disk = open_run(workspace.runs_dir, run.run_id)
    found = 2 if written == "one swarm" else 0
    assert on_disk.manifest.counts.canaries_found == found
    # The worst instant: its outcomes are written, the manifest is not.
    stale = on_disk.manifest.model_copy(update={"counts": RunCounts(canaries_known=9)})
    write_manifest(on_disk.folder, stale)
    closed = mark_interrupted(open_run(workspace.runs_dir, run.run_id), datetime.now(UTC))
    assert closed.counts.canaries_found == found
    catalogue.put_run(closed)

    with recorder(workspace, catalogue, **options) as again:
        assert again.run_id == run.run_id
        for key in again.dht_keys:
            again.add(census(key, range(1, 4)))
    counts = open_run(workspace.runs_dir, run.run_id).manifest.counts
    assert (counts.canaries_known, counts.canaries_found) == (9, 6)


def test_a_cancel_while_peers_are_visited_keeps_what_was_counted(
    workspace: Workspace, catalogue: Catalogue
) -> None:
    """A swarm that waits for visits is recorded as it is, with those that came in time."""
    with (
        pytest.raises(JobCancelled),
        recorder(workspace, catalogue, visit_peers=True) as run,
    ):
        counted = census(PLAIN, range(1, 4))
        first, *_ = run.to_visit(counted.sightings)
        run.add(counted)
        run.visit(PeerVisit(infohash=PLAIN, peer=first, outcome=VisitOutcome.TIMEOUT))
        run.flush()
        assert run.counts.swarms_done == 0
        raise JobCancelled
    on_disk = open_run(workspace.runs_dir, run.run_id)
    assert len(rows_of(on_disk)) == 3
    assert on_disk.visits().collect()["outcome"].to_list() == ["timeout"]
    counts = on_disk.manifest.counts
    assert (counts.swarms_done, counts.visits, counts.peers_pex) == (1, 1, 0)
