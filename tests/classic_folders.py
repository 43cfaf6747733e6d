"""A classic folder as a run's frames and back, by the same steps as import and export."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from analysis.classic import ClassicRecord, parse_run_record
from analysis.classic_export import run_records
from analysis.classic_import import RunFrames, records_to_frames
from analysis.locator import Locator
from analysis.pseudonyms import pseudonymise
from storage.classic import ClassicFolder, RecordFile
from swarm.address_keeping import AddressKeeping
from swarm.errors import StorageError

SAMPLES = Path(__file__).parent / "samples"
RUN_DATE = date(2026, 11, 21)
_KEY = bytes(range(32))


def read_records(folder: Path) -> tuple[list[ClassicRecord], dict[str, str]]:
    """The records of a folder, and the reason of each file that is refused."""
    records: list[ClassicRecord] = []
    refused: dict[str, str] = {}
    for file in ClassicFolder.find(folder).records():
        if not isinstance(file, RecordFile):
            refused[file.name] = file.reason
            continue
        try:
            records.append(parse_run_record(file.name, file.content))
        except StorageError as error:
            refused[file.name] = str(error)
    return records, refused


def import_records(
    records: list[ClassicRecord],
    index: dict[str, Any] | None = None,
    *,
    store_addresses: AddressKeeping = AddressKeeping.YES,
    relocate_with: Locator | None = None,
) -> RunFrames:
    """The frames of records, under a fixed key."""
    return records_to_frames(
        records,
        index=index or {},
        pseudonymise=lambda packed, width: pseudonymise(packed, width, _KEY),
        store_addresses=store_addresses,
        relocate_with=relocate_with,
    )


def import_folder(folder: Path) -> RunFrames:
    """The frames of a folder with its index, addresses stored."""
    return import_records(read_records(folder)[0], ClassicFolder.find(folder).index())


def export_objects(run: RunFrames) -> dict[str, dict[str, Any]]:
    """The record objects of a run, by file name."""
    return dict(run_records(run.swarms, run.sightings, run.tallies, run_date=RUN_DATE))
