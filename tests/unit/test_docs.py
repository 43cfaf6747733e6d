"""The documentation says what the code does: columns, settings, commands, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from commands.app import app
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    TALLY_COLUMNS,
    TRACKER_COLUMNS,
    VISIT_COLUMNS,
    Column,
)

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
TABLES = (
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    OUTCOME_COLUMNS,
    TALLY_COLUMNS,
    TRACKER_COLUMNS,
    VISIT_COLUMNS,
)


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


def commands() -> list[tuple[str, Any]]:
    return sorted(vars(typer.main.get_command(app))["commands"].items())


def below(command: Any) -> list[Any]:
    """The commands of a command that only groups them."""
    return list(getattr(command, "commands", {}).values())


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_every_command_and_option_is_documented(name: str, command: Any) -> None:
    """docs/command-line.md has a section for each command, which names each of its options."""
    sections = (ROOT / "docs" / "command-line.md").read_text().split("\n## ")
    section = next(s for s in sections if s.startswith(f"{name}\n"))
    shared = sections[0]  # what all commands have
    for parameter in [p for one in (command, *below(command)) for p in one.params]:
        if parameter.param_type_name == "option" and not parameter.hidden:
            for flag in (*parameter.opts, *parameter.secondary_opts):
                assert f"`{flag}" in section or f"`{flag}" in shared, flag
    assert command.help
