"""CSS selectors of site definitions, compiled once, and what they find. Opens nothing.

cssselect turns them into XPath 1.0; `:contains("text")`, `:has(a)`, `[href$=".torrent" i]` and
`:scope > td` work, pseudo-elements and jQuery's `:eq()` do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cssselect import HTMLTranslator, SelectorError
from lxml import etree, html

_TRANSLATOR = HTMLTranslator()
_MAX_SELECTOR = 1_000


@dataclass(frozen=True, slots=True)
class Selector:
    """A checked CSS selector; `css` is as it was written."""

    css: str
    _path: etree.XPath = field(repr=False, compare=False)

    def all(self, element: html.HtmlElement) -> list[html.HtmlElement]:
        """What it finds at or below the element, in page order."""
        try:
            return list(self._path(element))
        except etree.XPathError:  # libxml2 gave up on a monstrous page
            return []

    def first(self, element: html.HtmlElement) -> html.HtmlElement | None:
        """The first that it finds, if any."""
        found = self.all(element)
        return found[0] if found else None


def compile_selector(css: object) -> Selector:
    """Read a CSS selector.

    Raises:
        ValueError: it is no selector, or one that cannot be used here; says why.
    """
    if not isinstance(css, str) or not css.strip():
        raise ValueError("needs a CSS selector, such as table.list tr")
    if len(css) > _MAX_SELECTOR:
        raise ValueError(f"a selector of {len(css)} characters; at most {_MAX_SELECTOR}")
    try:
        path = etree.XPath(_TRANSLATOR.css_to_xpath(css))
        path(html.Element("p"))  # an unknown namespace prefix is found out only in use
    except (SelectorError, etree.XPathError, RecursionError) as error:
        why = str(error) or type(error).__name__
        raise ValueError(f"{css[:80]!r} is no usable CSS selector: {why}") from None
    return Selector(css, path)
