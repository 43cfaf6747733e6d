"""What the API answers: the models that its JSON and its OpenAPI document are made from.

Numbers that are not known are null, never 0. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from analysis.estimate import Estimate
from analysis.totals import RunTotals
from observatory.job import Job, JobKind, JobState
from observatory.summaries import RunSummary
from storage.manifest import RunCounts, RunKind, RunState
from swarm.place import DatabaseBuild


class Answer(BaseModel):
    """A JSON object of ours; it has these members and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="about:blank: the status says it all")
    title: str
    status: int
    detail: str = Field(description="what was wrong, and what to do")


class Health(Answer):
    """That the server answers, and what it shows."""

    status: Literal["ok"]
    version: str
    world: str
    is_lab: bool
    job_is_active: bool


class Database(Answer):
    """Who placed the peers; its attribution stands wherever places are shown."""

    name: str
    built_on: date | None
    attribution: str | None
    attribution_url: str | None

    @classmethod
    def of(cls, build: DatabaseBuild | None) -> Database | None:
        """The answer about a database; None stays None."""
        if build is None:
            return None
        return cls(
            name=build.name,
            built_on=build.built_on,
            attribution=build.attribution,
            attribution_url=build.attribution_url,
        )


class Databases(Answer):
    """All that was asked about addresses; null where it was not."""

    places: Database
    networks: Database | None
    hosting: Database | None


class Run(Answer):
    """One run, as a line of a list."""

    id: str
    kind: RunKind
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    swarms_total: int
    swarms_done: int
    peers: int = Field(description="a peer in two swarms counts twice")
    database: Database | None = Field(description="null: an import keeps its record's places")
    databases: Databases | None = Field(description="that one, and those of networks and hosting")
    message: str | None

    @classmethod
    def of(cls, run: RunSummary) -> Run:
        """The answer about a run."""
        return cls(
            id=run.id,
            kind=run.kind,
            state=run.state,
            started_at=run.started_at,
            ended_at=run.ended_at,
            swarms_total=run.swarms_total,
            swarms_done=run.swarms_done,
            peers=run.peers,
            database=Database.of(run.database),
            databases=_databases(run),
            message=run.message,
        )


def _databases(run: RunSummary) -> Databases | None:
    asked = run.databases
    placed = None if asked is None else Database.of(asked.places)
    if asked is None or placed is None:
        return None
    return Databases(
        places=placed,
        networks=Database.of(asked.networks),
        hosting=Database.of(asked.hosting),
    )


class Runs(Answer):
    """All runs, newest first."""

    runs: list[Run]
    total: int


class Interval(Answer):
    """An estimate with its 95 % interval; high is null where nothing bounds it."""

    value: float
    low: float
    high: float | None

    @classmethod
    def of(cls, estimate: Estimate | None) -> Interval | None:
        """The answer about an estimate; None stays None."""
        if estimate is None:
            return None
        return cls(value=estimate.value, low=estimate.low, high=estimate.high)


class Totals(Answer):
    """The key numbers of a run, or of what it is narrowed to."""

    peers: int | None = Field(description="distinct endpoints; null where too many to compare")
    memberships: int = Field(description="a peer in two swarms counts twice")
    swarms: int
    countries: int = Field(description="without the unknown")
    places: int
    located_share: float | None
    seeds: Interval | None
    downloaders: Interval | None
    recall: float | None = Field(description="measured share of known peers that was found")

    @classmethod
    def of(cls, totals: RunTotals) -> Totals:
        """The answer about key numbers."""
        return cls(
            peers=totals.peers,
            memberships=totals.memberships,
            swarms=totals.swarms,
            countries=totals.countries,
            places=totals.places,
            located_share=totals.located_share,
            seeds=Interval.of(totals.seeds),
            downloaders=Interval.of(totals.downloaders),
            recall=totals.recall,
        )


