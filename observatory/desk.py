"""Observatory: one world's desk, where the page and the command line ask and order."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from observatory.archive import (
    ArchivedRun,
    RunComparison,
    RunDetails,
    archived_runs,
    run_details,
)
from observatory.board import queue_job, run_job, settle
from observatory.collected import CollectedSwarm, collected_swarm
from observatory.comparisons import Comparisons
from observatory.configuration import load_settings, open_catalogue
from observatory.job import Job, JobKind, row_to_job
from observatory.privacy import forget_old_addresses
from observatory.progress import Progress
from observatory.purge import PurgePreview, preview_purge
from observatory.summaries import RunSummary, summarise
from observatory.worker import reap_workers, start_worker
from storage.magnets import MagnetList
from storage.runs import RunReader, open_run
from storage.torrents import INDEX_NAME, KeptTorrent, RefusedTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import SwarmError
from swarm.settings import Settings

if TYPE_CHECKING:
    from observatory.intake import Intake, IntakeOutcome
    from observatory.rollups import Rollups
    from observatory.run_view import RunView

log = logging.getLogger(__name__)
_COUNTED_AT_ONCE_BYTES = 150_000_000  # of parts: some four million rows, about two seconds


class Observatory:
    """One world: its torrents, its runs, its one job at a time."""

    def __init__(
        self, workspace: Workspace, *, name: str, description: str, is_lab: bool = False
    ) -> None:
        """Open the workspace; what a killed process left is tidied, new .torrent files are read.

        Raises:
            StorageError: the catalogue or index.json does not read.
        """
        self.workspace = workspace
        self.name = name
        self.description = description
        self.is_lab = is_lab
        workspace.prepare()
        self._catalogue = open_catalogue(workspace)
        self._magnets = MagnetList(workspace.torrents_dir)
        self._folder_stamp: tuple[int, int] | None = None
        settle(workspace, self._catalogue)
        self._enforce_retention()
        self.refused_torrents: list[RefusedTorrent] = []
        self.read_torrent_folder()

    def _enforce_retention(self) -> None:
        try:
            forget_old_addresses(self.workspace, self.settings().keep_raw_days, datetime.now(UTC))
        except SwarmError as error:  # a job runs, config.txt does not read: at the next start
            log.warning("retention=skipped error=%s", error)

    def close(self) -> None:
        """Give the catalogue back."""
        self._catalogue.close()

    def settings(self) -> Settings:
        """config.txt as it is now.

        Raises:
            SettingsError: names file, line and key.
        """
        return load_settings(self.workspace)

    # --- torrents -----------------------------------------------------------------------------

    def read_torrent_folder(self) -> None:
        """Make the catalogue say what bulkTorrents/ holds; files dropped there by hand count."""
        if self.active_job() is not None or not self._folder_changed():
            return
        found = list(TorrentFolder(self.workspace.torrents_dir))
        kept = [item for item in found if isinstance(item, KeptTorrent)]
        self.refused_torrents = [item for item in found if isinstance(item, RefusedTorrent)]
        self._catalogue.replace_torrents(kept, datetime.now(UTC))
        self._magnets.drop(key.hex for item in kept for key in item.torrent.dht_keys)

    def _folder_changed(self) -> bool:
        folder = self.workspace.torrents_dir
        index = folder / INDEX_NAME
        stamp = (folder.stat().st_mtime_ns, index.stat().st_mtime_ns if index.exists() else 0)
        changed, self._folder_stamp = stamp != self._folder_stamp, stamp
        return changed

    def torrents(self) -> int:
        """How many torrents are collected."""
        return self._catalogue.count_torrents()

    def collected(self, infohash: str) -> CollectedSwarm:
        """What is collected of one swarm, and whether it can be fetched by itself.

        Raises:
            StorageError: magnets.json does not read.
        """
        return collected_swarm(self.workspace, self._catalogue, infohash)

    def magnets(self) -> int:
        """How many magnets wait for their .torrent.

        Raises:
            StorageError: magnets.json does not read.
        """
        return self._magnets.count()

    def add_inputs(self, inputs: Sequence[str]) -> list[IntakeOutcome]:
        """Check and keep files, folders, magnets and infohashes; also while a job runs.

        Raises:
            StorageError: the disk refuses.
        """
        self.read_torrent_folder()  # so that what lies there by hand is known
        return list(self._intake().add_inputs(inputs))

    def add_files(self, files: Sequence[tuple[str, bytes]]) -> list[IntakeOutcome]:
        """Check and keep uploaded files, (name, content); the names are only shown.

        Raises:
            StorageError: the disk refuses.
        """
        self.read_torrent_folder()
        intake = self._intake()
        return [outcome for file in files for outcome in intake.add_file(*file)]

    def add_links(self, text: str) -> list[IntakeOutcome]:
        """Check and keep magnets and infohashes, one a line.

        Raises:
            StorageError: the disk refuses.
        """
        self.read_torrent_folder()
        return list(self._intake().add_links(text))

    def _intake(self) -> Intake:
        from observatory.intake import Intake  # libtorrent, where something is taken in

        return Intake(self.workspace, self._catalogue)

    # --- jobs ---------------------------------------------------------------------------------

    def start(self, kind: JobKind, arguments: dict[str, object]) -> Job:
        """Queue a job and start a worker process for it; returns at once.

        Raises:
            JobRefused: another job is active; says which.
        """
        self.read_torrent_folder()
        job = queue_job(self.workspace, kind, arguments)
        start_worker(self.workspace, job.id)
        return job

    def run_here(
        self,
        kind: JobKind,
        arguments: dict[str, object],
        watch: Progress,
        *,
        unwritten: dict[str, object] | None = None,
    ) -> Job:
        """Queue a job and run it in this process, reporting to `watch` as well.

        `unwritten` are arguments that are secret: the job is handed them, the catalogue is not.

        Raises:
            JobRefused: another job is active; says which.
        """
        self.read_torrent_folder()
        job = queue_job(self.workspace, kind, arguments)
        return run_job(self.workspace, job.id, watch=watch, unwritten=unwritten)

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop; it does so at its next report."""
        self._catalogue.update_job(job_id, cancel_requested=True)

    def job(self, job_id: int) -> Job:
        """One job by its number."""
        return row_to_job(self._catalogue.job(job_id))

    def active_job(self) -> Job | None:
        """The job that is queued or running; one whose process was killed is settled first."""
        reap_workers()
        if self._catalogue.active_job() is None:
            return None
        settle(self.workspace, self._catalogue)
        row = self._catalogue.active_job()
        return None if row is None else row_to_job(row)

    def latest_job(self) -> Job | None:
        """The job that was started last, whatever its state."""
        self.active_job()
        row = self._catalogue.latest_job()
        return None if row is None else row_to_job(row)

    def job_history(self, *, offset: int = 0, limit: int = 100) -> tuple[list[Job], int]:
        """Some jobs, the one that was started last first, and how many there are in all."""
        self.active_job()
        rows, total = self._catalogue.jobs(offset=offset, limit=limit)
        return [row_to_job(row) for row in rows], total

    # --- runs ---------------------------------------------------------------------------------

    def runs(self) -> list[RunSummary]:
        """All runs, newest first."""
        return [summarise(manifest) for manifest in self._catalogue.runs()]

    def latest_run(self) -> RunSummary | None:
        """The run that was started last."""
        run_id = self._catalogue.latest_run_id()
        # The row of a running run is as old as its start; its manifest is fresh.
        return None if run_id is None else summarise(self.open_run(run_id).manifest)

    def open_run(self, run_id: str) -> RunReader:
        """Read a run.

        Raises:
            StorageError: there is no such run.
        """
        return open_run(self.workspace.runs_dir, run_id)

    def view(self, run_id: str) -> RunView:
        """A run as the page and exports ask for it, as it stands now.

        Raises:
            StorageError: there is no such run, or a part of it does not read; or it is long and is
                being counted for the first time, which `revision` tells the end of.
        """
        from observatory.run_view import RunView

        reader = self.open_run(run_id)
        return RunView(reader, self._rollups.of(reader))

    @cached_property
    def _rollups(self) -> Rollups:
        from observatory.rollups import Rollups  # NumPy, where a run is looked into

        return Rollups(at_once_bytes=_COUNTED_AT_ONCE_BYTES)

    def archive(self) -> list[ArchivedRun]:
        """Every run with what it takes on disk, newest first."""
        return archived_runs(self.workspace)

    def run_details(self, run_id: str) -> RunDetails:
        """One run with its files.

        Raises:
            StorageError: there is no such run, or its manifest does not read.
        """
        return run_details(self.workspace, run_id)

    def compare(self, before_id: str, after_id: str, *, wait: bool = True) -> RunComparison:
        """What changed from one run to the other.

        Raises:
            StorageError: there is no such run, or a part of it does not read. Or they are long, and
                nobody is to `wait`: they are compared meanwhile.
        """
        return self._comparisons.of(before_id, after_id, wait=wait)

    @cached_property
    def _comparisons(self) -> Comparisons:
        return Comparisons(self.workspace, at_once_bytes=_COUNTED_AT_ONCE_BYTES)

    def purge_preview(self) -> PurgePreview:
        """What a purge would delete and keep."""
        return preview_purge(self.workspace, self._catalogue)

    def revision(self) -> str:
        """Changes when jobs, torrents, config.txt or the latest run do; a few milliseconds."""
        job = self.latest_job()
        run = self.latest_run()
        parts = "" if run is None else self.open_run(run.id).revision
        watched = (self.workspace.torrents_dir, self.workspace.config_path)
        stamps = [path.stat().st_mtime_ns for path in watched if path.exists()]
        # Where nobody has looked into a run yet, none was counted, and NumPy need not be loaded.
        counted = self._rollups.counted if "_rollups" in self.__dict__ else 0
        said = f"{job}{parts}{self.torrents()}{stamps}{counted}"
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
