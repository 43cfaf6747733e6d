"""After a crawl of all sources in the default privacy mode, no file holds a peer's address.

Nor do exports; and with store_addresses=prefix neither do they, but the networks.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import polars as pl
import pytest

from lab.dht import SimulatedDht
from lab.tracker import LabTracker
from observatory.census_file import SUFFIXES, write_census_file
from observatory.desk import Observatory
from observatory.export_figures import FIGURES
from observatory.export_tables import TABLES
from observatory.exporting import export_figure, export_methods, export_table
from observatory.interchange import export_classic
from observatory.job import Job, JobKind, JobState
from observatory.jobs import ExportArguments
from observatory.progress import Progress
from storage.magnets import KeptMagnet, MagnetList
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.infohash import InfoHash
from swarm.magnet import parse_magnet
from swarm.settings import Settings
from tests.integration.peer_world import LibtorrentPeer, share

OpenDesk = Callable[[str], Observatory]
CROWD = InfoHash(b"\x44" * 20)
# Behind these nobody listens; each is refused at once.
DHT_PEERS = [Endpoint.parse(f"127.91.7.{n}:{6000 + n}") for n in range(11, 31)]
TRACKER_PEERS = DHT_PEERS[:5] + [Endpoint.parse(f"127.92.8.{n}:{7000 + n}") for n in range(11, 19)]
# Where nobody else of this world is, not even a node of its DHT but by chance.
KNOWN, HIDDEN = "127.93.9.31", "127.93.9.32"
DEADLINE_S = 150.0
OUTLINES = Path(__file__).parents[2] / "dashboard" / "assets"


class Silent(Progress):
    """Nobody looks on."""

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""


def fetched(desk: Observatory) -> Job:
    """A fetch as a click starts it, in a worker process with a log of its own."""
    job = desk.start(JobKind.FETCH, {"resume": False})
    end = time.monotonic() + DEADLINE_S
    while job.is_active:
        assert time.monotonic() < end, job
        time.sleep(0.1)
        desk.active_job()
        job = desk.job(job.id)
    assert job.state is JobState.DONE, job.message
    return job


def content_of(path: Path) -> bytes:
    """What a file holds; the catalogue is read by another process.

    This one has it open, and would give up SQLite's locks by closing a second handle on it.
    """
    if not path.name.startswith("catalogue.sqlite"):
        return path.read_bytes()
    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout


def traces(path: Path, addresses: Iterable[IPv4Address]) -> set[IPv4Address]:
    """Which addresses a file holds: as text, packed, or as a number; Parquet is read, too."""
    raw, numbers = content_of(path), set()
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        for column in frame.iter_columns():
            if column.dtype.is_integer():
                numbers.update(column.drop_nulls().to_list())
            else:
                raw += b"\n".join(repr(value).encode() for value in column.unique())
    return {
        address
        for address in addresses
        if str(address).encode() in raw or address.packed in raw or int(address) in numbers
        or str(int(address)).encode() in raw
    }  # fmt: skip


def found(root: Path, addresses: Iterable[IPv4Address]) -> dict[str, set[IPv4Address]]:
    """All files of a workspace that hold any of the addresses."""
    wanted = set(addresses)
    held = {
        path.relative_to(root).as_posix(): traces(path, wanted)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
    return {name: those for name, those in held.items() if those}


def assert_exports_hold_none(desk: Observatory, folder: Path, addresses: list[IPv4Address]) -> None:
    """Every table in every form, each figure, methods, the census file, the classic form."""
    run = desk.open_run(desk.runs()[0].id)
    world = desk.workspace
    for name, table in TABLES.items():
        if name != "churn":  # it takes two runs
            for suffix in (".csv", ".parquet", ".geojson")[: 3 if table.shape else 2]:
                export_table(world, run, name, folder / f"{name}{suffix}", min_cell=1)
    for name in FIGURES:
        path = folder / f"{name}.html"
        export_figure(world, run, name, path, settings=Settings(), outlines=OUTLINES, min_cell=1)
    export_methods(run, folder / "methods.md")
    for suffix in SUFFIXES:
        write_census_file(run, folder / f"census{suffix}")
    export_classic(world, ExportArguments(folder=str(folder / "classic")), Silent())
    assert len(list(folder.iterdir())) > 2 * len(TABLES)
    assert found(folder, addresses) == {}


@pytest.mark.timeout(360)
def test_no_file_of_the_workspace_holds_a_peers_address(
    open_desk: OpenDesk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """DHT, trackers and visits, as shipped: none, in exports neither. The search finds all of
    them with store_addresses=yes, and with =prefix their networks alone.
    """
    payload = tmp_path_factory.mktemp("payload")
    shared = share(payload / "a")
    known = LibtorrentPeer(KNOWN, shared.raw, payload / "b", seed=False)
    hidden = LibtorrentPeer(HIDDEN, shared.raw, payload / "c", seed=False)
    hidden.connect(known)
    peers = {peer.address for peer in (*DHT_PEERS, *TRACKER_PEERS, known.endpoint, hidden.endpoint)}
    addresses = [address for address in peers if isinstance(address, IPv4Address)]
    with SimulatedDht(seed=4, nodes=300, dead_share=0.0) as dht, LabTracker() as tracker:
        dht.plant(
            {
                CROWD.digest: [endpoint_to_compact(peer) for peer in DHT_PEERS],
                shared.key: [endpoint_to_compact(known.endpoint)],
            }
        )
        tracker.book.plant(CROWD.digest, seeders=TRACKER_PEERS[:5], leechers=TRACKER_PEERS[5:])
        config = (
            "allow_local_peers=yes\nmax_packets_per_s=0\nprocesses=1\nignore_environment=yes\n"
            f"announce_to_trackers=yes\nvisit_peers=yes\ndht_bootstrap={dht.bootstrap}\n"
        )
        desk = open_desk(config)
        links = (
            f"magnet:?xt=urn:btih:{CROWD}&tr={tracker.udp_url}",
            f"magnet:?xt=urn:btih:{shared.torrent.infohash}",
        )
        MagnetList(desk.workspace.torrents_dir).add(
            KeptMagnet(uri=link, magnet=parse_magnet(link), name=None, added_at=datetime.now(UTC))
            for link in links
        )
        job = fetched(desk)
        counts = (job.report or {})["figures"]
        assert (counts["peers"], counts["peers_dht"], counts["peers_trackers"]) == (30, 21, 13)
        assert counts["peers_pex"] >= 1
        assert counts["visits"] == 30
        root = desk.workspace.root
        names = {path.name for path in root.rglob("*") if path.is_file()}
        assert {"nodes.bin", "catalogue.sqlite", f"job-{job.id}.log"} <= names
        assert found(root, addresses) == {}
        assert_exports_hold_none(desk, tmp_path_factory.mktemp("exports"), addresses)

        desk.workspace.config_path.write_text(config + "store_addresses=prefix\n")
        fetched(desk)
        assert found(root, addresses) == {}
        run = desk.open_run(desk.runs()[0].id)
        assert run.manifest.prefixes_stored
        networks = {str(IPv4Network((address, 24), strict=False)) for address in addresses}
        assert set(run.sightings().collect()["prefix"]) == networks
        assert set(run.visits().collect()["prefix"]) == networks
        assert_exports_hold_none(desk, tmp_path_factory.mktemp("exports"), addresses)

        desk.workspace.config_path.write_text(config + "store_addresses=yes\n")
        fetched(desk)
        held = found(root, addresses)
        assert set().union(*held.values()) == set(addresses)
        assert {name.rpartition("/")[2].partition("-")[0] for name in held} == {
            "geo.json",  # the classic form has them, where they are stored
            "sightings",
            "visits",
        }
