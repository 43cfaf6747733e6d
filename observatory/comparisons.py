"""Comparisons of two runs, kept while neither changes; long ones are made by a thread."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial

from observatory.archive import RunComparison, compare_runs
from observatory.later import Later
from storage.runs import RunReader, open_run
from storage.workspace import Workspace
from swarm.errors import StorageError

_KEPT = 4
_Key = tuple[tuple[str, str], ...]  # of both runs: name and revision


class Comparisons:
    """The comparisons that were asked for last; safe for threads."""

    def __init__(self, workspace: Workspace, *, at_once_bytes: int) -> None:
        """Sightings of more than `at_once_bytes` together are long to compare."""
        self._workspace = workspace
        self._at_once_bytes = at_once_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, RunComparison] = OrderedDict()
        self._later: Later[RunComparison] = Later()

    def of(self, before_id: str, after_id: str, *, wait: bool) -> RunComparison:
        """What changed from one run to the other, as they stand now.

        Raises:
            StorageError: there is no such run, or a part of it does not read. Or it takes long,
                nobody is to `wait`, and it is being made.
        """
        runs = [open_run(self._workspace.runs_dir, run_id) for run_id in (before_id, after_id)]
        key = tuple((run.run_id, run.revision) for run in runs)
        with self._lock:
            found = self._kept.get(key) or self._later.result(key, meanwhile=_being_compared)
            if found is None and not wait and self._is_long(runs):
                work = partial(compare_runs, self._workspace, before_id, after_id)
                self._later.begin(key, work, name=f"compare {before_id} {after_id}")
                raise StorageError(_being_compared())
            found = found or compare_runs(self._workspace, before_id, after_id)
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found

    def _is_long(self, runs: list[RunReader]) -> bool:
        sizes = (part.stat().st_size for run in runs for part in run.parts("sightings"))
        return sum(sizes) > self._at_once_bytes


def _being_compared() -> str:
    return "These two runs are long, and are being compared: open this page again in a minute."
