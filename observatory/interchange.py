"""The import and export jobs: folders of the classic tool, in as a run, out of a run."""

from __future__ import annotations

from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.classic import ClassicRecord, parse_run_record
from analysis.classic_export import bar_document, index_document
from analysis.classic_import import RunFrames, records_to_frames
from analysis.locator import Locator, open_locator
from analysis.pseudonyms import SCHEME, pseudonymise
from observatory.aggregates import classic_records, run_tables, write_classic_aggregates
from observatory.configuration import load_settings, open_catalogue
from observatory.jobs import ExportArguments, ImportArguments, Report
from observatory.methods import write_methods
from observatory.progress import Progress
from observatory.rollups import keep_rollup
from observatory.version import code_version
from storage.classic import ClassicFolder, RecordFile, RefusedFile, write_classic_folder
from storage.manifest import Manifest, RunCounts, RunKind, RunState, database_records
from storage.pseudonym_key import key_id, load_or_make_key
from storage.runs import RunWriter, new_run_id, open_run
from storage.workspace import Workspace
from swarm.address_keeping import AddressKeeping
from swarm.census import CensusState
from swarm.columns import OUTCOME_COLUMNS, polars_schema
from swarm.errors import JobRefused, StorageError, SwarmError
from swarm.settings import Settings


def import_classic(workspace: Workspace, arguments: ImportArguments, progress: Progress) -> Report:
    """Read a folder of the classic tool as one run; broken files are passed over and named.

    Raises:
        StorageError: there is no such folder, or no record in it.
        GeolocationError: with `relocate`, where the database does not read.
    """
    settings = load_settings(workspace)
    folder = ClassicFolder.find(Path(arguments.folder))
    records, refused = _read_records(folder, progress)
    if not records:
        raise StorageError(f"no record of {folder.runs_dir} reads: {refused[0]}")
    locator = (
        open_locator(settings.geoip_city, settings.geoip_asn, folder=workspace.geoip_dir)
        if arguments.relocate
        else None
    )
    key = load_or_make_key(workspace.key_path)

    def with_key(packed: bytes, width: int) -> npt.NDArray[np.uint64]:
        return pseudonymise(packed, width, key)

    progress.report("Keeping the records", len(records), len(records))
    frames = records_to_frames(
        records,
        index=folder.index(),
        pseudonymise=with_key,
        store_addresses=settings.store_addresses,
        relocate_with=locator,
    )
    run_id = _keep(workspace, settings, frames, locator, origin=Path(arguments.folder).name)
    write_classic_aggregates(workspace, run_id)
    peers = int(frames.tallies["peers"].sum())
    return Report(
        sentence=f"{len(records)} records with {peers:,} peers imported."
        + (f" {len(refused)} files did not read." if refused else ""),
        run_id=run_id,
        figures={"records": len(records), "peers": peers, "refused": len(refused)},
        refused=refused,
    )


def _read_records(
    folder: ClassicFolder, progress: Progress
) -> tuple[list[ClassicRecord], list[str]]:
    records: list[ClassicRecord] = []
    refused: list[str] = []
    for done, file in enumerate(folder.records()):
        progress.report("Reading records", done, None)
        match file:
            case RefusedFile():
                refused.append(f"{file.name}: {file.reason}")
            case RecordFile():
                try:
                    records.append(parse_run_record(file.name, file.content))
                except SwarmError as error:
                    refused.append(str(error))
    return records, refused


def _keep(
    workspace: Workspace,
    settings: Settings,
    frames: RunFrames,
    locator: Locator | None,
    *,
    origin: str,
) -> str:
    now = datetime.now(UTC)
    counts = RunCounts(
        swarms_total=len(frames.swarms),
        swarms_done=len(frames.swarms),
        peers=int(frames.tallies["peers"].sum()),
    )
    manifest = Manifest(
        run_id=new_run_id(workspace.runs_dir, now),
        kind=RunKind.IMPORT,
        state=RunState.RUNNING,
        world=workspace.root.name,
        started_at=now,
        code_version=code_version(),
        settings=settings.model_dump(mode="json"),
        **database_records(None if locator is None else locator.databases),
        addresses_stored=settings.store_addresses is AddressKeeping.YES,
        prefixes_stored=settings.store_addresses is AddressKeeping.PREFIX,
        key_id=key_id(load_or_make_key(workspace.key_path)),
        pseudonyms=SCHEME,
        counts=counts,
        origin=origin,
    )
    writer = RunWriter(workspace.runs_dir, manifest, frames.swarms)
    writer.record_tallies(frames.tallies)
    writer.add(frames.sightings, _outcomes(frames, now), counts)
    writer.finish(RunState.COMPLETE, datetime.now(UTC), f"Imported from {origin}.", counts)
    with closing(open_catalogue(workspace)) as catalogue:
        catalogue.put_run(writer.manifest)
    run = open_run(workspace.runs_dir, manifest.run_id)
    write_methods(run)
    with suppress(StorageError):  # a full disk: it is made when it is first asked for
        keep_rollup(run)
    return manifest.run_id


def _outcomes(frames: RunFrames, now: datetime) -> pl.DataFrame:
    """An import asks nobody: each record is complete at no query, and nothing is estimated."""
    schema = polars_schema(OUTCOME_COLUMNS)
    peers = frames.sightings.group_by("swarm").agg(unique_peers=pl.len())
    outcomes = (
        frames.swarms.select("swarm")
        .join(peers, on="swarm", how="left", maintain_order="left")
        .with_columns(
            pl.col("unique_peers").fill_null(0),
            state=pl.lit(CensusState.COMPLETE.value),
            queries=pl.lit(0),
            ended_at=pl.lit(now),
        )
    )
    unknown = [pl.lit(None).alias(name) for name in schema if name not in outcomes.columns]
    return outcomes.with_columns(unknown).select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )


def export_classic(workspace: Workspace, arguments: ExportArguments, progress: Progress) -> Report:
    """Write a run in the classic form below `arguments.folder`.

    Raises:
        JobRefused: there is no run yet, or the folder is the workspace itself.
        StorageError: there is no such run, or the disk refuses.
    """
    if Path(arguments.folder).resolve() == workspace.root.resolve():
        raise JobRefused(
            f"{arguments.folder} is the workspace itself: an export there would replace its "
            "index.json. Choose another folder."
        )
    with closing(open_catalogue(workspace)) as catalogue:
        run_id = arguments.run_id or catalogue.latest_run_id()
    if run_id is None:
        raise JobRefused("There is no run to export yet: fetch or import one first.")
    run = open_run(workspace.runs_dir, run_id)
    swarms, tallies = run_tables(run)
    progress.report("Writing the classic form", 0, len(swarms))
    written = write_classic_folder(
        Path(arguments.folder),
        records=classic_records(run, swarms, tallies),
        bar=bar_document(swarms, tallies),
        index=index_document(swarms),
    )
    return Report(
        sentence=f"{written} records of run {run_id} written to {arguments.folder}.",
        run_id=run_id,
        figures={"records": written},
    )
