"""Faults of the lab's indexer site: what a broken or hostile site answers instead of a page.

A `Fault` stands at a path (or a path's beginning) and replaces the answer, always or for the
first few times.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One wrong answer. `body` yields what is sent, `pause_s` lies between its pieces.

    `times` is how often the fault strikes before the site behaves; None is for ever.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/html; charset=utf-8"),)
    body: Callable[[], Iterator[bytes]] = lambda: iter(())
    pause_s: float = 0.0
    times: int | None = None


def status_fault(
    status: int, *, retry_after_s: int | None = None, times: int | None = None
) -> Fault:
    """An error status with a short body; for 404, 429, 500 and the like."""
    headers = [("Content-Type", "text/plain; charset=utf-8")]
    if retry_after_s is not None:
        headers.append(("Retry-After", str(retry_after_s)))
    body = f"status {status}".encode()
    return Fault(status=status, headers=tuple(headers), body=lambda: iter([body]), times=times)


def body_fault(body: bytes, *, content_type: str = "text/html", times: int | None = None) -> Fault:
    """Status 200 with these bytes, whatever they are."""
    headers = (("Content-Type", content_type),)
    return Fault(headers=headers, body=lambda: iter([body]), times=times)


def redirect_fault(location: str, *, status: int = 302) -> Fault:
    """A redirect to anywhere; the location is sent as it is."""
    return Fault(status=status, headers=(("Location", location),))


def gzip_bomb_fault(*, inflated_bytes: int = 200_000_000, content_type: str = "text/html") -> Fault:
    """A small gzip body that inflates to very much."""
    bomb = gzip.compress(bytes(inflated_bytes), 9)
    headers = (("Content-Type", content_type), ("Content-Encoding", "gzip"))
    return Fault(headers=headers, body=lambda: iter([bomb]))


def endless_fault(*, content_type: str = "text/html") -> Fault:
    """A body that never ends, as fast as it is taken."""
    headers = (("Content-Type", content_type),)
    return Fault(headers=headers, body=lambda: itertools.repeat(b"x" * _CHUNK))


def dribble_fault(*, pause_s: float = 0.2, content_type: str = "text/html") -> Fault:
    """A body that never ends and comes byte by byte: no single read ever times out."""
    headers = (("Content-Type", content_type),)
    return Fault(headers=headers, body=lambda: itertools.repeat(b"x"), pause_s=pause_s)
