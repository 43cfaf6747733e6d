"""dashboard/assets/charts-library.js: what scripts/charts_library builds of plotly.js."""

from __future__ import annotations

import json
from pathlib import Path

from plotly.offline import get_plotlyjs_version

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "dashboard" / "assets" / "charts-library.js"


def test_the_page_draws_with_the_plotly_that_makes_the_figures() -> None:
    """Library, its recipe and the Python package are of one version: build it anew with these."""
    version = get_plotlyjs_version()
    recipe = json.loads((ROOT / "scripts" / "charts_library" / "package.json").read_text())
    assert recipe["dependencies"]["plotly.js"] == version
    assert f'"{version}"' in LIBRARY.read_text(encoding="utf-8")


def test_its_licences_go_with_it() -> None:
    """Whoever takes the file has what its parts ask for."""
    text = LIBRARY.read_text(encoding="utf-8")
    assert "Plotly, Inc., MIT licence" in text[:200]
    assert "MapLibre GL JS" in text
