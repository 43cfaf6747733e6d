"""The documentation says what the code does: columns, settings, commands, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from swarm.columns import OUTCOME_COLUMNS, SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, Column

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
TABLES = (SIGHTING_COLUMNS, SWARM_COLUMNS, OUTCOME_COLUMNS, TALLY_COLUMNS)


@pytest.mark.parametrize("column", [c for table in TABLES for c in table], ids=lambda c: c.name)
def test_every_column_is_documented(column: Column) -> None:
    """docs/data.md has the row of each column as the code defines it."""
    null = ", may be null" if column.nullable else ""
    row = f"| `{column.name}` | {column.dtype}{null} | {column.meaning} |"
    assert row in (ROOT / "docs" / "data.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that is there."""
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    dead = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_named_in_pages_exist(page: Path) -> None:
    """A Python module or page that a document names is there."""
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_0-9-]+\.(?:py|md))`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
