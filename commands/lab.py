"""`python main.py lab`: a world on loopback, and the check of the whole chain."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.places import LAB_ROOT
from commands.terminal import FAILED, JsonFlag, console, print_json
from swarm.errors import SwarmError

if TYPE_CHECKING:
    from lab.world import World

DEFAULT_SEED = 7


def lab(
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = DEFAULT_SEED,
    nodes: Annotated[
        int, typer.Option(min=100, max=10_000_000, help="Nodes of the simulated DHT.")
    ] = 2000,
    sessions: Annotated[int, typer.Option(min=4, max=200, help="Real libtorrent clients.")] = 24,
    challenge: Annotated[
        bool | None,
        typer.Option(
            "--challenge/--no-challenge",
            help="Whether the site checks browsers first. Default: if Chromium is installed.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Scrape and fetch the world as the page would, compare with what it knows, leave.",
        ),
    ] = False,
    root: Annotated[
        Path, typer.Option(help="The world's workspace.", show_default=".lab")
    ] = LAB_ROOT,
    until_eof: Annotated[
        bool, typer.Option("--until-eof", hidden=True, help="End when standard input closes.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Build a world on 127.0.0.0/8 from a seed, and keep it running until Ctrl-C.

    A simulated DHT, real BitTorrent clients that share files, an indexer site with a challenge
    page, and a geography. In another terminal, `--workspace .lab` makes any command work on it;
    `python main.py --lab` does both at once.
    """
    with_challenge = _has_browser() if challenge is None else challenge
    if check:
        from commands.lab_check import check_world, show_result  # the whole chain, for this alone

        with tempfile.TemporaryDirectory(prefix="swarm-atlas-check-") as folder:
            options = [f"--seed={seed}", f"--nodes={nodes}", f"--sessions={sessions}"]
            options.append("--challenge" if with_challenge else "--no-challenge")
            result = check_world(Path(folder), options, quiet=as_json)
        if as_json:
            print_json(result.document())
        else:
            show_result(result)
        raise typer.Exit(0 if result.ok else FAILED)
    from lab.world import World  # libtorrent and numpy stay out of `--help`

    world = World(root, seed=seed, nodes=nodes, sessions=sessions, challenge=with_challenge)
    try:
        _serve(world, root, until_eof=until_eof, as_json=as_json)
    except SwarmError as error:
        if not as_json:
            raise
        print_json({"event": "failed", "message": str(error)})
        raise typer.Exit(FAILED) from None


def _serve(world: World, root: Path, *, until_eof: bool, as_json: bool) -> None:
    over = threading.Event()
    with ExitStack() as stack:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda _signal, _frame: over.set())
        if as_json:
            print_json({"event": "building", "message": "Building the lab's world"})
        else:
            console.print("Building the lab's world ...")
        stack.enter_context(world)
        facts = world.facts
        if as_json:
            print_json(
                {
                    "event": "ready",
                    "seed": facts.seed,
                    "nodes": facts.nodes,
                    "sessions": facts.sessions,
                    "torrents": len(facts.torrents),
                    "root_url": facts.root_url,
                    "bootstrap": facts.bootstrap,
                }
            )
        else:
            console.print(
                f"Ready: {facts.nodes:,} DHT nodes at {facts.bootstrap}, {facts.sessions} clients, "
                f"{len(facts.torrents)} torrents at {facts.root_url}. Ctrl-C ends it.\n"
                f"Use it: python main.py scrape --workspace {root}"
            )
        if until_eof:
            threading.Thread(target=_watch_stdin, args=(over,), daemon=True).start()
        over.wait()


def _watch_stdin(over: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    over.set()


def _has_browser() -> bool:
    browsers = ("chromium", "chromium-browser", "google-chrome")
    return any(map(shutil.which, browsers)) and shutil.which("chromedriver") is not None
