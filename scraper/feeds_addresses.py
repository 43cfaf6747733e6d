"""Addresses as they may be shown and written down: without the keys that stand in them. Pure.

A feed's address often is a password: `apikey=` of Jackett and Prowlarr, passkeys in paths, a user
before the @. The downloads that a feed names carry them too, and so may a server's error text.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_HIDDEN = "…"
_WEB_ADDRESS = re.compile(r"\b(?:https?://|magnet:\?)[^\s<>\"']+", re.IGNORECASE)
# Longer than a word, without the dots and blanks of a name: an id, a hash or a key.
_KEY_LIKE = re.compile(r"(?=[^/]*[0-9])[0-9A-Za-z_~=-]{16,}")
_SHORTEST_SECRET = 6
_OPEN_FIELDS = frozenset({"cat", "extended", "limit", "offset", "q", "t"})  # what Torznab asks with
_INFOHASH = re.compile(r"urn:bt(?:ih|mh):[0-9a-z]+", re.IGNORECASE)


def shown_address(url: str) -> str:
    """The address without user, query and fragment, and without path segments that look like keys.

    Of a magnet link only its infohash is left: its trackers may hold a passkey.
    """
    if url[:7].lower() == "magnet:":
        found = _INFOHASH.search(unquote(url))
        return f"magnet:?xt={found[0]}" if found else "magnet:"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return _HIDDEN
    shown = f"[{host}]" if ":" in host else host
    path = "/".join(
        _HIDDEN if _KEY_LIKE.fullmatch(part) else part for part in parts.path.split("/")
    )
    return f"{parts.scheme}://{shown}{port}{path}"[:500]


def holds_key(url: str) -> bool:
    """Whether something in the address may be a password: then what it gives is not kept either."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    fields = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    return (
        "@" in parts.netloc
        or not fields <= _OPEN_FIELDS
        or any(_KEY_LIKE.fullmatch(part) for part in parts.path.split("/"))
    )


def without_keys(text: str, url: str) -> str:
    """`text` with all addresses as `shown_address` shows them, and none of the keys of `url`."""
    shown = _WEB_ADDRESS.sub(lambda found: shown_address(found[0]), text)
    for secret in sorted(_secrets(url), key=len, reverse=True):
        shown = shown.replace(secret, _HIDDEN)
    return shown


def _secrets(url: str) -> set[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return set()
    found = [value for name, value in parse_qsl(parts.query) if name not in _OPEN_FIELDS]
    found += [part for part in parts.path.split("/") if _KEY_LIKE.fullmatch(part)]
    found += [parts.username or "", parts.password or ""]
    spelt = {form for secret in found for form in (secret, unquote(secret), quote(secret))}
    return {secret for secret in spelt if len(secret) >= _SHORTEST_SECRET}
