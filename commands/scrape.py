"""`python main.py scrape`: collect .torrent files from the site of config.txt."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.places import WorkspaceOption, open_desk
from commands.terminal import JsonFlag, complain, leave, watch_job
from observatory.job import JobKind


def scrape(
    per_category: Annotated[
        int, typer.Option("--per-category", "-n", min=1, help="Torrents in each of 8 categories.")
    ] = 3,
    feed: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="RSS, Atom or Torznab feed to read beside those of config.txt; may be repeated.",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Collect .torrent files from `feeds` and, most seeders first, `root_url` of config.txt.

    What is there already is skipped; pages without a .torrent are counted and shown.
    """
    desk = open_desk(workspace)
    desk.settings()  # a bad line of config.txt is wrong usage, said before anything starts
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(
            JobKind.SCRAPE,
            {"per_category": per_category},
            watch,
            unwritten={"feeds": feed or []},  # their addresses hold keys
        )
    if not as_json:
        from observatory.jobs import SiteReport  # pydantic stays out of `--help`

        for site in (job.report or {}).get("sites", []):
            typer.echo(SiteReport.model_validate(site).sentence)
        for line in (job.report or {}).get("refused", []):
            complain(f"passed over {line}")
    leave(job, as_json=as_json)
