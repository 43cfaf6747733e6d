"""Methods: how the numbers of the shown run came about, who placed its peers, what was missed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, html, no_update

from dashboard import ids, words
from dashboard.address_state import read_address
from dashboard.live import LiveView
from dashboard.markup import aria, page_head, said_by
from dashboard.methods.rendering import rendered
from dashboard.page import Page, Visit
from observatory.methods import METHODS_NAME, methods_text
from storage.manifest import Manifest, RunKind
from storage.runs import RunReader

BODY = "methods-body"
_MOST_BYTES = 1_000_000
# Of the settings, those that cap what a run can find. Others may be secret.
_CAPS = ("max_packets_per_s", "crawl_deadline_s", "processes", "max_connections")


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    body = html.Div(methods_of(live, visit.query), id=BODY, className="methods")
    return [page_head(words.METHODS, words.METHODS_LEAD), body]


def _register(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(BODY, "children"),
        Input(ids.SEEN, "data"),
        State(ids.ADDRESS, "search"),
        prevent_initial_call=True,
    )
    def refresh(seen: str | None, query: str | None) -> Any:
        return no_update if seen is None else methods_of(live, query)


def methods_of(live: LiveView, query: str | None) -> list[Any]:
    """What is to say of the shown run: its facts, then its methods.md where it has one.

    Raises:
        StorageError: the run does not read.
    """
    desk = live.host.current
    wanted = read_address(query).run
    run = live.shown_run(desk, wanted)
    if run is None:
        said = words.NO_RUN_YET if wanted is None else words.no_such_run(wanted)
        return [html.P(said, className="card nothing")]
    reader = desk.open_run(run.id)
    manifest = reader.manifest
    text = kept_text(reader)
    fresh = [] if text is not None else [html.P(words.METHODS_JUST_NOW, className="plan")]
    about = rendered(_computed(reader) if text is None else text)
    return [
        html.Div([_sources(manifest), _coverage(manifest), _caps(manifest)], className="facts"),
        html.Article([*fresh, *about], className="card methods-text"),
        html.P(words.OUTLINES, className="plan"),
    ]


def kept_text(reader: RunReader) -> str | None:
    """The run's methods.md; None where none was written, as in runs that have not ended."""
    path = reader.folder / METHODS_NAME
    if not path.exists():
        return None
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode(errors="replace")


def _computed(reader: RunReader) -> str:
    """What would stand there if the run ended now; made once for each of its revisions."""
    return _text_at(str(reader.folder), reader.revision)


@lru_cache(maxsize=8)
def _text_at(folder: str, _revision: str) -> str:
    return methods_text(RunReader(Path(folder)))


def _sources(manifest: Manifest) -> html.Section:
    """Who placed the peers: name, build, a warning where it is old, and the attribution."""
    said = said_by(manifest.databases, datetime.now(UTC).date())
    return _card(words.DATABASES, [html.P(line) for line in said])


def _coverage(manifest: Manifest) -> html.Section:
    counts = manifest.counts
    recall = words.RECALL_NOT_MEASURED if counts.recall is None else words.percent(counts.recall)
    pairs = [
        (words.SWARMS_ASKED, f"{counts.swarms_total:,}"),
        (words.SWARMS_COMPLETE, f"{counts.swarms_complete:,}"),
        (words.SWARMS_CUT_OFF, f"{counts.swarms_cut_off:,}"),
        (words.SWARMS_UNREACHABLE, f"{counts.swarms_unreachable:,}"),
        (words.PEERS_FOUND, f"{counts.peers:,}"),
        (words.RECALL_OF_RUN, recall),
    ]
    return _card(words.COVERAGE, [_list(pairs)])


def _caps(manifest: Manifest) -> html.Section:
    if manifest.kind is RunKind.IMPORT:
        return _card(words.CAPS, [html.P(words.IMPORT_HAS_NO_CAPS)])
    known = [(name, manifest.settings[name]) for name in _CAPS if name in manifest.settings]
    pairs = [(words.CAP_NAMES[name], f"{value:,g}") for name, value in known]
    pairs.append((words.CODE_VERSION, manifest.code_version))
    return _card(words.CAPS, [_list(pairs)])


def _list(pairs: list[tuple[str, str]]) -> html.Dl:
    return html.Dl([part for name, value in pairs for part in (html.Dt(name), html.Dd(value))])


def _card(title: str, content: list[Any]) -> html.Section:
    return html.Section([html.H2(title), *content], className="card fact", **aria(label=title))


METHODS = Page("/methods", words.METHODS, _layout, _register)
