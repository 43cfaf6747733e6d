"""`python main.py purge`: delete all runs, keep all torrents."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from commands.places import WorkspaceOption, open_desk
from commands.terminal import JsonFlag, leave, watch_job
from observatory.job import JobKind


def purge(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Delete every run and json/*.json; the collected torrents stay. Asks first."""
    desk = open_desk(workspace)
    preview = desk.purge_preview()
    if not yes and preview.runs and (as_json or not sys.stdin.isatty()):
        raise typer.BadParameter("nobody is here to answer: add --yes to delete without a question")
    if not yes and preview.runs:
        typer.confirm(
            f"Delete {preview.runs} run(s) with {preview.peers:,} peers "
            f"({preview.bytes / 1e6:,.1f} MB)? {preview.torrents_kept} torrents are kept.",
            abort=True,
            err=True,
        )
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(JobKind.PURGE, {}, watch)
    leave(job, as_json=as_json)