class RunDetail(Answer):
    """One run with its numbers; what it is narrowed to holds for `totals` alone."""

    run: Run
    code_version: str
    addresses_stored: bool
    counts: RunCounts
    totals: Totals


class Torrent(Answer):
    """One torrent of a run, and how many share it."""

    swarm: int
    infohash: str | None
    name: str = Field(description="as the torrent calls itself: any text at all")
    category: str | None
    language: str | None
    size_mb: float | None
    peers: int
    top_countries: list[str]
    state: str | None = Field(description="null: still being asked for")
    ended_at: datetime | None
    estimate: Interval | None
    seeds: Interval | None
    downloaders: Interval | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Torrent:
        """The answer about a row of `RunView.swarms`."""
        return cls(
            swarm=row["swarm"],
            infohash=row["infohash"],
            name=row["name"],
            category=row["category"],
            language=row["language"],
            size_mb=row["size_mb"],
            peers=row["peers"],
            top_countries=row["top_countries"] or [],
            state=row["state"],
            ended_at=row["ended_at"],
            estimate=_interval(row["estimate"], row["low"], row["high"]),
            seeds=_interval(row["seeds"], row["seeds_low"], row["seeds_high"]),
            downloaders=_interval(
                row["downloaders"], row["downloaders_low"], row["downloaders_high"]
            ),
        )


class Torrents(Answer):
    """A part of the list of a run's torrents."""

    run: str
    total: int
    offset: int
    torrents: list[Torrent]


class Country(Answer):
    """Peers of one country."""

    country: str = Field(description="ISO 3166-1 alpha-2; ZZ is unknown")
    name: str
    peers: int
    share: float
    median_mb: float | None = Field(description="size of the torrent of its median peer")


class Countries(Answer):
    """Peers by country, most first."""

    run: str
    countries: list[Country]
    database: Database | None


class SourceCount(Answer):
    """How many peers one source named."""

    source: str
    peers: int
    alone: int = Field(description="whom no other source named")


class TorrentDetail(Answer):
    """One torrent of a run: where its peers are, and who named them."""

    run: str
    torrent: Torrent
    countries: list[Country]
    sources: list[SourceCount]
    database: Database | None


class Point(Answer):
    """A GeoJSON point: longitude first (RFC 7946)."""

    type: Literal["Point"]
    coordinates: tuple[float, float]


class PlaceProperties(Answer):
    """What is known of a place."""

    key: str
    label: str | None
    country: str
    peers: int
    places: int = Field(description="how many points of the database it stands for")


class Feature(Answer):
    """One place."""

    type: Literal["Feature"]
    id: str
    geometry: Point
    properties: PlaceProperties


class CountryLevel(Answer):
    """Peers of whom no more than the country is known."""

    country: str
    peers: int


class Places(Answer):
    """Places of a run as a GeoJSON FeatureCollection, with two members of our own."""

    type: Literal["FeatureCollection"]
    features: list[Feature]
    run: str
    country_level: list[CountryLevel] = Field(description="peers who are on no point")
    database: Database | None


class JobAnswer(Answer):
    """One job, running or ended."""

    id: int
    kind: JobKind
    state: JobState
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    doing: str
    done: int
    total: int | None
    counts: dict[str, int]
    message: str | None
    report: dict[str, Any] | None

    @classmethod
    def of(cls, job: Job) -> JobAnswer:
        """The answer about a job."""
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state,
            created_at=job.created_at,
            started_at=job.started_at,
            ended_at=job.ended_at,
            doing=job.doing,
            done=job.done,
            total=job.total,
            counts=dict(job.counts),
            message=job.message,
            report=None if job.report is None else dict(job.report),
        )


class Jobs(Answer):
    """Some jobs, the latest first."""

    total: int
    offset: int
    jobs: list[JobAnswer]


def _interval(value: float | None, low: float | None, high: float | None) -> Interval | None:
    return None if value is None or low is None else Interval(value=value, low=low, high=high)
