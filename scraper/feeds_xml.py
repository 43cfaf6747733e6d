"""From a feed's bytes to its XML elements. Opens nothing, resolves no entity, never raises.

Feeds are often broken: wrong encoding, bare ampersands, names of HTML entities, cut off. What is
well-formed is read as it is; what is not is mended where the intention is plain, then read as far
as it goes. A document that declares entities is refused: no feed needs them, bombs do.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.entities import html5

from lxml import etree

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
# Python codecs that are no character set, or take quadratic time.
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
_DECLARATION = re.compile(r"\s*<\?xml[^>]*?\?>")
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_AMPERSAND = re.compile(r"&(?:([A-Za-z][A-Za-z0-9]{0,30});|(?!#[0-9]{1,7};|#x[0-9A-Fa-f]{1,6};))")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})


def parse_feed(body: bytes, charset: str | None = None) -> etree._Element | str:
    """The document's root element, or why there is none, as the end of "http://... ".

    Args:
        body: the answer's body, not compressed any more.
        charset: what the server declared; a byte order mark wins over it.
    """
    text = _NOT_XML.sub("", decode(body, charset)).lstrip("\ufeff")
    text = _DECLARATION.sub("", text, count=1).strip()
    if not text:
        return "is empty"
    if "<!ENTITY" in text.upper():
        return "declares entities, which no feed needs and which are not resolved here"
    if _is_web_page(text):
        return "is a web page, not a feed"
    root = _parse(text, recover=False)
    if root is None:
        root = _parse(_mend(text), recover=True)
    return "is no XML document" if root is None else root


def decode(body: bytes, charset: str | None) -> str:
    """The text of a document whose declared encoding may be wrong or none at all."""
    for mark, encoding in (*_BOMS, *_UNMARKED):
        if body.startswith(mark):
            return body.decode(encoding, errors="replace")
    declared = _DECLARED.search(body[:400])
    for name in (charset, declared[1].decode() if declared else None, "utf-8"):
        text = _try(body, name)
        if text is not None:
            return text
    return body.decode("cp1252", errors="replace")


def _try(body: bytes, name: str | None) -> str | None:
    try:
        codec = codecs.lookup(name or "")
        if codec.name.replace("_", "-") in _NO_CHARSETS:
            return None
        return body.decode(codec.name)
    except (LookupError, ValueError):  # UnicodeDecodeError is a ValueError
        return None


def _is_web_page(text: str) -> bool:
    head = text[:2_000].lower()
    return "<html" in head or "<!doctype html" in head


def _mend(text: str) -> str:
    """Outside of CDATA: HTML's entities as characters, bare ampersands as text."""
    parts = _CDATA.split(text)
    parts[::2] = [_AMPERSAND.sub(_ampersand, part) for part in parts[::2]]
    return "".join(parts)


def _ampersand(found: re.Match[str]) -> str:
    name = found[1]
    if name in _XML_NAMES:
        return found[0]
    return html5.get(f"{name};") or f"&amp;{found[0][1:]}"


def _parse(text: str, *, recover: bool) -> etree._Element | None:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def name_of(element: etree._Element) -> str:
    """The element's name in lower case, without namespace or prefix; "" for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def text_of(element: etree._Element, most: int) -> str | None:
    """The text within, its white space made single; at most so many characters; None if empty."""
    return " ".join("".join(element.itertext()).split())[:most] or None


def named(root: etree._Element, names: frozenset[str]) -> Iterator[etree._Element]:
    """All elements of these names, at any depth, in document order."""
    return (element for element in root.iter() if name_of(element) in names)
