"""What the Overview is narrowed to, in words and as choices. Pure.

Each word is a button that takes its part away again; assets/overview.js writes the address bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from analysis.countries import countries as all_countries
from analysis.countries import country_name
from analysis.figures import group_name
from dashboard import words
from dashboard.address_state import AddressState
from dashboard.markup import aria, icon
from swarm.place import UNKNOWN_COUNTRY
from swarm.text import one_line


def country_choices() -> list[dict[str, str]]:
    """All countries by name, and the unknown, for the picker."""
    named = sorted((country_name(code), code) for code in all_countries())
    choices = [{"value": code, "label": name} for name, code in named]
    return [*choices, {"value": UNKNOWN_COUNTRY, "label": group_name(UNKNOWN_COUNTRY)}]


def category_choices(categories: Sequence[str]) -> list[dict[str, str]]:
    """The categories of a run, for the picker."""
    return [{"value": name, "label": category_text(name)} for name in categories]


def category_text(name: str) -> str:
    """A category as it is shown; the name is the site's, so it is hostile text."""
    return one_line(name) if name else words.NO_CATEGORY


def narrowed(state: AddressState, bin_label: str | None, place: str | None) -> list[Any]:
    """Words with a button each, and one that takes all away; nothing where nothing is narrowed.

    `bin_label` and `place` name the bin and the place of the state, where the run has them.
    """
    chosen = [("country", code, country_name(code)) for code in sorted(state.countries)]
    chosen += [("category", name, category_text(name)) for name in sorted(state.categories)]
    if state.bin is not None:
        chosen.append(("bin", str(state.bin), words.size_bin(bin_label or str(state.bin))))
    if state.place is not None:
        chosen.append(("place", state.place, one_line(place or words.A_PLACE)))
    if state.swarm is not None:
        chosen.append(("swarm", str(state.swarm), words.one_swarm(state.swarm)))
    if not chosen:
        return []
    chips = [_chip(key, value, text) for key, value, text in chosen]
    clear = html.Button(words.SHOW_ALL, type="button", className="clear", **_pick("all", ""))
    return [html.Span(words.NARROWED_TO, className="lead-in"), *chips, clear]


def _chip(key: str, value: str, text: str) -> html.Button:
    said = [html.Span(text), icon("close")]
    label = aria(label=words.no_longer(text))
    return html.Button(said, type="button", className="chip", **_pick(key, value), **label)


def _pick(key: str, value: str) -> dict[str, Any]:
    return {"data-pick": key, "data-value": value}
