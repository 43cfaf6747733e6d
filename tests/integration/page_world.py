"""A workspace with one finished run and one job, and the page's own server upon it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from dashboard.access import Access
from observatory.desk import Observatory
from observatory.host import Host
from observatory.job import JobKind
from observatory.lab_process import LabProcess
from observatory.progress import Progress
from storage.access_token import load_or_make_token
from storage.manifest import DatabaseRecord, RunCounts, RunState
from storage.runs import RunWriter
from storage.workspace import Workspace
from tests import frames
from tests.page_server import served

RUN = "20261121-120000-abcd"
HOSTILE_NAME = "<img src=x onerror='window.pwned=1'>"
DATABASE = DatabaseRecord(
    name="DB-IP City Lite",
    built_on=date(2026, 11, 1),
    attribution="IP Geolocation by DB-IP",
    attribution_url="https://db-ip.com",
)


@dataclass(frozen=True)
class PageWorld:
    """Where it is served, and the token of its workspace."""

    url: str
    token: str
    desk: Observatory


@contextmanager
def page_world(
    root: Path, *, demanded: bool = False, address: str = "127.0.0.1"
) -> Iterator[PageWorld]:
    """Three swarms and 33 peers in France, Germany and nowhere."""
    workspace = Workspace(root)
    workspace.prepare()
    write_run(workspace)
    desk = Observatory(workspace, name="Test", description="A world for tests")
    desk.run_here(JobKind.EXPORT, {"folder": str(root / "classic")}, _Silence())
    lab = LabProcess([sys.executable, "-c", "raise SystemExit(1)"])
    host = Host(desk, lab=lab, lab_workspace=Workspace(root / ".lab"))
    token, _ = load_or_make_token(workspace.token_path)
    try:
        with served(host, Access(token, demanded=demanded), address) as url:
            yield PageWorld(url, token, desk)
    finally:
        host.close()


def write_run(workspace: Workspace, run_id: str = RUN) -> None:
    """A run as a crawl leaves it."""
    manifest = frames.manifest(run_id, database=DATABASE)
    swarms = frames.swarms(HOSTILE_NAME, "Open film", "Atlas of nothing")
    writer = RunWriter(workspace.runs_dir, manifest, swarms)
    rows = [(0, peer, "FR") for peer in range(20)]
    rows += [(1, peer, "DE") for peer in range(100, 112)] + [(1, 200, "ZZ")]
    france, germany = pl.col("country") == "FR", pl.col("country") == "DE"
    placed = frames.sightings(*rows).with_columns(
        city=pl.when(france).then(pl.lit("Paris")).when(germany).then(pl.lit("Berlin")),
        latitude=pl.when(france).then(48.8566).when(germany).then(52.52).cast(pl.Float32),
        longitude=pl.when(france).then(2.3522).when(germany).then(13.405).cast(pl.Float32),
    )
    counts = RunCounts(swarms_total=3, swarms_done=3, peers=len(rows))
    writer.add(placed, frames.outcomes((0, 20), (1, 13), (2, 0)), counts)
    ended = frames.NOON + timedelta(minutes=4)
    writer.finish(RunState.COMPLETE, ended, "All swarms counted.", counts)


class _Silence(Progress):
    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        pass
