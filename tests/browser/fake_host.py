"""A world for the page alone: seeded frames in memory, and jobs that move only when told to.

The fake keeps the promises of Host, Observatory and RunReader that the page relies on, so that a
test decides when a swarm is finished or a job fails, without a DHT, a disk or a clock.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl

from analysis.rollup import roll_up
from observatory.job import Job, JobKind, JobState
from observatory.lab_process import LabState
from observatory.purge import PurgePreview
from observatory.run_view import RunView
from observatory.summaries import RunSummary
from storage.manifest import RunCounts, RunKind, RunState
from storage.runs import RunReader
from storage.torrents import RefusedTorrent
from storage.workspace import Workspace
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    TALLY_COLUMNS,
    polars_schema,
)
from swarm.errors import JobRefused, SettingsError, StorageError
from swarm.place import DatabaseBuild, Databases
from swarm.settings import Settings

HOSTILE_NAME = (
    "<img src=x onerror='window.pwned=1'><a href='javascript:window.pwned=1'>Free</a> film"
)

CITIES = (
    ("US", "New York", 40.71, -74.01, 9), ("US", "Los Angeles", 34.05, -118.24, 7),
    ("US", "Chicago", 41.88, -87.63, 6), ("US", "Dallas", 32.78, -96.80, 4),
    ("IN", "Delhi", 28.61, 77.21, 8), ("IN", "Mumbai", 19.08, 72.88, 7),
    ("IN", "Bengaluru", 12.97, 77.59, 5), ("RU", "Moscow", 55.76, 37.62, 10),
    ("RU", "Yekaterinburg", 56.84, 60.65, 3), ("ES", "Madrid", 40.42, -3.70, 7),
    ("ES", "Barcelona", 41.39, 2.17, 5), ("IT", "Milan", 45.46, 9.19, 6),
    ("IT", "Rome", 41.90, 12.50, 5), ("FR", "Paris", 48.86, 2.35, 8),
    ("FR", "Lyon", 45.76, 4.84, 3), ("BR", "São Paulo", -23.55, -46.63, 8),
    ("BR", "Recife", -8.05, -34.88, 2), ("DE", "Berlin", 52.52, 13.41, 5),
    ("DE", "Frankfurt", 50.11, 8.68, 4), ("CN", "Shanghai", 31.23, 121.47, 5),
    ("UA", "Kyiv", 50.45, 30.52, 5), ("JP", "Tokyo", 35.68, 139.69, 5),
    ("GB", "London", 51.51, -0.13, 6), ("CA", "Toronto", 43.65, -79.38, 4),
    ("MX", "Mexico City", 19.43, -99.13, 4), ("AU", "Sydney", -33.87, 151.21, 3),
    ("CH", "Zurich", 47.38, 8.54, 3), ("PL", "Warsaw", 52.23, 21.01, 3),
    ("ID", "Jakarta", -6.21, 106.85, 3), ("KR", "Seoul", 37.57, 126.98, 3),
    ("AR", "Buenos Aires", -34.60, -58.38, 3), ("NL", "Amsterdam", 52.37, 4.90, 3),
    ("TR", "Istanbul", 41.01, 28.98, 3), ("ZA", "Johannesburg", -26.20, 28.05, 2),
    ("EG", "Cairo", 30.04, 31.24, 2), ("FJ", "Suva", -18.14, 178.44, 1),
)  # fmt: skip
DATABASE = DatabaseBuild(
    "DB-IP City Lite", date(2026, 11, 1), "IP Geolocation by DB-IP", "https://db-ip.com"
)
BEGIN = datetime(2026, 11, 21, 10, 3, tzinfo=UTC)


class FakeRun:
    """A run whose swarms are finished one after the other, by `finish_swarms`."""

    def __init__(self, number: int, swarms: int, seed: int) -> None:
        self.run_id = f"20261121-1003{number:02d}-abcd"
        self.state = RunState.RUNNING
        self._random = random.Random(seed * 1000 + number)
        self._swarms = self._make_swarms(swarms)
        self._sightings: list[dict[str, Any]] = []
        self._frame = pl.DataFrame(schema=polars_schema(SIGHTING_COLUMNS))
        self.done = 0

    @property
    def revision(self) -> str:
        return f"{self.run_id} {self.done} {self.state}"

    def sightings(self) -> pl.LazyFrame:
        if len(self._frame) < len(self._sightings):
            self._frame = pl.DataFrame(self._sightings, schema=polars_schema(SIGHTING_COLUMNS))
        return self._frame.lazy()

    def swarms(self) -> pl.LazyFrame:
        return self._swarms.lazy()

    @property
    def manifest(self) -> SimpleNamespace:
        """What of a manifest a RunView reads."""
        return SimpleNamespace(kind=RunKind.CRAWL, counts=RunCounts())

    def outcomes(self) -> pl.LazyFrame:
        return pl.LazyFrame(schema=polars_schema(OUTCOME_COLUMNS))

    def tallies(self) -> pl.LazyFrame:
        counted = self.sightings().group_by("swarm", "country").agg(peers=pl.len().cast(pl.Int64))
        columns = [column.name for column in TALLY_COLUMNS]
        return counted.with_columns(label=pl.col("country")).select(columns)

    def finish_swarms(self, count: int) -> None:
        """Find the peers of the next `count` swarms."""
        for swarm in range(self.done, min(self.done + count, len(self._swarms))):
            for _ in range(int(self._random.paretovariate(0.9) * 6) % 400 + 2):
                self._sightings.append(self._sighting(swarm))
        self.done = min(self.done + count, len(self._swarms))

    def summary(self) -> RunSummary:
        running = self.state is RunState.RUNNING
        return RunSummary(
            id=self.run_id,
            kind=RunKind.CRAWL,
            state=self.state,
            started_at=BEGIN,
            ended_at=None if running else BEGIN + timedelta(minutes=4),
            swarms_total=len(self._swarms),
            swarms_done=self.done,
            peers=len(self._sightings),
            databases=Databases(DATABASE),
            message=None,
        )

    def _make_swarms(self, count: int) -> pl.DataFrame:
        rows = []
        for swarm in range(count):
            size_mb = min(24_000, self._random.lognormvariate(6.8, 1.3))
            rows.append(
                {
                    "swarm": swarm,
                    "infohash": f"{swarm:040x}",
                    "name": HOSTILE_NAME if swarm == 0 else f"Open film no. {swarm}",
                    "size_bytes": None if swarm % 17 == 5 else int(size_mb * 1e6),
                }
            )
        return pl.DataFrame(rows, schema=polars_schema(SWARM_COLUMNS))

    def _sighting(self, swarm: int) -> dict[str, Any]:
        peer = self._random.getrandbits(63)
        row = {"swarm": swarm, "peer": peer, "host": peer, "source": "dht", "seen_at": BEGIN}
        if self._random.random() < 0.04:
            return row | {"country": "ZZ"}
        country, city, lat, lon, _ = self._random.choices(CITIES, [c[4] for c in CITIES])[0]
        if self._random.random() < 0.6:
            lat += self._random.gauss(0, 1.5)
            lon += self._random.gauss(0, 1.5)
            city = f"near {city}"
        return row | {"country": country, "city": city, "latitude": lat, "longitude": lon}


@dataclass
class FakeDesk:
    """One world: a desk that starts jobs, which then wait for the test's word."""

    name: str
    description: str
    is_lab: bool = False
    root_url: str = "https://indexer.example"
    settings_error: str | None = None
    kept_torrents: int = 0
    seed: int = 7
    all_runs: list[FakeRun] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    changes: int = 0
    workspace: Workspace = field(default_factory=lambda: Workspace(Path()))

    def settings(self) -> Settings:
        if self.settings_error is not None:
            raise SettingsError(self.settings_error)
        return Settings(root_url=self.root_url)

    def start(self, kind: JobKind, arguments: Mapping[str, object]) -> Job:
        active = self.active_job()
        if active is not None:
            raise JobRefused(f"a {active.kind.value} job is running: wait for it, or cancel it")
        total = {JobKind.SCRAPE: 8 * int(str(arguments.get("per_category", 0)))}.get(kind)
        if kind is JobKind.FETCH:
            self.all_runs.append(FakeRun(len(self.all_runs), self.kept_torrents, self.seed))
            total = self.kept_torrents
        self.jobs.append(
            Job(
                id=len(self.jobs) + 1,
                kind=kind,
                state=JobState.RUNNING,
                created_at=datetime.now(UTC),
                started_at=datetime.now(UTC),
                ended_at=None,
                doing="Asking the DHT" if kind is JobKind.FETCH else f"Reading {self.root_url}",
                done=0,
                total=total,
                counts={},
                message=None,
                report=None,
            )
        )
        return self.jobs[-1]

    def cancel(self, job_id: int) -> None:
        self.end_job(JobState.CANCELLED, None)

    def active_job(self) -> Job | None:
        return self.jobs[-1] if self.jobs and self.jobs[-1].is_active else None

    def latest_job(self) -> Job | None:
        return self.jobs[-1] if self.jobs else None

    def job_history(self, *, offset: int = 0, limit: int = 100) -> tuple[list[Job], int]:
        return self.jobs[::-1][offset : offset + limit], len(self.jobs)

    @property
    def refused_torrents(self) -> list[RefusedTorrent]:
        return []

    def torrents(self) -> int:
        return self.kept_torrents

    def magnets(self) -> int:
        return 0

    def runs(self) -> list[RunSummary]:
        return [run.summary() for run in reversed(self.all_runs)]

    def latest_run(self) -> RunSummary | None:
        return self.all_runs[-1].summary() if self.all_runs else None

    def open_run(self, run_id: str) -> FakeRun:
        for run in self.all_runs:
            if run.run_id == run_id:
                return run
        raise StorageError(f"there is no run {run_id}")

    def view(self, run_id: str) -> RunView:
        run = self.open_run(run_id)
        return RunView(cast(RunReader, run), roll_up(run.sightings(), run.swarms().collect()))

    def purge_preview(self) -> PurgePreview:
        peers = sum(run.summary().peers for run in self.all_runs)
        return PurgePreview(len(self.all_runs), peers, peers * 41, self.kept_torrents)

    def revision(self) -> str:
        run = self.all_runs[-1].revision if self.all_runs else ""
        return f"{self.latest_job()} {run} {self.kept_torrents} {self.changes}"

    # --- what a test orders -------------------------------------------------------------------

    def work(self, steps: int) -> None:
        """Let the active job do `steps` of its work."""
        job = self.jobs[-1]
        done = job.done + steps if job.total is None else min(job.done + steps, job.total)
        doing = job.doing
        if job.kind is JobKind.SCRAPE:
            self.kept_torrents += done - job.done
            doing = f"Collected Open film no. {done}"
        elif job.kind is JobKind.FETCH:
            self.all_runs[-1].finish_swarms(steps)
            doing = f"Asking the DHT: {self.all_runs[-1].summary().peers:,} peers so far"
        self.jobs[-1] = replace(job, done=done, doing=doing)

    def end_job(self, state: JobState, message: str | None) -> None:
        """End the active job."""
        job = self.jobs[-1]
        self.jobs[-1] = replace(job, state=state, ended_at=datetime.now(UTC), message=message)
        if job.kind is JobKind.PURGE and state is JobState.DONE:
            self.all_runs.clear()
        if job.kind is JobKind.FETCH:
            ends = {JobState.DONE: RunState.COMPLETE, JobState.CANCELLED: RunState.CANCELLED}
            self.all_runs[-1].state = ends.get(state, RunState.FAILED)


class FakeHost:
    """The real world of the fake, and its lab, which is ready when the test says so."""

    def __init__(self, *, torrents: int = 0) -> None:
        self.home = FakeDesk("Internet", "The real BitTorrent network", kept_torrents=torrents)
        self.lab = FakeDesk(
            "Lab", "Seed 7: 2,000 DHT nodes, 24 clients", is_lab=True, root_url="http://127.0.0.1:1"
        )
        self.lab_state = LabState.OFF
        self.lab_message = ""

    @property
    def current(self) -> FakeDesk:
        return self.lab if self.lab_state is LabState.RUNNING else self.home

    def start_lab(self) -> None:
        self.lab_state, self.lab_message = LabState.STARTING, "Building the lab's world"

    def lab_is_ready(self) -> None:
        """What the real lab does after some seconds."""
        self.lab_state, self.lab_message = LabState.RUNNING, ""

    def leave_lab(self) -> None:
        self.lab_state = LabState.OFF
