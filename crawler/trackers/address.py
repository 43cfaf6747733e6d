"""A tracker's address as a .torrent has it: hostile text, with secrets in it. Pure.

The path and the query may hold a user's passkey and `user:password@` a login: they never show in
`label`, nor in a repr; the login is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from swarm.text import one_line

MAX_URL_CHARACTERS = 2048
MAX_MESSAGE_CHARACTERS = 200
UNREADABLE = "unreadable address"  # the label of what is no URL

DEFAULT_PORTS = {"http": 80, "https": 443}
_SPOKEN = ("http", "https", "udp")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_.])?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,15}")
_KEPT = "!$&'()*+,-./:;=?@_~%"  # what stays as it is in a path or query
_LEAST_SECRET = 8  # characters; shorter pieces of an address are no passkey


@dataclass(frozen=True, slots=True)
class TrackerAddress:
    """Where a tracker is, and what to ask it for. `host` is a name or an address, in lower case."""

    scheme: str  # "http", "https" or "udp"
    host: str
    port: int
    path: str = field(repr=False)  # begins with "/" or is empty; percent-encoded ASCII
    query: str = field(repr=False)

    @property
    def authority(self) -> str:
        """`host:port`, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def label(self) -> str:
        """`scheme://host:port`, the part that is fit to be stored and shown."""
        return f"{self.scheme}://{self.authority}"

    @property
    def path_and_query(self) -> str:
        """What BEP 41 calls URL data."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def scrape_path(self) -> str | None:
        """BEP 48: the last part of the path with `announce` replaced; None if it has none."""
        head, slash, last = self.path.rpartition("/")
        if not slash or not last.startswith("announce"):
            return None
        return f"{head}/scrape{last.removeprefix('announce')}"

    def presentable(self, text: str) -> str | None:
        """A tracker's own text as one safe line without what our address keeps secret."""
        for piece in re.split(r"[/?&=]", self.path_and_query):
            if len(piece) >= _LEAST_SECRET and not piece.startswith("announce"):
                text = text.replace(piece, "...")
        return one_line(text)[:MAX_MESSAGE_CHARACTERS].rstrip() or None


@dataclass(frozen=True, slots=True)
class UnusableTracker:
    """An address that cannot be asked. Both texts are safe to show."""

    label: str
    why: str


def read_tracker_address(
    url: str, *, max_characters: int = MAX_URL_CHARACTERS
) -> TrackerAddress | UnusableTracker:
    """Read an announce URL, whatever the text is; raises nothing."""
    if len(url) > max_characters:
        return UnusableTracker(UNREADABLE, f"longer than {max_characters} characters")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = _read_host(parts.hostname or "")
    except ValueError:  # UnicodeError is one
        return UnusableTracker(UNREADABLE, "no address of a tracker")
    scheme = parts.scheme
    if host is None or port == 0 or not _SCHEME.fullmatch(scheme):
        return UnusableTracker(UNREADABLE, "no address of a tracker")
    if port is None:
        port = DEFAULT_PORTS.get(scheme)
    if scheme not in _SPOKEN or port is None:
        shown = f"[{host}]" if ":" in host else host
        label = f"{scheme}://{shown}" + (f":{port}" if port else "")
        why = "names no port" if scheme in _SPOKEN else "a protocol that is not spoken here"
        return UnusableTracker(label, why)
    path, query = (quote(text, safe=_KEPT) for text in (parts.path, parts.query))
    return TrackerAddress(scheme, host, port, path, query)


def _read_host(host: str) -> str | None:
    """The host in its one spelling; None where it is neither a name nor an address."""
    if ":" in host:
        address = ip_address(host)
        scoped = isinstance(address, IPv6Address) and address.scope_id is not None
        return None if scoped else str(address)
    ascii_host = host.encode("idna").decode("ascii").lower()
    return ascii_host if _NAME.fullmatch(ascii_host) else None
