"""What stands under every figure: who said where the peers are, and of which day that is.

The free databases demand their sentence, with a link, wherever their answers are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from swarm.place import DatabaseBuild, Databases

OLD_DATABASE_DAYS = 90  # addresses move between places; a quarter later it shows


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One database in words, and what its licence demands beside them."""

    sentence: str
    is_old: bool
    attribution: str | None
    attribution_url: str | None


def source_lines(databases: Databases | None, today: date) -> list[SourceLine]:
    """A line for places, and where they were asked for networks and likely hosting.

    None: an import, which keeps the places of its record.
    """
    if databases is None:
        return [
            SourceLine("Places and countries as the imported record has them.", False, None, None)
        ]
    asked = (
        ("Placed by", databases.places),
        ("Networks by", databases.networks),
        ("Likely hosting by", databases.hosting),
    )
    return [_line(said, build, today) for said, build in asked if build is not None]


def source_text(databases: Databases | None, today: date) -> str:
    """All of it as plain text, with each attribution once: for a file that carries figures."""
    return " ".join(_sentences(source_lines(databases, today)))


def age_days(build: DatabaseBuild, today: date) -> int | None:
    """How many days ago the database was built; None where it does not say."""
    return None if build.built_on is None else (today - build.built_on).days


def is_old(build: DatabaseBuild, today: date) -> bool:
    """Whether some addresses have surely moved since."""
    age = age_days(build, today)
    return age is not None and age > OLD_DATABASE_DAYS


def _line(said: str, build: DatabaseBuild, today: date) -> SourceLine:
    old = is_old(build, today)
    if build.built_on is None:
        sentence = f"{said} {build.name}, build date unknown."
    elif old:
        day = f"{build.built_on:%-d %b %Y}"
        sentence = f"{said} {build.name}, built {day}: {age_days(build, today):,} days old, "
        sentence += "some addresses have moved since."
    else:
        sentence = f"{said} {build.name}, built {build.built_on:%-d %b %Y}."
    return SourceLine(sentence, old, build.attribution, build.attribution_url)


def _sentences(lines: list[SourceLine]) -> Iterator[str]:
    yield from (line.sentence for line in lines)
    demanded = dict.fromkeys((line.attribution, line.attribution_url) for line in lines)
    for words, url in demanded:
        if words is not None:
            yield f"{words}." if url is None or url in words else f"{words} ({url})."
