"""What is known of one swarm: in the shown run, over the runs, and in what is collected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from analysis.selection import Selection
from dashboard.address_state import read_address
from dashboard.live import LiveView, RunKey, ShownRun
from observatory.collected import CollectedSwarm
from observatory.one_swarm import life_of
from swarm.text import one_line

_MOST_RUNS = 50
_PATH = re.compile(r"/swarms/([0-9a-fA-F]{40})/?")
_INFOHASH = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class KnownSwarm:
    """One swarm. `row` is that of the list of swarms, None where the shown run did not ask."""

    infohash: str
    run: RunKey
    shown: ShownRun | None
    row: Mapping[str, Any] | None
    collected: CollectedSwarm
    life: pl.DataFrame  # `life_table`

    @property
    def name(self) -> str | None:
        """What it is called, by whoever knows; None: nobody has heard of it."""
        if self.row is not None:
            return one_line(self.row["name"])
        if self.collected.target is not None:
            return one_line(self.collected.target.name)
        return one_line(self.life["name"][-1]) if len(self.life) else None


def infohash_of(path: str | None) -> str | None:
    """The infohash of a swarm's page, in lower case; None where the path is another's."""
    found = _PATH.fullmatch(path or "")
    return None if found is None else found[1].lower()


def find_swarm(live: LiveView, infohash: str, query: str | None) -> KnownSwarm | None:
    """What is known of it, and of the run that `query` names; None where it is no infohash.

    Raises:
        StorageError: the run, or the list of magnets, does not read.
    """
    if not _INFOHASH.fullmatch(infohash):
        return None
    desk = live.host.current
    key = live.key(desk, live.shown_run(desk, read_address(query).run))
    shown = live.shown(key)
    readers = [desk.open_run(run.id) for run in desk.runs()[:_MOST_RUNS]]
    return KnownSwarm(
        infohash=infohash,
        run=key,
        shown=shown,
        row=None if shown is None else _row_of(shown, infohash),
        collected=desk.collected(infohash),
        life=life_of(readers, infohash),
    )


def _row_of(shown: ShownRun, infohash: str) -> dict[str, Any] | None:
    found = shown.view.swarm_table.filter(pl.col("infohash") == infohash)
    if found.is_empty():
        return None
    page, _ = shown.view.swarms(Selection(swarm=int(found["swarm"][0])), limit=1)
    return page.row(0, named=True) if len(page) else None
