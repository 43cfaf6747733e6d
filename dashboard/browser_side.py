"""Callbacks that the browser answers by itself: functions of dashboard/assets, no request."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash


def in_browser(
    app: Dash, name: str, *wires: Any, initial: bool = True, namespace: str = "atlas"
) -> None:
    """Wire the function `name` of an asset's `namespace` to its Outputs, Inputs and States."""
    app.clientside_callback(  # type: ignore[no-untyped-call]  # dash gives it no types
        ClientsideFunction(namespace, name), *wires, prevent_initial_call=not initial
    )
