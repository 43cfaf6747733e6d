"""`python main.py metadata`: from magnets and infohashes to .torrent files, by asking peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from commands.places import WorkspaceOption, open_desk
from commands.terminal import (
    FAILED,
    JsonFlag,
    complain,
    console,
    job_document,
    print_json,
    watch_job,
)
from observatory.job import Job, JobKind, JobState
from swarm.endpoint import Endpoint
from swarm.magnet import read_link
from swarm.text import one_line

_ROWS_SHOWN = 40
_MAX_LIST_BYTES = 100_000_000


def metadata(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]...",
            help="A magnet link, an infohash, or a text file of those. Without any: every magnet "
            "that waits for its .torrent.",
            show_default=False,
        ),
    ] = None,
    bootstrap: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="DHT node to begin at; may be repeated."),
    ] = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS:PORT", help="A peer to ask as well; may be repeated."),
    ] = None,
    max_packets_per_s: Annotated[
        float | None,
        typer.Option(min=0, help="Cap on DHT packets; 0 = none, on local networks only."),
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(min=1, help="Stop after this many seconds.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fetch the .torrent of magnets and infohashes from peers, into bulkTorrents/.

    Options that are left out are taken from config.txt.
    """
    from observatory.jobs import MetadataArguments  # pydantic stays out of `--help`
    from swarm.settings import check_host_and_port

    try:
        links = list(_read(inputs or []))
        for node in bootstrap or ():
            check_host_and_port(node)
        for text in peer or ():
            Endpoint.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if inputs and not links:
        raise typer.BadParameter("none of the inputs names a torrent")
    arguments = MetadataArguments(
        inputs=tuple(links) if inputs else None,
        peers=tuple(peer or ()),
        bootstrap=tuple(bootstrap) if bootstrap else None,
        max_packets_per_s=max_packets_per_s,
        deadline_s=deadline,
    )
    desk = open_desk(workspace)
    desk.settings()  # a bad line of config.txt is wrong usage, said before anything starts
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(JobKind.METADATA, arguments.model_dump(mode="json"), watch)
    if as_json:
        print_json({"job": job.id, "kind": job.kind, "state": job.state, **job_document(job)})
    else:
        _show(job)
    missing = ((job.report or {}).get("figures") or {}).get("missing", 0)
    if job.state is not JobState.DONE or missing:
        raise typer.Exit(FAILED)


def _read(inputs: list[str]) -> Iterator[str]:
    """Magnets and infohashes as they stand, and the lines of files; the job judges each line.

    Raises:
        ValueError: an input is neither.
    """
    for text in inputs:
        try:
            read_link(text)
        except ValueError:
            yield from _lines(text)
        else:
            yield text


def _lines(text: str) -> Iterator[str]:
    path = Path(text)
    try:
        if path.stat().st_size > _MAX_LIST_BYTES:
            raise ValueError(f"{text[:80]!r} is larger than {_MAX_LIST_BYTES:,} bytes: split it")
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        raise ValueError(f"{text[:80]!r} is no magnet link, infohash or list of those") from None
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def _show(job: Job) -> None:
    rows = (job.report or {}).get("outcomes", [])
    if rows:
        table = Table("Torrent", "Outcome", "Peers", "File, or why there is none")
        for row in rows[:_ROWS_SHOWN]:
            said = row["file_name"] or row["reason"] or ""
            name = Text(one_line(row["input"])[:60])  # what strangers wrote: never markup
            table.add_row(name, row["outcome"], str(row["peers_known"]), Text(said))
        console.print(table)
    if len(rows) > _ROWS_SHOWN:
        console.print(f"... and {len(rows) - _ROWS_SHOWN} more; --json prints them all.")
    if job.state is JobState.DONE:
        console.print(Text(one_line(job.message or "")), soft_wrap=True)
    else:
        complain(job.message or f"The job is {job.state}.")
