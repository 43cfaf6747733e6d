"""What a callback needs to obey a click: which button it was, and ways to tell the whole page.

Dash also calls a callback when its buttons appear, that is, at every arrival at their page, even
with `prevent_initial_call`, as soon as one of its Outputs stands in the shell. Hence `pressed`.
"""

from __future__ import annotations

from uuid import uuid4

from dash import ctx, set_props

from dashboard import ids


def pressed() -> str | None:
    """The id of the button that was pressed; None where none was."""
    changed = ctx.triggered
    return str(ctx.triggered_id) if changed and changed[0]["value"] else None


def look_at_once() -> None:
    """Have the page look now, and not at its next beat; whoever orders something is not paused."""
    set_props(ids.NUDGE, {"data": uuid4().hex})
    set_props(ids.PAUSED, {"data": False})


def say(sentence: str, kind: str = "failed") -> None:
    """Show a message above the page: `done`, `odd` or `failed`."""
    set_props(ids.NOTICE_TEXT, {"children": sentence})
    set_props(ids.NOTICE, {"className": f"message {kind}"})


def say_nothing() -> None:
    """Put the message above the page away."""
    set_props(ids.NOTICE, {"className": "message hidden"})
