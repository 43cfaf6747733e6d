"""`python main.py runs`: the archive of runs on the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from commands.places import WorkspaceOption, open_desk
from commands.terminal import JsonFlag, complain, console, leave, print_json, watch_job
from observatory.job import JobKind
from swarm.address_keeping import AddressKeeping
from swarm.text import one_line

if TYPE_CHECKING:
    from observatory.archive import ArchivedRun, RunComparison, RunDetails

runs = typer.Typer(
    help="The runs that are kept: list, look at, compare, compact and delete them.",
    no_args_is_help=True,
)

_SHOWN_ROWS = 10
_ADDRESSES = {
    AddressKeeping.NO: "as pseudonyms",
    AddressKeeping.PREFIX: "as pseudonyms, with their networks",
    AddressKeeping.YES: "kept",
}
_COMPARED = ("before", "after", "new", "stayed", "gone")

RunId = Annotated[str, typer.Argument(metavar="ID", help="As `runs list` names it.")]


@runs.command("list")
def list_all(workspace: WorkspaceOption = None, as_json: JsonFlag = False) -> None:
    """Every run, newest first: when, how it ended, what it holds, what it takes on disk."""
    archive = open_desk(workspace).archive()
    if as_json:
        print_json({"runs": [_about(run) for run in archive]})
        return
    table = Table("run", "kind", "state", "started (UTC)")
    for name in ("swarms", "peers", "parts", "MB"):
        table.add_column(name, justify="right")
    for run in archive:
        table.add_row(*map(_plain, _row(run)))
    console.print(table)
    for run in archive:
        if run.broken is not None:
            complain(run.broken)


@runs.command()
def show(run: RunId, workspace: WorkspaceOption = None, as_json: JsonFlag = False) -> None:
    """One run: its figures, who placed its peers, its files."""
    details = open_desk(workspace).run_details(run)
    if as_json:
        print_json(_document(details))
        return
    manifest = details.manifest
    placed_by = manifest.database
    shown: dict[str, object] = {
        "run": manifest.run_id,
        "kind": manifest.kind.value,
        "state": manifest.state.value,
        "started": manifest.started_at,
        "ended": manifest.ended_at,
        "said": manifest.message,
        "version": manifest.code_version,
        "places": None if placed_by is None else f"{placed_by.name}, {placed_by.built_on}",
        "addresses": _ADDRESSES[manifest.address_keeping],
        "size": f"{details.size_bytes / 1e6:,.1f} MB",
        "parts": ", ".join(f"{count:,} of {kind}" for kind, count in details.parts.items()),
        "other files": ", ".join(details.other_files),
    }
    counts = manifest.counts.model_dump(exclude_none=True)
    shown |= {name.replace("_", " "): f"{count:,}" for name, count in counts.items() if count}
    table = Table(show_header=False, box=None)
    for name, value in shown.items():
        table.add_row(name, _plain("-" if value in (None, "") else value))
    console.print(table)


@runs.command()
def compare(
    before: RunId, after: RunId, workspace: WorkspaceOption = None, as_json: JsonFlag = False
) -> None:
    """Two runs side by side: per country, place and torrent who was there, came, stayed, went."""
    found = open_desk(workspace).compare(before, after)
    tables = {
        "countries": found.countries,
        "places": found.places,
        "torrents": found.torrents,
    }
    if as_json:
        rows = {name: table.to_dicts() for name, table in tables.items()}
        print_json({**_sides(found), **rows})
        return
    for name, table in tables.items():
        labels = [c for c in table.columns if c in ("country", "city", "name")]
        drawn = Table(*labels, title=f"{name} ({len(table):,})", title_justify="left")
        for column in _COMPARED:
            drawn.add_column(column, justify="right")
        for row in table.head(_SHOWN_ROWS).iter_rows(named=True):
            drawn.add_row(*(_plain(_bounded(row, column)) for column in (*labels, *_COMPARED)))
        console.print(drawn)
    console.print(
        f"{found.torrents_in_both:,} torrents in both, {found.torrents_before_only:,} only before, "
        f"{found.torrents_after_only:,} only after. Countries and places are of those in both."
    )
    for said in (found.unlinked, *found.cautions):
        if said is not None:
            console.print(Text(one_line(said[0].upper() + said[1:])), soft_wrap=True)


@runs.command()
def delete(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="As `runs list` names them.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Delete runs that have ended. Asks first."""
    desk = open_desk(workspace)
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise typer.BadParameter(
                "nobody is here to answer: add --yes to delete without a question"
            )
        details = [desk.run_details(run_id) for run_id in ids]
        peers = sum(run.manifest.counts.peers for run in details)
        size = sum(run.size_bytes for run in details)
        typer.confirm(
            f"Delete {len(details)} run(s) with {peers:,} peers ({size / 1e6:,.1f} MB)?",
            abort=True,
            err=True,
        )
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(JobKind.DELETE, {"run_ids": ids}, watch)
    leave(job, as_json=as_json)


@runs.command()
def compact(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Which; all by default.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make few parts of the many that a long crawl wrote; every row stays."""
    desk = open_desk(workspace)
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(JobKind.COMPACT, {"run_ids": ids or None}, watch)
    if not as_json:
        for line in (job.report or {}).get("refused", []):
            complain(line)
    leave(job, as_json=as_json)


def _about(run: ArchivedRun) -> dict[str, object]:
    known: dict[str, object] = {"id": run.run_id, "broken": run.broken}
    if run.summary is not None:
        known |= {
            "kind": run.summary.kind,
            "state": run.summary.state,
            "started_at": run.summary.started_at.isoformat(),
            "swarms": run.summary.swarms_total,
            "swarms_done": run.summary.swarms_done,
            "peers": run.summary.peers,
        }
    return known | {"size_bytes": run.size_bytes, "parts": run.parts}


def _row(run: ArchivedRun) -> tuple[object, ...]:
    size = f"{run.size_bytes / 1e6:,.1f}"
    summary = run.summary
    if summary is None:
        return (run.run_id, "?", "broken", "?", "?", "?", run.parts, size)
    swarms = f"{summary.swarms_done:,} / {summary.swarms_total:,}"
    started = f"{summary.started_at:%Y-%m-%d %H:%M}"
    kind, state = summary.kind.value, summary.state.value
    return (run.run_id, kind, state, started, swarms, f"{summary.peers:,}", run.parts, size)


def _document(details: RunDetails) -> dict[str, object]:
    return {
        "manifest": details.manifest.model_dump(mode="json"),
        "size_bytes": details.size_bytes,
        "parts": dict(details.parts),
        "compactions": details.compactions,
        "other_files": list(details.other_files),
    }


def _sides(found: RunComparison) -> dict[str, object]:
    return {
        "before": found.before.id,
        "after": found.after.id,
        "unlinked": found.unlinked,
        "cautions": list(found.cautions),
        "torrents_in_both": found.torrents_in_both,
        "torrents_before_only": found.torrents_before_only,
        "torrents_after_only": found.torrents_after_only,
    }


def _figure(value: object) -> object:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else value


def _bounded(row: Mapping[str, Any], column: str) -> object:
    """A figure, with the bounds that the row has of it."""
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    said = _figure(row[column])
    return said if low is None or high is None else f"{said} ({low:,} to {high:,})"


def _plain(value: object) -> Text:
    """Names come from torrents: shown as text, never as markup."""
    return Text(one_line(str(value)))
