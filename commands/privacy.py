"""`python main.py privacy`: a new key for pseudonyms, and older runs without raw addresses."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands.places import WorkspaceOption, open_workspace
from commands.terminal import JsonFlag, print_json

privacy = typer.Typer(
    help="The key behind the pseudonyms, and raw addresses that were kept.", no_args_is_help=True
)


@privacy.command("rotate-key")
def rotate_key(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a new key. Older runs stay readable, but are never linked to new ones. Asks first."""
    world = open_workspace(workspace)
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise typer.BadParameter("nobody is here to answer: add --yes to go on")
        typer.confirm(
            "Peers of older runs can then never be found again in new ones: who stayed and who is "
            "new is not told across the change. The old key is gone for good. Go on?",
            abort=True,
            err=True,
        )
    from observatory.privacy import rotate_key as make_new_key  # polars stays out of `--help`

    rotation = make_new_key(world)
    if as_json:
        print_json(asdict(rotation))
    else:
        typer.echo(f"New key {rotation.after}; {rotation.before} is gone.")


@privacy.command("sweep")
def sweep(workspace: WorkspaceOption = None, as_json: JsonFlag = False) -> None:
    """Take raw addresses out of runs older than keep_raw_days (config.txt)."""
    from observatory.configuration import load_settings
    from observatory.privacy import forget_old_addresses

    world = open_workspace(workspace)
    keep_raw_days = load_settings(world).keep_raw_days
    swept = forget_old_addresses(world, keep_raw_days, datetime.now(UTC))
    if as_json:
        print_json({"keep_raw_days": keep_raw_days, "runs": swept})
    elif keep_raw_days is None:
        typer.echo("keep_raw_days is empty: addresses that were kept stay as long as their runs.")
    else:
        typer.echo(f"{len(swept)} runs older than {keep_raw_days:g} days gave up their addresses.")
