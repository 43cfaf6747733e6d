"""The operations of the API: one function each, listed with what it takes and answers.

The routes and the OpenAPI document are both made from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from analysis.countries import country_name
from dashboard.api import answers, questions
from dashboard.live import LiveView, RunKey, ShownRun
from observatory.job import JobKind
from observatory.summaries import RunSummary
from observatory.version import code_version
from swarm.errors import StorageError

JSON, GEOJSON = "application/json", "application/geo+json"


class NotHere(Exception):
    """What was asked for does not exist; says what does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request: the path's variables, the query, and the body where there is one."""

    live: LiveView
    path: Mapping[str, str]
    query: Any
    body: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `path` below /api/v1, its variables in brackets."""

    path: str
    answer: type[answers.Answer]
    function: Callable[[Asked], answers.Answer]
    query: type[questions.Question] = questions.Nothing
    media_type: str = JSON
    method: str = "GET"
    body: type[questions.Question] | None = None
    status: int = 200
    missing: str | None = None  # what a 404 means here
    needs_token: bool = False

    @property
    def summary(self) -> str:
        """What it does, in its function's own words."""
        return (self.function.__doc__ or "").strip().rstrip(".")


def health(asked: Asked) -> answers.Health:
    """Whether the server answers, and what it shows."""
    desk = asked.live.host.current
    return answers.Health(
        status="ok",
        version=code_version(),
        world=desk.name,
        is_lab=desk.is_lab,
        job_is_active=desk.active_job() is not None,
    )


def runs(asked: Asked) -> answers.Runs:
    """All runs, newest first."""
    every = asked.live.host.current.runs()
    page = every[asked.query.offset : asked.query.offset + asked.query.limit]
    return answers.Runs(runs=[answers.Run.of(run) for run in page], total=len(every))


def run_detail(asked: Asked) -> answers.RunDetail:
    """One run with its numbers."""
    run, shown = _shown(asked.live, asked.path["id"])
    manifest = asked.live.host.current.open_run(run.id).manifest
    return answers.RunDetail(
        run=answers.Run.of(run),
        code_version=manifest.code_version,
        addresses_stored=manifest.addresses_stored,
        counts=manifest.counts,
        totals=answers.Totals.of(shown.numbers(asked.query.selection)),
    )


def torrents(asked: Asked) -> answers.Torrents:
    """The torrents of a run, page by page."""
    query = asked.query
    run, shown = _shown(asked.live, query.run)
    page, total = shown.view.swarms(
        query.selection,
        search=query.search,
        sort=query.sort,
        descending=query.descending,
        offset=query.offset,
        limit=query.limit,
    )
    rows = [answers.Torrent.of(row) for row in page.iter_rows(named=True)]
    return answers.Torrents(run=run.id, total=total, offset=query.offset, torrents=rows)


def torrent_detail(asked: Asked) -> answers.TorrentDetail:
    """One torrent of a run: where its peers are, and who named them."""
    infohash = asked.path["infohash"].lower()
    run, shown = _shown(asked.live, asked.query.run)
    swarm = number_of_swarm(shown, infohash)
    if swarm is None:
        raise NotHere(f"Run {run.id} did not ask for {infohash[:40]}; see /api/v1/torrents.")
    selection = asked.query.model_copy(update={"swarm": swarm}).selection
    page, _ = shown.view.swarms(selection, limit=1)
    whole, _ = shown.view.swarms(type(selection)(swarm=swarm), limit=1)
    found = page if len(page) else whole  # nobody is left of it: then 0 peers, not "unknown"
    row = found.row(0, named=True) | ({} if len(page) else {"peers": 0, "top_countries": []})
    return answers.TorrentDetail(
        run=run.id,
        torrent=answers.Torrent.of(row),
        countries=_countries(shown, selection),
        sources=[
            answers.SourceCount(**source)
            for source in shown.view.sources(selection).iter_rows(named=True)
        ],
        database=answers.Run.of(run).database,
    )


def number_of_swarm(shown: ShownRun, infohash: str) -> int | None:
    """Which swarm of the run has this infohash; None where none has."""
    table = shown.view.swarm_table
    found = table.filter(table["infohash"] == infohash)
    return None if found.is_empty() else int(found["swarm"][0])


def countries(asked: Asked) -> answers.Countries:
    """Peers by country."""
    run, shown = _shown(asked.live, asked.query.run)
    rows = _countries(shown, asked.query.selection)
    return answers.Countries(run=run.id, countries=rows, database=answers.Run.of(run).database)


