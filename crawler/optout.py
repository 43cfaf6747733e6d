"""Opt-out: the networks that are never contacted, as `optout.txt` lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from swarm.errors import SettingsError

Network = IPv4Network | IPv6Network


def read_optout(text: str, *, file: str) -> tuple[Network, ...]:
    """The networks of a list: one address or CIDR a line; `#` begins a comment.

    Raises:
        SettingsError: a line is neither; names file and line.
    """
    return tuple(_networks(text, file))


def _networks(text: str, file: str) -> Iterator[Network]:
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        try:
            yield ip_network(entry, strict=False)
        except ValueError:
            raise SettingsError(
                f"{file}, line {number}: {entry[:60]!r} is no network. Write one address or CIDR "
                "a line, such as 192.0.2.0/24."
            ) from None
