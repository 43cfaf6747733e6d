"""What comes of asking a web server: an answer, or the reason why there is none. Opens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import Cookie

from scraper.pages import is_challenge

TIMED_OUT = "does not answer in time"
CUT_OFF = "broke off its answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: `url` after redirects, `headers` by lower-case name, whole body.

    A page that was kept from an earlier scrape and has not changed since is status 200 too.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def charset(self) -> str | None:
        """The charset that the server declared, if any; unchecked."""
        _, _, value = self.headers.get("content-type", "").lower().partition("charset=")
        return value.split(";")[0].strip(" \"'") or None

    @property
    def is_challenge(self) -> bool:
        """Whether the server wants to see a real browser first."""
        return is_challenge(self.status, self.headers, self.body)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came. `reason` completes "http://... "; e.g. "does not answer".

    `silent` tells that nobody answered; else somebody did, or nobody was asked.
    """

    url: str
    reason: str
    silent: bool


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A cookie as a browser holds it."""

    name: str
    value: str
    domain: str
    path: str
    secure: bool

    def for_a_jar(self) -> Cookie:
        """The same as a client's cookie jar holds it."""
        domain = self.domain
        if "." not in domain and ":" not in domain:
            domain += ".local"  # what http.cookiejar makes of a host without a dot
        return Cookie(
            version=0,
            name=self.name,
            value=self.value,
            port=None,
            port_specified=False,
            domain=domain,
            domain_specified=domain.startswith("."),
            domain_initial_dot=domain.startswith("."),
            path=self.path or "/",
            path_specified=True,
            secure=self.secure,
            expires=None,
            discard=True,
            comment=None,
            comment_url=None,
            rest={},
        )
