"""The tables of a swarm's own page: names, files and trackers' words are text, all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from dash import dcc, html

from analysis.countries import country_name
from analysis.figures import size_text
from analysis.selection import Selection
from dashboard import words
from dashboard.tables import facts, text_table
from observatory.collected import CollectedSwarm
from observatory.run_view import RunView
from swarm.infohash import InfoHash
from swarm.magnet import magnet_link
from swarm.sighting import Source
from swarm.text import one_line

_MOST_ROWS = 50
_MOST_FILES = 200
_LONGEST_PATH = 500


def magnet_of(infohash: str, name: str, collected: CollectedSwarm) -> str:
    """The magnet link that we make ourselves, of what is known best."""
    torrent, kept = collected.torrent, collected.magnet
    known = torrent or (None if kept is None else kept.magnet)
    if known is not None:
        return magnet_link(known.infohash, known.infohash_v2, one_line(name))
    return magnet_link(InfoHash.from_hex(infohash), None, one_line(name))


def about(infohash: str, row: Mapping[str, Any] | None, collected: CollectedSwarm) -> html.Section:
    """What it is, and how many share it."""
    pairs: list[tuple[str, Any]] = []
    if row is not None:
        seeds = (row["seeds"], row["seeds_low"], row["seeds_high"])
        downloaders = tuple(row[f"downloaders{end}"] for end in ("", "_low", "_high"))
        pairs = [
            (words.COLUMN_CATEGORY, one_line(row["category"] or words.NONE)),
            (words.COLUMN_SIZE, size_text(row["size_mb"])),
            (words.PEERS, f"{row['peers']:,}"),
            (words.COLUMN_ESTIMATE, words.between(row["estimate"], row["low"], row["high"])),
            (words.COLUMN_SEEDS, words.between(*seeds)),
            (words.DOWNLOADERS, words.between(*downloaders)),
            (words.COLUMN_STATE, row["state"] or words.BEING_ASKED),
        ]
    pairs.append((words.INFOHASH, html.Code(infohash)))
    if collected.torrent is not None:
        pairs.append((words.FORMAT, collected.torrent.version))
        if collected.torrent.private:
            pairs.append((words.PRIVATE, words.PRIVATE_SAID))
    return card(words.ABOUT, facts(pairs))


def whereabouts(view: RunView, swarm: int) -> list[html.Section]:
    """Countries, networks and sources of its peers."""
    here = Selection(swarm=swarm)
    return [_countries(view, here), _networks(view, here), _sources(view, here)]


def _countries(view: RunView, here: Selection) -> html.Section:
    rows = [
        (country_name(one["country"]), f"{one['peers']:,}", words.percent(one["share"]))
        for one in view.countries(here).iter_rows(named=True)
    ]
    return card(words.COUNTRIES, *_table(words.COUNTRIES, words.BY_COUNTRY, rows))


def _networks(view: RunView, here: Selection) -> html.Section:
    by_hosting = {row["hosting"]: row["peers"] for row in view.hosting(here).iter_rows(named=True)}
    hosted, others = by_hosting.get(True, 0), by_hosting.get(False, 0)
    said = html.P(words.hosting_said(hosted, hosted + others, by_hosting.get(None, 0)))
    rows = [
        (
            one_line(one["as_name"] or words.UNKNOWN_NETWORK),
            words.NONE if one["asn"] is None else f"AS{one['asn']}",
            words.HOSTING[one["hosting"]],
            f"{one['peers']:,}",
        )
        for one in view.networks(here).iter_rows(named=True)
    ]
    return card(words.NETWORKS, said, *_table(words.NETWORKS, words.BY_NETWORK, rows))


def _sources(view: RunView, here: Selection) -> html.Section:
    rows = [
        (one["source"], f"{one['peers']:,}", f"{one['alone']:,}")
        for one in view.sources(here).iter_rows(named=True)
    ]
    sets = view.source_sets(here)
    everybody = int(sets["peers"].sum())
    together = [
        (
            " + ".join(source.value for source in Source if one["sources"] & source.bit),
            f"{one['peers']:,}",
            words.percent(one["peers"] / everybody),
        )
        for one in sets.drop_nulls("sources").iter_rows(named=True)
    ]
    overlap = _table(words.BY_SOURCES[0], words.BY_SOURCES, together) if len(rows) > 1 else []
    return card(words.SOURCES, *_table(words.SOURCES, words.BY_SOURCE, rows), *overlap)


def trackers(answers: pl.DataFrame | None, collected: CollectedSwarm) -> html.Section | None:
    """What each tracker said last, and those that were not asked; None: it has none."""
    rows: list[tuple[Any, ...]] = [
        (
            one_line(row["tracker"]),
            row["action"],
            row["outcome"],
            _count(row["seeders"]),
            _count(row["leechers"]),
            _count(row["peers"]),
            html.Span(one_line(row["message"] or words.NONE), className="said"),
        )
        for row in ([] if answers is None else answers.iter_rows(named=True))
    ]
    asked = {row[0] for row in rows}
    silent = [label for label in collected.tracker_labels if label not in asked]
    rows += [(one_line(label), words.NOT_ASKED, *[words.NONE] * 5) for label in silent]
    if not rows:
        return None
    note = html.P(words.TRACKERS_NOTE, className="plan")
    return card(words.TRACKERS, note, *_table(words.TRACKERS, words.BY_TRACKER, rows), wide=True)


def files(collected: CollectedSwarm) -> html.Section:
    """The files of its .torrent, the largest first."""
    if collected.torrent is None:
        return card(words.FILES, html.P(words.NO_FILES))
    found = sorted(collected.torrent.files, key=lambda file: -file.size_bytes)
    rows = [
        (one_line(" / ".join(file.path))[:_LONGEST_PATH], size_text(file.size_bytes / 1e6))
        for file in found[:_MOST_FILES]
    ]
    cut = len(found) - len(rows)
    more = [html.P(words.and_more(cut), className="plan")] if cut > 0 else []
    table = _table(words.FILES, words.BY_FILE, rows, most=_MOST_FILES)
    return card(words.FILES, html.P(words.files_said(len(found))), *table, *more)


def history(infohash: str, life: pl.DataFrame) -> list[Any]:
    """Its peers in each of the runs that asked for it, the latest first."""
    rows = [
        (
            dcc.Link(words.begun(row["taken_at"]), href=f"/swarms/{infohash}?run={row['run_id']}"),
            row["state"] or words.BEING_ASKED,
            _count(row["peers"]),
            words.between(row["estimate"], row["low"], row["high"]),
            words.between(row["seeds"], row["seeds_low"], row["seeds_high"]),
        )
        for row in life.reverse().iter_rows(named=True)
    ]
    few = [html.P(words.ONE_RUN_SO_FAR)] if len(rows) == 1 else []
    return [*few, *_table(words.HISTORY, words.BY_RUN, rows)]


def card(title: str, *content: Any, wide: bool = False) -> html.Section:
    """A card with its heading."""
    return html.Section([html.H2(title), *content], className=f"card fact{' wide' * wide}")


def _table(
    label: str,
    columns: tuple[str, ...],
    rows: list[tuple[Any, ...]],
    *,
    most: int = _MOST_ROWS,
) -> Iterator[Any]:
    """A table, and how many rows it leaves out; a sentence where there are none."""
    if not rows:
        yield html.P(words.NOTHING_KNOWN)
        return
    yield text_table(columns, rows[:most], label)
    if len(rows) > most:
        yield html.P(words.and_more(len(rows) - most), className="plan")


def _count(value: int | None) -> str:
    return words.NONE if value is None else f"{value:,}"
