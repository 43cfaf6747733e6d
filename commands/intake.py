"""`python main.py add`: take in .torrent files, folders, magnets and infohashes."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from commands.places import WorkspaceOption, open_desk
from commands.terminal import FAILED, JsonFlag, complain, console, print_json

if TYPE_CHECKING:
    from observatory.intake import IntakeOutcome, IntakeState


def add(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="A .torrent, a folder of them, a magnet link, an infohash, or a text file of "
            "magnets and infohashes.",
        ),
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check these torrents and magnets, and keep them in bulkTorrents/.

    Leaves with 1 where nothing at all was to be kept and nothing known.
    """
    from observatory.intake import IntakeState  # libtorrent stays out of `--help`

    outcomes = open_desk(workspace).add_inputs(inputs)
    counts = Counter(outcome.state for outcome in outcomes)
    if as_json:
        amounts = {state.value: counts[state] for state in IntakeState}
        print_json({**amounts, "outcomes": [asdict(outcome) for outcome in outcomes]})
    else:
        _show(outcomes, counts)
    if counts[IntakeState.REFUSED] == len(outcomes):
        raise typer.Exit(FAILED)


def _show(outcomes: list[IntakeOutcome], counts: Counter[IntakeState]) -> None:
    from observatory.intake import IntakeState

    for outcome in outcomes:
        if outcome.state is IntakeState.REFUSED:
            complain(f"refused {outcome.given}: {outcome.reason}")
        else:
            said = f"{outcome.state}: {outcome.name or outcome.given} ({outcome.infohash})"
            console.print(Text(said), soft_wrap=True)
    console.print(", ".join(f"{counts[state]} {state}" for state in IntakeState) + ".")
