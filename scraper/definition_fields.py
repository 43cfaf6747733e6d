"""What a site definition says of single values: fields of a row, fields of a torrent's own page.

The blocks around them stand in `scraper.definition`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from scraper.filters import Filter, make_filter
from scraper.selectors import Selector, compile_selector
from scraper.templates import check_template, names_in

_LEFT_OUT = ("login", "settings", "modes", "legacylinks", "certificates", "ratio", "followredirect")


def _listed(value: object) -> object:
    return value if isinstance(value, list) or value is None else [value]


Css = Annotated[Selector, PlainValidator(compile_selector)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Filters = tuple[Annotated[Filter, PlainValidator(make_filter)], ...]


class Block(BaseModel):
    """Keys and values, frozen; an unknown key is an error that names those that are known."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise ValueError("needs keys and values below it")
        known = [spec.alias or name for name, spec in cls.model_fields.items()]
        for key in given:
            if key not in known:
                hint = (
                    "a key of Cardigann that is not read here; delete it"
                    if key in _LEFT_OUT
                    else f"unknown key; known here: {', '.join(known)}"
                )
                raise PydanticCustomError("unknown_key", "{hint}", {"key": str(key), "hint": hint})
        return given


class Case(Block):
    """One choice of a field: where the selector finds something, the field is this text."""

    selector: Css
    text: str


def _cases(value: object) -> object:
    if not isinstance(value, Mapping) or not value:
        raise ValueError("needs selectors with a text each, such as img.hd: HD")
    return [{"selector": css, "text": text or ""} for css, text in value.items()]


def _field_text(value: object) -> str:
    return check_template(value, [f"Result.{name}" for name in RowFields.model_fields])


class FieldSpec(Block):
    """Where one value stands, and what is made of it; exactly one way to find it.

    `selector` (the row itself where absent) with `attribute`, `remove` and `case`; or a fixed
    `text`; or, on a detail page, a `fact` by its name.
    """

    selector: Css | None = None
    attribute: Text | None = None
    remove: Css | None = None
    case: Annotated[tuple[Case, ...], BeforeValidator(_cases)] = ()
    text: Annotated[str, PlainValidator(_field_text)] | None = None
    fact: Annotated[tuple[Text, ...], BeforeValidator(_listed)] = ()
    default: str | None = None
    optional: bool = False
    filters: Filters = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_place = bool(self.selector or self.attribute or self.case)
        if by_place + (self.text is not None) + bool(self.fact) != 1:
            raise ValueError("needs one of: selector (or attribute, case), text, fact")
        return self


class RowFields(Block):
    """What a row of a listing may give. A title, and one way to the torrent, are needed."""

    title: FieldSpec
    details: FieldSpec | None = None
    download: FieldSpec | None = None
    magnet: FieldSpec | None = None
    infohash: FieldSpec | None = None
    category: FieldSpec | None = None
    size: FieldSpec | None = None
    seeders: FieldSpec | None = None
    leechers: FieldSpec | None = None
    date: FieldSpec | None = None
    language: FieldSpec | None = None
    files: FieldSpec | None = None

    @property
    def given(self) -> dict[str, FieldSpec]:
        """The fields that are defined, those with a fixed text last."""
        found = {name: spec for name in type(self).model_fields if (spec := getattr(self, name))}
        return dict(sorted(found.items(), key=lambda item: item[1].text is not None))

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not (self.details or self.download or self.magnet or self.infohash):
            raise ValueError("needs one of: details, download, magnet, infohash")
        for name in ("details", "download"):
            spec = getattr(self, name)
            if spec and not (spec.attribute or spec.text or spec.filters or spec.case):
                raise at_key(name, "needs an attribute, such as attribute: href")
        for name, spec in self.given.items():
            if spec.fact:
                raise at_key(name, "fact is for detail pages; a row has no facts")
            for wanted in names_in(spec.text or ""):
                source = getattr(self, wanted.removeprefix("Result."))
                if source is None or source.text is not None:
                    raise at_key(
                        name, f"{{{{ .{wanted} }}}} is no field that is read from the page"
                    )
        return self


def at_key(key: str, what: str) -> PydanticCustomError:
    """An error of one of the block's keys, for the validator of the whole block to raise."""
    return PydanticCustomError("at_key", "{what}", {"key": key, "what": what})


class DetailFields(Block):
    """What a torrent's own page may give."""

    category: FieldSpec | None = None
    subcategory: FieldSpec | None = None
    language: FieldSpec | None = None
    size: FieldSpec | None = None
    infohash: FieldSpec | None = None

    @property
    def given(self) -> dict[str, FieldSpec]:
        """The fields that are defined."""
        return {name: spec for name in type(self).model_fields if (spec := getattr(self, name))}

    @model_validator(mode="after")
    def _no_rows(self) -> Self:
        for name, spec in self.given.items():
            if names_in(spec.text or ""):
                raise at_key(name, "a detail page has no .Result to fill in")
        return self
