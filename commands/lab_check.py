"""`lab --check`: the whole chain, through the code behind the buttons, against the world's truth.

Nothing is compared by address: the run is made in the default mode, and the expected peers are
turned into pseudonyms with the workspace's own key.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from rich.table import Table
from rich.text import Text

from analysis.pseudonyms import pseudonymise
from commands.dashboard import lab_command
from commands.terminal import console
from lab.facts import FILE_NAME, SwarmFacts, WorldFacts, load
from lab.geography import country_of
from observatory.desk import Observatory
from observatory.job import Job, JobKind, JobState
from observatory.lab_process import LabProcess
from storage.pseudonym_key import load_or_make_key
from storage.runs import RunReader
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.endpoint import Endpoint, address_to_packed16
from swarm.place import UNKNOWN_COUNTRY
from swarm.text import one_line

MIN_RECALL = 0.99
_PER_CATEGORY = 1000  # all there are
_JOB_DEADLINE_S = 600.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class SwarmCheck:
    """One swarm: what the world announced against what the run found."""

    infohash: str
    name: str
    announced: int
    found: int
    missed: int
    invented: int
    countries_exact: bool


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What `lab --check` prints. `ok` is its exit code."""

    seed: int
    torrents_expected: int
    torrents_collected: int
    torrents_wrong: int  # collected though the world has no such torrent, or missing
    swarms: tuple[SwarmCheck, ...]
    queries: int
    scrape_seconds: float
    fetch_seconds: float
    complaint: str | None = None

    @property
    def announced(self) -> int:
        """Peers that the world announced, over all swarms."""
        return sum(s.announced for s in self.swarms)

    @property
    def found(self) -> int:
        """Announced peers that the run found."""
        return sum(s.found for s in self.swarms)

    @property
    def invented(self) -> int:
        """Peers in the run that the world never announced."""
        return sum(s.invented for s in self.swarms)

    @property
    def recall(self) -> float:
        """Share of the announced peers that was found."""
        return self.found / self.announced if self.announced else 0.0

    @property
    def countries_exact(self) -> bool:
        """Whether every found peer stands in the country where the world put it."""
        return all(s.countries_exact for s in self.swarms)

    @property
    def ok(self) -> bool:
        """All torrents once, at least 99 % of the peers, none invented, countries exact."""
        return (
            self.complaint is None
            and self.torrents_wrong == 0
            and self.torrents_collected == self.torrents_expected
            and self.recall >= MIN_RECALL
            and self.invented == 0
            and self.countries_exact
        )

    def document(self) -> dict[str, object]:
        """As flat JSON."""
        return {
            "ok": self.ok,
            "seed": self.seed,
            "complaint": self.complaint,
            "torrents_expected": self.torrents_expected,
            "torrents_collected": self.torrents_collected,
            "torrents_wrong": self.torrents_wrong,
            "peers_announced": self.announced,
            "peers_found": self.found,
            "peers_missed": self.announced - self.found,
            "peers_invented": self.invented,
            "recall": round(self.recall, 6),
            "countries_exact": self.countries_exact,
            "queries": self.queries,
            "scrape_seconds": round(self.scrape_seconds, 2),
            "fetch_seconds": round(self.fetch_seconds, 2),
            "swarms": [
                {
                    "infohash": s.infohash,
                    "name": s.name,
                    "announced": s.announced,
                    "found": s.found,
                    "missed": s.missed,
                    "invented": s.invented,
                    "countries_exact": s.countries_exact,
                }
                for s in self.swarms
            ],
        }


def check_world(root: Path, options: list[str], *, quiet: bool) -> CheckResult:
    """Build a world in an empty folder, scrape and fetch it, and compare.

    Raises:
        WorldError: the world cannot be built here.
    """
    world = LabProcess([*lab_command(root), *options])
    try:
        _say(quiet, "Building the lab's world ...")
        world.start()
        world.wait()
        facts = load(root / FILE_NAME)
        with closing(Observatory(Workspace(root), name="Lab", description="check")) as desk:
            _say(quiet, f"Scraping {facts.root_url} ...")
            scraped, scrape_s = _run(desk, JobKind.SCRAPE, {"per_category": _PER_CATEGORY})
            _say(quiet, f"Asking the DHT at {facts.bootstrap} ...")
            fetched, fetch_s = _run(desk, JobKind.FETCH, {})
            return _compare(desk, facts, scraped, fetched, scrape_s, fetch_s)
    finally:
        world.stop()


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        console.print(text)


