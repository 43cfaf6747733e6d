"""`python main.py geoip`: which geolocation databases answer, and getting newer ones."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from commands.places import WorkspaceOption, open_workspace
from commands.terminal import FAILED, JsonFlag, complain, console, print_json
from observatory.geoip_provider import Provider

if TYPE_CHECKING:
    from observatory.geoip import FoundDatabase

geoip = typer.Typer(
    help="Geolocation databases: which answer, how old they are, and getting newer ones.",
    no_args_is_help=True,
)


@geoip.command("status")
def status(workspace: WorkspaceOption = None, as_json: JsonFlag = False) -> None:
    """Show which databases are there, in the order in which they are looked for.

    Leaves with 1 if the one that would be used does not read.
    """
    from observatory.configuration import load_settings  # polars stays out of `--help`
    from observatory.geoip import database_status

    world = open_workspace(workspace)
    found = database_status(load_settings(world), world.geoip_dir, _today())
    if as_json:
        print_json({"databases": [asdict(one) for one in found]})
    else:
        table = Table("answers", "from", "file", "database", "built", "age", "rows", "used")
        for one in found:
            table.add_row(*map(Text, _row(one)))
        console.print(table)
    for one in found:
        if one.problem is not None:
            complain(f"{one.path}: {one.problem.removeprefix(f'{one.path}: ')}")
        elif one.is_used and one.is_old:
            complain(
                f"{one.name} is {one.age_days} days old, some addresses have moved since: "
                "python main.py geoip update"
            )
    if any(one.is_used and one.problem for one in found):
        raise typer.Exit(FAILED)


@geoip.command("update")
def update(
    workspace: WorkspaceOption = None,
    source: Annotated[
        Provider | None,
        typer.Option(
            "--source",
            help="maxmind (account and key in config.txt) or dbip (none needed); left out: "
            "maxmind where config.txt has them.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Get the newest databases of places and networks into geoip/.

    An older one is replaced when the new one reads and answers, and not before.
    """
    from observatory.configuration import load_settings
    from observatory.geoip import default_provider, update_databases

    world = open_workspace(workspace)
    settings = load_settings(world)
    provider = source or default_provider(settings)
    if not as_json:
        console.print(Text(f"Asking {provider} for its databases ..."))
    updates = update_databases(settings, world.geoip_dir, provider, _today())
    if as_json:
        print_json({"source": provider, "updates": [asdict(one) for one in updates]})
        return
    for one in updates:
        console.print(Text(f"{one.name}: {one.sentence}"))


def _row(one: FoundDatabase) -> tuple[str, ...]:
    return (
        one.question,
        one.origin,
        one.path.name,
        one.name or "does not read",
        "-" if one.built_on is None else str(one.built_on),
        "-" if one.age_days is None else f"{one.age_days:,} days",
        "-" if one.rows is None else f"{one.rows:,}",
        "yes" if one.is_used else "",
    )


def _today() -> date:
    return datetime.now(UTC).date()
