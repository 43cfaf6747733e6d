"""`python main.py sites`: the site definitions, and what one of them reads from a saved page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from commands.terminal import FAILED, JsonFlag, complain, console, print_json
from swarm.errors import DefinitionError
from swarm.text import one_line

if TYPE_CHECKING:
    from scraper.definition import SiteDefinition
    from scraper.pages import DetailPage, ListingPage

sites = typer.Typer(
    help="Site definitions: which there are, and what one reads from a saved page.",
    no_args_is_help=True,
)

_NO_ADDRESS = "http://site.invalid"
_SHOWN_ROWS = 3
_MAX_PAGE_BYTES = 5_000_000
# Where a field of a definition goes by another name in what is read.
_VALUES = {"size": "size_bytes"}


@sites.command("list")
def list_sites(as_json: JsonFlag = False) -> None:
    """Name the definitions that come with the program; `site` of config.txt takes such a name."""
    from scraper.definition_file import load_definition, shipped_names  # lxml, not for `--help`

    found = [load_definition(name) for name in shipped_names()]
    if as_json:
        print_json({"sites": [_about(definition) for definition in found]})
        return
    table = Table("site", "address", "listings", "what it is")
    for definition in found:
        address = definition.root_url or "root_url of config.txt"
        said = definition.description or definition.name
        table.add_row(*map(_plain, (definition.id, address, len(definition.listings), said)))
    console.print(table)


@sites.command("check")
def check(
    definition: Annotated[
        str, typer.Argument(metavar="FILE", help="A .yaml file, or the name of a shipped one.")
    ],
    page: Annotated[
        Path | None, typer.Option("--page", help="A saved page of the site to read with it.")
    ] = None,
    detail: Annotated[
        bool, typer.Option("--detail", help="The page is a torrent's own, not a listing.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", help="The page's address, for links; the first listing's if left."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a site definition, and show what it reads from a saved page.

    Leaves with 1 if the file has a mistake (each is told with line and key), or if the page gives
    nothing.
    """
    site = _load(definition, as_json)
    if page is None:
        _show(_about(site), as_json)
        return
    from scraper.pages import read_detail, read_listing

    body = _read(page)
    listing, root = site.listings[0], site.root_url or _NO_ADDRESS
    address = url or listing.url(root, 1)
    following = listing.url(root, 2) if listing.is_numbered and url is None else None
    now = datetime.now(UTC)
    if detail:
        document, problem = _detail_report(site, read_detail(body, address, site, now=now))
    else:
        read = read_listing(body, address, site, now=now, following=following)
        document, problem = _listing_report(site, read)
    _show({"file": site.file, "page": str(page), **document, "problem": problem}, as_json)
    if problem is not None:
        raise typer.Exit(FAILED)


def _load(name: str, as_json: bool) -> SiteDefinition:
    from scraper.definition_file import load_definition

    try:
        return load_definition(name)
    except DefinitionError as error:
        problems = [str(problem) for problem in error.args]
        if as_json:
            print_json({"file": name, "problems": problems})
        for problem in problems:
            complain(problem)
        raise typer.Exit(FAILED) from None


def _read(page: Path) -> bytes:
    try:
        with page.open("rb") as file:
            return file.read(_MAX_PAGE_BYTES)
    except OSError as error:
        raise typer.BadParameter(f"--page {page}: {error.strerror or error}") from None


def _about(site: SiteDefinition) -> dict[str, object]:
    root = site.root_url or _NO_ADDRESS
    return {
        "site": site.id,
        "name": site.name,
        "file": site.file,
        "address": site.root_url,
        "listings": [listing.url(root, 1) for listing in site.listings],
        "fields": list(site.search.fields.given),
    }


def _listing_report(
    site: SiteDefinition, read: ListingPage
) -> tuple[dict[str, object], str | None]:
    """What a listing gave: per field how many rows have it; and the problem, if it is one."""
    given = site.search.fields.given
    counts = {
        name: sum(getattr(row, _VALUES.get(name, name)) is not None for row in read.rows)
        for name in given
    }
    first = [
        {name: getattr(row, _VALUES.get(name, name)) for name in given}
        for row in read.rows[:_SHOWN_ROWS]
    ]
    missing = [name for name, n in counts.items() if not n and not given[name].optional]
    document = {
        "rows_matched": read.matched,
        "rows_read": len(read.rows),
        "fields": counts,
        "found_nothing": missing if read.rows else [],
        "next_page": read.next_url,
        "first_rows": first,
    }
    return document, _listing_problem(site, read)


def _listing_problem(site: SiteDefinition, read: ListingPage) -> str | None:
    if read.rows or read.is_empty:
        return None
    if not read.matched:
        return f"search.rows.selector: {site.search.rows.selector.css} found nothing"
    return (
        f"search.fields: {read.matched} rows were found, but none has a title and a link "
        "(details, download, magnet or infohash)"
    )


def _detail_report(site: SiteDefinition, read: DetailPage) -> tuple[dict[str, object], str | None]:
    document: dict[str, object] = {
        "torrent_links": list(read.torrent_links),
        "magnet": read.magnet,
        "infohash": read.infohash,
        "category": read.category,
        "subcategory": read.subcategory,
        "language": read.language,
        "size_bytes": read.size_bytes,
    }
    by_hash = read.infohash is not None and site.download_address is not None
    if read.torrent_links or read.magnet or by_hash:
        return document, None
    where = "download.selectors" if site.download and site.download.selectors else "a .torrent link"
    return document, f"{where}: found nothing, nor is there a magnet"


def _show(document: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    table = Table(show_header=False)
    for name, value in document.items():
        table.add_row(_plain(name.replace("_", " ")), _plain(_said(value)))
    console.print(table)
    problem = document.get("problem")
    if problem is not None:
        complain(str(problem))


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "\n".join(map(_said, value)) or "-"
    return "-" if value is None else str(value)


def _plain(value: object) -> Text:
    """Text of strangers: shown as it is, never as markup, without control characters."""
    return Text("\n".join(map(one_line, str(value).splitlines())))