def places(asked: Asked) -> answers.Places:
    """Peers by place, as GeoJSON."""
    query = asked.query
    run, shown = _shown(asked.live, query.run)
    table = shown.places(query.selection, query.cell_deg, query.bounds)
    level = shown.country_level(query.selection)
    return answers.Places(
        type="FeatureCollection",
        features=[_feature(row) for row in table.iter_rows(named=True)],
        run=run.id,
        country_level=[
            answers.CountryLevel(country=row["country"], peers=row["peers"])
            for row in level.iter_rows(named=True)
        ],
        database=answers.Run.of(run).database,
    )


def jobs(asked: Asked) -> answers.Jobs:
    """Jobs, the latest first."""
    query = asked.query
    page, total = asked.live.host.current.job_history(offset=query.offset, limit=query.limit)
    told = [answers.JobAnswer.of(job) for job in page]
    return answers.Jobs(total=total, offset=query.offset, jobs=told)


def job(asked: Asked) -> answers.JobAnswer:
    """One job: how far it is, or how it ended."""
    wanted = asked.path["id"]
    desk = asked.live.host.current
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 10:
        with suppress(StorageError):
            return answers.JobAnswer.of(desk.job(int(wanted)))
    raise NotHere(f"There is no job {wanted[:20]!r}; see /api/v1/jobs.")


def start_job(asked: Asked) -> answers.JobAnswer:
    """Start a job; takes the token."""
    wanted = asked.body.job
    arguments = wanted.model_dump(exclude={"kind", "confirm"})
    return answers.JobAnswer.of(asked.live.host.current.start(JobKind(wanted.kind), arguments))


OPERATIONS: tuple[Operation, ...] = (
    Operation("/health", answers.Health, health),
    Operation("/runs", answers.Runs, runs, questions.Paged),
    Operation(
        "/runs/<id>",
        answers.RunDetail,
        run_detail,
        questions.Narrowed,
        missing="there is no such run",
    ),
    Operation(
        "/torrents",
        answers.Torrents,
        torrents,
        questions.OfTorrents,
        missing="there is no such run, or none at all",
    ),
    Operation(
        "/torrents/<infohash>",
        answers.TorrentDetail,
        torrent_detail,
        questions.OfRun,
        missing="the run did not ask for it",
    ),
    Operation(
        "/countries",
        answers.Countries,
        countries,
        questions.OfRun,
        missing="there is no such run, or none at all",
    ),
    Operation(
        "/places",
        answers.Places,
        places,
        questions.OfPlaces,
        GEOJSON,
        missing="there is no such run, or none at all",
    ),
    Operation("/jobs", answers.Jobs, jobs, questions.Paged),
    Operation(
        "/jobs/<id>",
        answers.JobAnswer,
        job,
        missing="there is no such job",
    ),
    Operation(
        "/jobs",
        answers.JobAnswer,
        start_job,
        method="POST",
        body=questions.StartJob,
        status=202,
        needs_token=True,
    ),
)


def state_of(live: LiveView, run_id: str | None) -> RunKey | None:
    """The state of the run that is asked about; None where there is none."""
    desk = live.host.current
    run = live.shown_run(desk, run_id)
    return None if run is None else live.key_now(desk, run)


def _shown(live: LiveView, run_id: str | None) -> tuple[RunSummary, ShownRun]:
    desk = live.host.current
    run = live.shown_run(desk, run_id)
    shown = None if run is None else live.shown(live.key_now(desk, run))
    if run is None or shown is None:
        named = "no run yet: start a fetch" if run_id is None else f"no run {run_id[:40]!r}"
        raise NotHere(f"There is {named}; see /api/v1/runs.")
    return run, shown


def _countries(shown: ShownRun, selection: Any) -> list[answers.Country]:
    return [
        answers.Country(name=country_name(row["country"]), **row)
        for row in shown.countries(selection).iter_rows(named=True)
    ]


def _feature(row: Mapping[str, Any]) -> answers.Feature:
    return answers.Feature(
        type="Feature",
        id=row["key"],
        geometry=answers.Point(
            type="Point", coordinates=(round(row["lon"], 5), round(row["lat"], 5))
        ),
        properties=answers.PlaceProperties(
            key=row["key"],
            label=row["label"],
            country=row["country"],
            peers=row["peers"],
            places=row["places"],
        ),
    )
