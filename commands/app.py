"""The command line's root: `python main.py [COMMAND]`; without a command, the page."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from commands.crawl import crawl
from commands.dashboard import HostOption, LabFlag, NoBrowser, Port, dashboard
from commands.exports import export
from commands.geoip import geoip
from commands.intake import add
from commands.interchange import import_folder
from commands.lab import lab
from commands.metadata import metadata
from commands.places import WorkspaceOption
from commands.privacy import privacy
from commands.purge import purge
from commands.runs import runs
from commands.scrape import scrape
from commands.sites import sites
from commands.terminal import FAILED, USAGE, complain
from observatory.version import code_version
from swarm.errors import SettingsError, SwarmError

app = typer.Typer(
    help=(
        "Where are the people who share a torrent? Collects .torrent files, asks the BitTorrent "
        "DHT who shares them, and shows the peers on a map. Without a command, opens the page."
    ),
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try it without internet: `python main.py --lab`",
)
app.command()(dashboard)
app.command()(scrape)
app.command()(add)
app.command()(crawl)
app.command()(metadata)
app.command()(purge)
app.command()(lab)
app.command()(export)
app.command("import")(import_folder)
app.add_typer(sites, name="sites")
app.add_typer(privacy, name="privacy")
app.add_typer(runs, name="runs")
app.add_typer(geoip, name="geoip")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Swarm Atlas {code_version()}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    workspace: WorkspaceOption = None,
    port: Port = 8050,
    host: HostOption = "127.0.0.1",
    no_browser: NoBrowser = False,
    use_lab: LabFlag = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, help="Print the version and leave.")
    ] = False,
) -> None:
    """Open the page unless a command was given."""
    if context.invoked_subcommand is None:
        dashboard(workspace, port, host, no_browser, use_lab)
    elif (workspace, port, host, no_browser, use_lab) != (None, 8050, "127.0.0.1", False, False):
        # Ignored, they would let a command loose on another folder than the one named.
        raise typer.BadParameter(
            f"options before a command are those of the page: write them after "
            f"{context.invoked_subcommand!r}"
        )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."""
    logging.basicConfig(level=logging.ERROR)  # what a job says goes to its report; faults to stderr
    signal.signal(signal.SIGTERM, _stop)  # like Ctrl-C: what runs is closed in good order
    try:
        app(prog_name="python main.py")  # leaves by itself: 0, an exit code, or 2 on wrong usage
    except KeyboardInterrupt:
        complain("Stopped.")
        sys.exit(FAILED)
    except SettingsError as error:
        complain(str(error))
        sys.exit(USAGE)
    except SwarmError as error:
        complain(str(error))
        sys.exit(FAILED)
