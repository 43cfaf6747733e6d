"""What a site definition may say: a checked, frozen subset of the schema of Cardigann.

Only values; where files come from stands in `scraper.definition_file`, what is read with them in
`scraper.pages`. docs/site-definitions.md explains each key.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Self
from urllib.parse import quote, urlencode, urlsplit

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StringConstraints,
    model_validator,
)

from scraper.definition_fields import (
    Block,
    Css,
    DetailFields,
    Filters,
    RowFields,
    Text,
    at_key,
)
from scraper.templates import check_template, fill, names_in

# What an address may fill in.
ADDRESS_NAMES = ("Category", "Page", "Page0", "Keywords", "Config.sitelink")


def _address(value: object) -> str:
    return check_template(value, ADDRESS_NAMES)


def _infohash_address(value: object) -> str:
    text = check_template(value, ("Infohash", "Config.sitelink"))
    if "Infohash" not in names_in(text):
        raise ValueError("needs {{ .Infohash }} where the 40 hexadecimal digits belong")
    return text


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value[:80]!r} is no address of the web (https://...)")
    return value


def _charset(value: str) -> str:
    try:
        return codecs.lookup(value).name
    except (LookupError, ValueError):
        raise ValueError(f"{value[:40]!r} is no charset; try UTF-8") from None


Address = Annotated[str, PlainValidator(_address)]


class Rows(Block):
    """`selector` finds the rows; where `empty` finds something, a page without rows is in order."""

    selector: Css
    empty: Css | None = None


class Path(Block):
    """One listing: an address below the site's root, its query, and the category it shows."""

    path: Address
    inputs: dict[str, Address] = Field(default_factory=dict)
    category: Text | None = None


class Search(Block):
    """How a listing reads; `paths` with `inputs` is Cardigann's way to say what `browse` says."""

    paths: tuple[Path, ...] = ()
    inputs: dict[str, Address] = Field(default_factory=dict)
    rows: Rows
    fields: RowFields


class Next(Block):
    """How a listing goes on.

    The first link that `selector` finds is followed; with `numbered`, the links are those to all
    pages, and the listing goes on if one of them is rel=next or leads to the following page.
    """

    selector: Css
    attribute: Text = "href"
    numbered: bool = False


class Facts(Block):
    """A table of names and values on a detail page; names count in lower case, without colon."""

    rows: Css
    name: Css
    value: Css


class Detail(Block):
    """How a torrent's own page reads; with this block, it is read for every row that has one."""

    facts: Facts | None = None
    fields: DetailFields = DetailFields()

    @model_validator(mode="after")
    def _facts_for_fact(self) -> Self:
        if self.facts is None and any(spec.fact for spec in self.fields.given.values()):
            raise ValueError("a field names a fact, so facts (rows, name, value) is needed")
        return self


class Link(Block):
    """A link to the .torrent or the magnet on a detail page."""

    selector: Css
    attribute: Text = "href"
    filters: Filters = ()


