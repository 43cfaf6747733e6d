"""Taking in what the reader has: files dropped on the page, and links pasted into it.

What comes from the browser is decoded here and checked by the observatory; names of files are only
ever shown, as text.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboard import ids, words
from dashboard.orders import look_at_once, pressed
from observatory.host import Host
from observatory.intake import IntakeOutcome, IntakeState
from observatory.job import JobKind

# page.js refuses to send more than MOST_BYTES at once; base64 and JSON add a third
# (dashboard/security.py, MOST_REQUEST_BYTES).
MOST_BYTES = 64_000_000
_MOST_REFUSALS = 10


def panel() -> html.Div:
    """The drop zone and the paste box, and below them the magnets that wait for their .torrent.

    Closed, it is one line that says what can be dropped.
    """
    zone = dcc.Upload(
        html.Span(words.DROP_HERE),
        id=ids.UPLOAD,
        multiple=True,
        className="drop-zone",
        className_active="drop-zone",
        style_active={},
    )
    folder = dcc.Upload(
        dmc.Button(words.CHOOSE_FOLDER, variant="default", size="compact-sm"),
        id=ids.UPLOAD_FOLDER,
        multiple=True,
        enable_folder_selection=True,
        className="choose-folder",
        style_active={},
    )
    paste = html.Div(
        [
            dmc.Textarea(
                id=ids.PASTE,
                label=words.PASTE_LABEL,
                placeholder="magnet:?xt=urn:btih:…",
                autosize=True,
                minRows=2,
                maxRows=8,
            ),
            dmc.Button(words.ADD, id=ids.ADD, variant="light"),
        ],
        className="paste",
    )
    summary = html.Summary([html.Strong(words.ADD_TITLE), html.Span(words.ADD_LEAD)])
    result = html.Div(id=ids.INTAKE_RESULT, className="hidden", role="status")
    body = html.Div([html.Div([zone, folder]), paste], className="intake-body")
    own = html.Details([summary, body, result], id=ids.INTAKE, className="card intake")
    return html.Div([own, _waiting()], className="own")


def _waiting() -> html.Section:
    fetch = dmc.Button(
        words.FETCH_METADATA, id=ids.FETCH_METADATA, variant="light", size="compact-sm"
    )
    return html.Section(
        [html.Span(id=ids.MAGNETS, role="status"), fetch],
        id=ids.MAGNETS_WAITING,
        className="card magnets hidden",
    )


def register(app: Dash, host: Host) -> None:
    """Add what a drop, a paste and the fetching of metadata do."""
    _register_magnets(app, host)

    @app.callback(
        Output(ids.INTAKE_RESULT, "children"),
        Output(ids.INTAKE_RESULT, "className"),
        Output(ids.INTAKE, "open"),
        Output(ids.UPLOAD, "contents"),
        Output(ids.PASTE, "value"),
        Input(ids.UPLOAD, "contents"),
        Input(ids.ADD, "n_clicks"),
        State(ids.UPLOAD, "filename"),
        State(ids.PASTE, "value"),
        prevent_initial_call=True,
    )
    def take(contents: object, _clicks: object, names: object, pasted: object) -> tuple[Any, ...]:
        """Keep what is good; the same file may be dropped again, so what was sent is cleared."""
        text = pasted if isinstance(pasted, str) else ""
        if pressed() is None:
            return (no_update,) * 5
        if pressed() == ids.ADD:
            outcomes, text = host.current.add_links(text), ""
        else:
            outcomes = _take_files(host, contents, names)
        shown, kind = told(outcomes)
        look_at_once()
        return shown, kind, True, None, text


def _register_magnets(app: Dash, host: Host) -> None:
    @app.callback(
        Output(ids.MAGNETS, "children"),
        Output(ids.MAGNETS_WAITING, "className"),
        Input(ids.SEEN, "data"),
    )
    def count(_seen: object) -> tuple[str, str]:
        """How many wait; nothing where none does."""
        waiting = host.current.magnets()
        return words.magnets_waiting(waiting), "card magnets" if waiting else "card magnets hidden"

    @app.callback(Input(ids.FETCH_METADATA, "n_clicks"), prevent_initial_call=True)
    def fetch(_clicks: int) -> None:
        """Start the job; the strip of the running job shows how far it is."""
        if pressed() is None:
            return
        host.current.start(JobKind.METADATA, {})
        look_at_once()


def _take_files(host: Host, contents: object, names: object) -> list[IntakeOutcome]:
    sent = contents if isinstance(contents, list) else [contents]
    named = names if isinstance(names, list) else [names]
    outcomes: list[IntakeOutcome] = []
    files: list[tuple[str, bytes]] = []
    for index, content in enumerate(sent):
        name = str(named[index]) if index < len(named) else words.NAMELESS
        raw = decode_upload(content)
        if raw is None:
            reason = words.UNREADABLE_UPLOAD
            outcomes.append(
                IntakeOutcome(given=name[:120], state=IntakeState.REFUSED, reason=reason)
            )
        else:
            files.append((name, raw))
    return host.current.add_files(files) + outcomes


def decode_upload(content: object) -> bytes | None:
    """The bytes of a data URL as the browser sends files; None where it is none."""
    if not isinstance(content, str) or not content.startswith("data:"):
        return None
    head, comma, body = content.partition(",")
    if not comma:
        return b"" if content == "data:" else None  # how browsers send an empty file
    try:
        return base64.b64decode(body, validate=True) if head.endswith(";base64") else None
    except (binascii.Error, ValueError):
        return None


def told(outcomes: Sequence[IntakeOutcome]) -> tuple[list[Any], str]:
    """What became of all, in words, and the class of the box that says it."""
    refused = [outcome for outcome in outcomes if outcome.state is IntakeState.REFUSED]
    shown: list[Any] = [html.P(words.intake_sentence(outcomes))]
    if refused:
        rows = [html.Li(f"{one.given}: {one.reason}") for one in refused[:_MOST_REFUSALS]]
        if len(refused) > _MOST_REFUSALS:
            rows.append(html.Li(f"… and {len(refused) - _MOST_REFUSALS:,} more"))
        shown.append(html.Ul(rows))
    kind = "done" if not refused else "failed" if len(refused) == len(outcomes) else "odd"
    return shown, f"intake-result message {kind}"
