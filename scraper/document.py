"""From a page's bytes to elements, text and addresses. Opens nothing, never raises.

libxml2 cuts nesting at 255 levels; text is taken up to 10,000 characters.
"""

from __future__ import annotations

import codecs
from urllib.parse import urljoin, urlsplit

from lxml import etree, html

from scraper.filters import MAX_TEXT

# Elements times depth. A page of 50,000 elements, 20 deep, is far beyond what indexers send.
_MAX_WORK = 1_000_000


def parse_page(body: bytes, charset: str | None) -> html.HtmlElement | None:
    """The page's root element, or None where the bytes are no page, or a monstrous one.

    `charset` is what the server, or the site's definition, says; one that does not exist is
    passed over.
    """
    encoding = _known(charset) or _undeclared(body)
    parser = html.HTMLParser(encoding=encoding, no_network=True, recover=True)
    try:
        root = etree.fromstring(body, parser)  # HTML: no entities, no network
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return root if isinstance(root, html.HtmlElement) and not _is_monstrous(root) else None


def _is_monstrous(root: html.HtmlElement) -> bool:
    """Whether a selector may take minutes on the page: libxml2 merges what nested elements find."""
    elements = depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        if event == "start":
            elements += 1
            depth += 1
            deepest = max(deepest, depth)
            if elements * deepest > _MAX_WORK:
                return True
        else:
            depth -= 1
    return False


def _known(charset: str | None) -> str | None:
    try:
        return codecs.lookup(charset).name if charset else None
    except (LookupError, ValueError):
        return None


def _undeclared(body: bytes) -> str | None:
    # libxml2 takes a page that declares nothing for Latin-1; today such pages are UTF-8.
    if b"charset" in body[:4096].lower():
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def base_of(document: html.HtmlElement, url: str) -> str:
    """What the page's relative links are relative to."""
    declared = document.xpath("//base/@href")
    return (absolute(url, declared[0]) if declared else None) or url


def absolute(base: str, href: str | None) -> str | None:
    """The link as an absolute http(s) address without fragment, or None."""
    try:
        target = urljoin(base, (href or "").strip()).partition("#")[0]
        parts = urlsplit(target)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return target if parts.scheme in ("http", "https") and parts.hostname else None


def text_of(element: html.HtmlElement) -> str:
    """The text in the element, on one line."""
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        pieces.append(piece)
        length += len(piece)
        if length > MAX_TEXT:
            break
    return " ".join("".join(pieces).split())[:MAX_TEXT]