class Download(Block):
    """Where the .torrent is: links on the detail page, or an address made from the infohash.

    The first of `selectors` that finds anything counts.
    """

    selectors: tuple[Link, ...] = ()
    infohash: Annotated[str, PlainValidator(_infohash_address)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.selectors and self.infohash is None:
            raise ValueError("needs selectors or infohash")
        return self


class Challenge(Block):
    """How this site's challenge page is told, beyond those that are known everywhere."""

    status: tuple[Annotated[int, Field(ge=200, le=599)], ...] = (403, 429, 503)
    contains: Annotated[tuple[Text, ...], Field(min_length=1)]


class CategoryMapping(Block):
    """A category of the site: `id` in its addresses, `cat` the usual name, `desc` its own."""

    id: Text
    cat: Text
    desc: Text | None = None

    @property
    def label(self) -> str:
        """The name that its torrents get: `Parent` or `Parent > Sub`."""
        parent, _, sub = self.cat.partition("/")
        return f"{parent} > {self.desc or sub}" if self.desc or sub else parent


class Caps(Block):
    """What the site has."""

    categorymappings: tuple[CategoryMapping, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing of a site, page after page; `category` None where each row has its own."""

    label: str
    category: str | None
    path: Path
    inputs: Mapping[str, str]
    category_id: str

    @property
    def is_numbered(self) -> bool:
        """Whether its address holds the number of the page."""
        return any(
            names_in(text) & {"Page", "Page0"} for text in (self.path.path, *self.inputs.values())
        )

    def url(self, root_url: str, page: int) -> str:
        """The address of a page; pages count from 1."""
        root = root_url.rstrip("/")
        values = {"Category": self.category_id, "Page": str(page), "Page0": str(page - 1)}
        quoted = {name: quote(value, safe="") for name, value in values.items()}
        path = fill(self.path.path, quoted | {"Config.sitelink": f"{root}/"})
        url = path if path.startswith(f"{root}/") else f"{root}/{path.removeprefix('/')}"
        values["Config.sitelink"] = f"{root}/"
        query = urlencode({name: fill(text, values) for name, text in self.inputs.items()})
        return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


class SiteDefinition(Block):
    """One site: where its listings are, and how they and its torrents' pages read. Frozen.

    Raises:
        ValidationError: from the constructor, where a value is refused; the loader words it.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    name: Text
    description: Text | None = None
    language: Text | None = None
    type: Text | None = None
    encoding: Annotated[str, AfterValidator(_charset)] | None = None
    links: tuple[Annotated[str, AfterValidator(_web_address)], ...] = ()
    request_delay: float = Field(default=0, ge=0, le=3600, alias="requestDelay")
    caps: Caps = Caps()
    browse: tuple[Path, ...] = ()
    search: Search
    next: Next | None = None
    detail: Detail | None = None
    download: Download | None = None
    challenge: Challenge | None = None
    _file: str = ""

    def model_post_init(self, context: Any) -> None:
        """Keep the name of the file, which messages tell."""
        self._file = (context or {}).get("file", self.id)

    @property
    def file(self) -> str:
        """How the file is called in messages."""
        return self._file

    @property
    def root_url(self) -> str | None:
        """The site's own address, if the definition has one; no slash at its end."""
        return self.links[0].rstrip("/") if self.links else None

    @property
    def argument(self) -> str:
        """What names it on the command line and in config.txt (site)."""
        return self.id if self.file.startswith("scraper/sites/") else self.file

    @property
    def download_address(self) -> str | None:
        """The template of a .torrent's address by its infohash, if the site has such."""
        return self.download.infohash if self.download else None

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        """What is walked through: each path, once for each category where it names one."""
        found: list[Listing] = []
        for path in self.browse or self.search.paths:
            inputs = self.search.inputs | path.inputs
            if any("Category" in names_in(text) for text in (path.path, *inputs.values())):
                found += [
                    Listing(mapping.label, mapping.label, path, inputs, mapping.id)
                    for mapping in self.caps.categorymappings
                ]
            else:
                found.append(Listing(path.category or self.name, path.category, path, inputs, ""))
        return tuple(found)

    def category_label(self, said: str | None) -> str | None:
        """The usual name of a category that a row names by its id or its own name."""
        if said is None:
            return None
        for mapping in self.caps.categorymappings:
            if said == mapping.id or said.casefold() == (mapping.desc or mapping.cat).casefold():
                return mapping.label
        return said[:60]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.browse) == bool(self.search.paths):
            raise ValueError("needs the listings' addresses: either browse or search.paths")
        if not self.listings:
            raise at_key("caps", "an address holds {{ .Category }}, so categorymappings is needed")
        if (
            self.next
            and self.next.numbered
            and not all(listing.is_numbered for listing in self.listings)
        ):
            raise at_key("next", "numbered needs {{ .Page }} or {{ .Page0 }} in every address")
        return self
