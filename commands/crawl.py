"""`python main.py crawl`: count the peers of swarms, as one run."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from commands.places import WorkspaceOption, open_desk, open_workspace
from commands.terminal import (
    FAILED,
    JsonFlag,
    complain,
    console,
    job_document,
    leave,
    print_json,
    watch_job,
)
from observatory.census_file import SUFFIXES, country_counts, write_census_file
from observatory.job import Job, JobKind, JobState
from swarm.address_keeping import AddressKeeping
from swarm.errors import SettingsError, SwarmError
from swarm.text import one_line

if TYPE_CHECKING:
    from observatory.desk import Observatory

_ROWS_SHOWN = 40
_LINES_SHOWN = 10


def crawl(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]...",
            help="A .torrent, a folder of them, a magnet link, a 40-digit infohash, or a text file "
            "of those. Without any: every collected torrent.",
            show_default=False,
        ),
    ] = None,
    bootstrap: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="DHT node to begin at; may be repeated."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="Crawling processes.")
    ] = None,
    max_packets_per_s: Annotated[
        float | None,
        typer.Option(min=0, help="Cap over all processes; 0 = none, on local networks only."),
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(min=1, help="Stop after this many seconds.")
    ] = None,
    raw_addresses: Annotated[
        bool, typer.Option("--raw-addresses", help="Keep the peers' addresses in this run.")
    ] = False,
    canaries: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Peers known to be there, a line each: INFOHASH ADDRESS:PORT. Asked for along, to "
            "measure the recall.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Also write FILE.jsonl (a line per swarm) or FILE.parquet (per peer)."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--fresh",
            help="Go on with the latest run if it was killed while asking for the same swarms.",
        ),
    ] = True,
    workspace: WorkspaceOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask the DHT, and trackers and peers as config.txt says, who shares these torrents.

    The answer is kept as a run.

    Options that are left out are taken from config.txt.
    """
    from crawler.plan import check_uncapped  # pydantic and the crawler stay out of `--help`
    from observatory.jobs import FetchArguments
    from observatory.targets import read_targets
    from swarm.settings import check_host_and_port

    if out is not None and out.suffix not in SUFFIXES:
        raise typer.BadParameter(f"--out {out}: the name must end in {' or '.join(SUFFIXES)}")
    open_workspace(workspace)
    try:
        for node in bootstrap or ():
            check_host_and_port(node)
        targets, refused = read_targets(inputs) if inputs else (None, [])
        known = None if canaries is None else _read_canaries(canaries)
    except (SwarmError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    if targets == []:
        _pass_over(refused)
        raise typer.BadParameter("none of the inputs names a torrent")
    desk = open_desk(workspace)
    if not inputs:
        refused = [f"{broken.file_name}: {broken.reason}" for broken in desk.refused_torrents]
    _pass_over(refused)
    arguments = FetchArguments(
        targets=None if targets is None else tuple(targets),
        bootstrap=tuple(bootstrap) if bootstrap else None,
        processes=processes,
        max_packets_per_s=max_packets_per_s,
        deadline_s=deadline,
        store_addresses=AddressKeeping.YES if raw_addresses else None,
        canaries=known,
        resume=resume,
    )
    settings = desk.settings()  # a bad line is wrong usage, said before anything starts
    if (settings.max_packets_per_s if max_packets_per_s is None else max_packets_per_s) == 0:
        try:
            check_uncapped(bootstrap or settings.dht_bootstrap)
        except SwarmError as error:
            raise typer.BadParameter(str(error)) from None
    started = time.monotonic()
    with watch_job(quiet=as_json) as watch:
        job = desk.run_here(
            JobKind.FETCH,
            arguments.model_dump(mode="json"),
            watch,
            unwritten={"trackers": {t.infohash: t.trackers for t in targets or () if t.trackers}},
        )
    run_id = (job.report or {}).get("run_id")
    if run_id is not None and out is not None:
        write_census_file(desk.open_run(run_id), out)
    if as_json:
        print_json(_summary(job, time.monotonic() - started, refused))
        raise typer.Exit(0 if job.state is JobState.DONE else FAILED)
    if run_id is not None:
        _show(desk, run_id)
    leave(job, as_json=False)


def _pass_over(refused: list[str]) -> None:
    for line in refused[:_LINES_SHOWN]:
        complain(f"passed over {line}")
    if len(refused) > _LINES_SHOWN:
        complain(f"... and {len(refused) - _LINES_SHOWN:,} more")


def _read_canaries(path: Path) -> tuple[str, ...]:
    """The lines of a file of canaries, as a job takes them."""
    from crawler.canaries import read_canaries

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    peers = read_canaries(text, file=str(path)).peers
    return tuple(sorted(f"{key} {peer}" for key, found in peers.items() for peer in found))


def _recall(document: Mapping[str, object]) -> float | None:
    known, found = document.get("canaries_known"), document.get("canaries_found")
    if not isinstance(known, int) or not isinstance(found, int) or not known:
        return None
    return round(found / known, 4)


def _summary(job: Job, seconds: float, refused: list[str]) -> dict[str, object]:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    document = job_document(job)
    return {
        "state": job.state,
        "infohashes": document.get("swarms_done", 0),
        "peers": document.get("peers", 0),
        "packets_sent": document.get("packets_sent", 0),
        "packets_received": document.get("packets_received", 0),
        "liars": document.get("liars", 0),
        "peers_dropped": document.get("peers_dropped", 0),
        "canaries_known": document.get("canaries_known", 0),
        "canaries_found": document.get("canaries_found", 0),
        "recall": _recall(document),
        "sources": {
            "dht": document.get("peers_dht"),
            "tracker": document.get("peers_trackers"),
            "pex": document.get("peers_pex"),
        },
        "trackers_asked": document.get("trackers_asked", 0),
        "trackers_answered": document.get("trackers_answered", 0),
        "visits": document.get("visits", 0),
        "visits_reached": document.get("visits_reached", 0),
        "dht_nodes": document.get("dht_nodes"),
        "dht_nodes_low": document.get("dht_nodes_low"),
        "dht_nodes_high": document.get("dht_nodes_high"),
        "dht6_nodes": document.get("dht6_nodes"),
        "dht6_nodes_low": document.get("dht6_nodes_low"),
        "dht6_nodes_high": document.get("dht6_nodes_high"),
        "seconds": round(seconds, 3),
        "cpu_seconds": round(cpu, 3),
        "max_rss_mb": round(max(own.ru_maxrss, children.ru_maxrss) / 1024, 1),
        "run_id": document.get("run_id"),
        "message": job.message,
        "refused": refused,
    }


def _show(desk: Observatory, run_id: str) -> None:
    rows = country_counts(desk.open_run(run_id))
    table = Table(
        *("Torrent", "State", "Peers", "DHT/tracker/PEX", "Queries", "Countries"),
        title=f"Run {run_id}",
    )
    for infohash, name, state, peers, queries, countries, *sources in rows.head(
        _ROWS_SHOWN
    ).iter_rows():
        # Names are what strangers wrote: shown as text, never as markup.
        shown = Text(one_line(name or infohash)[:60])
        told = "/".join("-" if count is None else str(count) for count in sources)
        table.add_row(
            shown, state or "not asked", str(peers or 0), told, str(queries or 0), countries
        )
    console.print(table)
    if len(rows) > _ROWS_SHOWN:
        console.print(f"... and {len(rows) - _ROWS_SHOWN} more; --out FILE.jsonl writes them all.")