def _run(desk: Observatory, kind: JobKind, arguments: dict[str, object]) -> tuple[Job, float]:
    """Start a job as a click does, and wait for its worker process."""
    started = time.monotonic()
    job = desk.start(kind, arguments)
    while job.is_active and time.monotonic() - started < _JOB_DEADLINE_S:
        time.sleep(_POLL_S)
        desk.active_job()
        job = desk.job(job.id)
    return job, time.monotonic() - started


def _compare(
    desk: Observatory,
    facts: WorldFacts,
    scraped: Job,
    fetched: Job,
    scrape_s: float,
    fetch_s: float,
) -> CheckResult:
    kept = [
        item.torrent.infohash.hex
        for item in TorrentFolder(desk.workspace.torrents_dir)
        if isinstance(item, KeptTorrent)
    ]
    expected = {torrent.infohash.hex for torrent in facts.torrents}
    failed = next((job for job in (scraped, fetched) if job.state is not JobState.DONE), None)
    latest = desk.latest_run()
    swarms: tuple[SwarmCheck, ...] = ()
    if latest is not None:
        key = load_or_make_key(desk.workspace.key_path)
        swarms = tuple(_check_swarms(facts, desk.open_run(latest.id), key))
    return CheckResult(
        seed=facts.seed,
        torrents_expected=len(expected),
        torrents_collected=len(kept),
        torrents_wrong=len(expected ^ set(kept)),
        swarms=swarms,
        queries=int((fetched.report or {}).get("figures", {}).get("queries", 0)),
        scrape_seconds=scrape_s,
        fetch_seconds=fetch_s,
        complaint=None if failed is None else f"{failed.kind}: {failed.message}",
    )


def _check_swarms(facts: WorldFacts, run: RunReader, key: bytes) -> list[SwarmCheck]:
    rows = (
        run.sightings()
        .join(run.swarms().select("swarm", "infohash"), on="swarm")
        .select("infohash", "peer", "country")
        .collect()
    )
    found: dict[str, dict[int, str]] = {}
    for infohash, peer, country in rows.iter_rows():
        found.setdefault(infohash, {})[peer] = country
    return [
        _check_swarm(torrent, found.get(torrent.infohash.hex, {}), key)
        for torrent in facts.torrents
    ]


def _check_swarm(torrent: SwarmFacts, found: dict[int, str], key: bytes) -> SwarmCheck:
    expected = _expected_countries(torrent, key)
    both = expected.keys() & found.keys()
    return SwarmCheck(
        infohash=torrent.infohash.hex,
        name=torrent.name,
        announced=len(expected),
        found=len(both),
        missed=len(expected.keys() - found.keys()),
        invented=len(found.keys() - expected.keys()),
        countries_exact=all(found[peer] == expected[peer] for peer in both),
    )


def _expected_countries(torrent: SwarmFacts, key: bytes) -> dict[int, str]:
    """Each announced peer's pseudonym, and the country where the world put it."""
    packed = b"".join(
        address_to_packed16(peer.address) + peer.port.to_bytes(2) for peer in torrent.peers
    )
    pseudonyms = pseudonymise(packed, 18, key).tolist()
    countries = [_country(peer) for peer in torrent.peers]
    return dict(zip(pseudonyms, countries, strict=True))


def _country(peer: Endpoint) -> str:
    return country_of(peer.address) if isinstance(peer.address, IPv4Address) else UNKNOWN_COUNTRY


def show_result(result: CheckResult) -> None:
    """The result as a table, and one sentence."""
    table = Table("Torrent", "Announced", "Found", "Missed", "Invented", "Countries")
    for swarm in result.swarms:
        table.add_row(
            Text(one_line(swarm.name)[:60]),
            str(swarm.announced),
            str(swarm.found),
            str(swarm.missed),
            str(swarm.invented),
            "exact" if swarm.countries_exact else "DIFFER",
        )
    console.print(table)
    console.print(
        f"Seed {result.seed}: {result.torrents_collected} of {result.torrents_expected} torrents "
        f"collected, {result.found:,} of {result.announced:,} peers found "
        f"({100 * result.recall:.2f} %), {result.invented} invented, countries "
        f"{'exact' if result.countries_exact else 'DIFFER'}; {result.queries:,} queries, scraped "
        f"in {result.scrape_seconds:.1f} s, fetched in {result.fetch_seconds:.1f} s."
    )
    if result.complaint:
        console.print(Text(result.complaint, style="red"))
    console.print("OK" if result.ok else Text("NOT OK", style="red"))
