"""The page as the classic tool drew it, to measure ours against: one trace a peer, all drawn anew.

It keeps a JSON file for each torrent, parses them all for each drawing, draws a `scattergeo` trace
for each peer and stacked bars of 100 MB bins. `python -m benchmarks.rival_classic_page FOLDER
PEERS` writes such a folder, serves the page on a free port of loopback, and prints its address.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import dash
from dash import dcc, html
from waitress.server import create_server

SEED = 7
_PEERS_EACH = 50
_COUNTRIES = ("US", "IN", "DE", "FR", "BR", "RU", "ES", "IT", "JP", "GB", "CA", "NL")


def main() -> None:
    """Write, serve, and end when standard input does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("peers", type=int)
    options = parser.parse_args()
    write_folder(options.folder, options.peers)
    listener = socket.create_server(("127.0.0.1", 0))
    server = create_server(make_page(options.folder).server, sockets=[listener], ident=None)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server.run()


def write_folder(folder: Path, peers: int) -> None:
    """Files as the classic tool left them in `runs/`, with so many peers in all; seeded."""
    draw = random.Random(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, peers, _PEERS_EACH)):
        here = range(first, min(peers, first + _PEERS_EACH))
        countries = draw.choices(_COUNTRIES, k=len(here))
        run = {
            "date": "2026-11-21",
            "total people": len(here),
            "size": round(draw.lognormvariate(6.5, 1.2), 1),
            "cat": "Movies",
            "lang": "English",
            "ip": [[f"127.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", 6881] for i in here],
            "locs": [f"{draw.uniform(-50, 65):.4f},{draw.uniform(-170, 170):.4f}" for _ in here],
            "countries": Counter(countries),
        }
        (folder / f"film-{number}.torrent.json").write_text(json.dumps(run), encoding="utf-8")


def make_page(folder: Path) -> dash.Dash:
    """The classic page over such a folder. Its figures have the ids that ours have."""
    app = dash.Dash(__name__, serve_locally=True)
    config: Any = {"topojsonURL": "/no-outlines/", "plotlyServerURL": "https://invalid.localhost/"}
    app.layout = html.Div(
        [
            dcc.Graph(id="histogram", config=config),
            dcc.Graph(id="map", config=config),
            dcc.Interval(id="beat", max_intervals=0),
        ]
    )

    @app.callback(
        dash.Output("histogram", "figure"),
        dash.Output("map", "figure"),
        dash.Input("beat", "n_intervals"),
    )
    def draw(_beat: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.iterdir())]
        return _histogram(runs), _map(runs)

    return app


def _histogram(runs: list[dict[str, Any]]) -> dict[str, Any]:
    bins: dict[str, Counter[str]] = {country: Counter() for country in _COUNTRIES}
    for run in sorted(runs, key=lambda run: float(run["size"])):
        low = int(run["size"]) - int(run["size"]) % 100
        for country, peers in run["countries"].items():
            bins[country][f"{low} - {low + 99}"] += peers
    traces = [
        {"type": "bar", "name": country, "x": list(amounts), "y": list(amounts.values())}
        for country, amounts in bins.items()
    ]
    return {"data": traces, "layout": {"barmode": "stack"}}


def _map(runs: list[dict[str, Any]]) -> dict[str, Any]:
    traces = []
    for run in runs:
        for place in run["locs"]:
            latitude, longitude = map(float, place.split(","))
            marker = {"size": max(1.0, math.log2(max(run["size"], 1.0)))}
            trace = {"type": "scattergeo", "lat": [latitude], "lon": [longitude], "marker": marker}
            traces.append(trace | {"mode": "markers", "text": f"{run['size']} MB"})
    return {"data": traces, "layout": {"showlegend": False}}


if __name__ == "__main__":
    main()
