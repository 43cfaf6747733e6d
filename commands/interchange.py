"""`import` and `export`: the classic tool's folders, in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.places import WorkspaceOption, open_desk
from commands.terminal import JsonFlag, complain, leave, watch_job
from observatory.job import JobKind


def import_folder(
    folder: Annotated[
        Path, typer.Argument(help="A folder of the classic tool, or its runs/ folder.")
    ],
    relocate: Annotated[
        bool,
        typer.Option(
            "--relocate",
            help="Place the recorded addresses anew instead of keeping the record's places.",
        ),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Read a folder of the classic tool as one run; its own countries and places are kept."""
    desk = open_desk(workspace)
    desk.settings()  # a bad line of config.txt is wrong usage, said before anything starts
    with watch_job(quiet=as_json) as watch:
        arguments: dict[str, object] = {"folder": str(folder.resolve()), "relocate": relocate}
        job = desk.run_here(JobKind.IMPORT, arguments, watch)
    if not as_json:
        for line in (job.report or {}).get("refused", []):
            complain(f"passed over {line}")
    leave(job, as_json=as_json)
