"""From what a crawl found to rows on disk: placed, pseudonymised, written, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import polars as pl

from analysis.locator import Locator
from analysis.placing import place_sightings, place_visits
from observatory.outcomes import answer_frame, outcome_frame, source_counts
from observatory.testimony import SwarmFinding
from storage.manifest import RunCounts
from storage.runs import RunWriter
from swarm.address_keeping import AddressKeeping
from swarm.census import CensusState, SwarmCensus

_BYTES_PER_SIGHTING = 16 + 2 + 18 + 8  # see `swarm.sighting.SightingColumns`
_BYTES_PER_SWARM = 2_000  # about what the objects of one take


@dataclass(frozen=True)
class RowBatch:
    """What is to be written together: swarms that are finished, and halves of hybrids."""

    findings: tuple[SwarmFinding, ...]
    halves: tuple[tuple[int, SwarmCensus], ...]
    canaries: Mapping[int, int]  # found, by swarm
    noted: Mapping[str, int]  # counts that are of no rows, as they were then
    at: datetime

    @cached_property
    def peers(self) -> int:
        """Distinct peers of the findings."""
        return sum(finding.peers for finding in self.findings)

    @cached_property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        told = [columns for finding in self.findings for columns in finding.sightings]
        told += [half.sightings for _, half in self.halves]
        swarms = len(self.findings) + len(self.halves)
        return sum(map(len, told)) * _BYTES_PER_SIGHTING + swarms * _BYTES_PER_SWARM


class RowWriting:
    """Writes batches into one run; each call returns when the disk has them."""

    def __init__(
        self,
        writer: RunWriter,
        *,
        locator: Locator,
        key: bytes,
        store_addresses: AddressKeeping,
        known_canaries: int,
        on_disk: pl.DataFrame,
    ) -> None:
        """`on_disk` are peers of swarms that are not finished, written before: (swarm, peer)."""
        self._writer = writer
        self._locator = locator
        self._key = key
        self._store_addresses = store_addresses
        self._known_canaries = known_canaries
        self._on_disk = on_disk
        self._counts = writer.manifest.counts

    def write(self, batches: Sequence[RowBatch]) -> RunCounts:
        """Place and write them as one part; if it fails or is broken off, nothing was counted.

        Raises:
            StorageError, GeolocationError: as they say.
        """
        found = [finding for batch in batches for finding in batch.findings]
        halves = [half for batch in batches for half in batch.halves]
        canaries = {swarm: n for batch in batches for swarm, n in batch.canaries.items()}
        told = [(finding.number, columns) for finding in found for columns in finding.sightings]
        placed = place_sightings(
            [*told, *((number, half.sightings) for number, half in halves)],
            locator=self._locator,
            key=self._key,
            store_addresses=self._store_addresses,
        )
        sightings = placed.join(self._on_disk, on=["swarm", "peer"], how="anti")
        ended = {finding.number: batch.at for batch in batches for finding in batch.findings}
        outcomes = outcome_frame(found, placed, canaries, ended_at=ended)
        visits = place_visits(
            [(finding.number, visit) for finding in found for visit in finding.visits],
            locator=self._locator,
            key=self._key,
            store_addresses=self._store_addresses,
        )
        counts = self._counts_with(found, sightings, outcomes, batches[-1].noted)
        answers = answer_frame(found)
        self._counts = self._writer.add(sightings, outcomes, counts, answers=answers, visits=visits)
        of_halves = pl.col("swarm").is_in([number for number, _ in halves])
        kept = sightings.filter(of_halves).select("swarm", "peer")
        self._on_disk = pl.concat([self._on_disk, kept])
        return self._counts

    def _counts_with(
        self,
        found: Sequence[SwarmFinding],
        sightings: pl.DataFrame,
        outcomes: pl.DataFrame,
        noted: Mapping[str, int],
    ) -> RunCounts:
        states = outcomes["state"]
        counts = self._counts

        def ended_as(state: CensusState) -> int:
            return int((states == state.value).sum())

        return counts.model_copy(
            update={
                **noted,
                "swarms_done": counts.swarms_done + len(outcomes),
                "swarms_cut_off": counts.swarms_cut_off + ended_as(CensusState.TIMEOUT),
                "swarms_unreachable": counts.swarms_unreachable + ended_as(CensusState.UNREACHABLE),
                "swarms_private": counts.swarms_private + ended_as(CensusState.PRIVATE),
                "peers": counts.peers + len(sightings),
                "queries": counts.queries + int(outcomes["queries"].sum()),
                # The list may have been edited since a kill, and be shorter now.
                "canaries_found": min(
                    counts.canaries_found + int(outcomes["canaries"].sum()), self._known_canaries
                ),
                **source_counts(counts, found, sightings),
            }
        )
