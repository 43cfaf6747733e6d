"""From a tracker's host to the endpoints that are asked: resolved once, checked, then held to.

The connection goes to the address that was checked, not to the name again, so that a name cannot
lead elsewhere at the second look. Behind a proxy no name is resolved here: the proxy does it.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import IPv4Address, IPv6Address, ip_address

from crawler.trackers.admission import AddressRule
from crawler.trackers.replies import NoReply
from swarm.endpoint import Endpoint
from swarm.tracking import TrackerOutcome

_TRIED_ADDRESSES = 3  # of a host that has many
_RESOLVE_S = 10.0
_OWN_NAMES = ("localhost", ".localhost", ".local", ".internal")


class Router:
    """Finds the endpoints of trackers' hosts, and refuses what may not be asked."""

    def __init__(self, rule: AddressRule, *, resolves: bool) -> None:
        """`resolves` False: a proxy does that, and only written addresses can be checked here."""
        self._rule = rule
        self._resolves = resolves

    async def endpoints(self, host: str, port: int) -> tuple[Endpoint, ...] | NoReply:
        """Where to connect to, best first; empty where the proxy has to find out."""
        literal = _literal(host)
        if literal is not None:
            addresses = [literal]
        elif self._resolves:
            try:
                addresses = await _resolve(host)
            except (OSError, ValueError):  # TimeoutError, UnicodeError: what a name can do
                return NoReply(TrackerOutcome.UNREACHABLE, "its name is not known")
        elif not self._rule.allow_local and (host.endswith(_OWN_NAMES) or "." not in host):
            return NoReply(TrackerOutcome.NOT_ASKED, "its name is one of a private network")
        else:
            return ()
        objections = [self._rule.objection(address) for address in addresses]
        allowed = [
            Endpoint(address, port)
            for address, objection in zip(addresses, objections, strict=True)
            if objection is None
        ]
        if not allowed:
            return NoReply(TrackerOutcome.NOT_ASKED, objections[0] if objections else None)
        return tuple(allowed[:_TRIED_ADDRESSES])


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


async def _resolve(host: str) -> list[IPv4Address | IPv6Address]:
    """The host's addresses, each once. A thread of its own, so that a slow name holds no exit."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str] | OSError | UnicodeError] = loop.create_future()

    def tell(answer: list[str] | OSError | UnicodeError) -> None:
        if not found.done():
            found.set_result(answer)

    def look_up() -> None:
        answer: list[str] | OSError | UnicodeError
        try:
            entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answer = [str(entry[4][0]) for entry in entries]
        except (OSError, UnicodeError) as error:
            answer = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, answer)

    threading.Thread(target=look_up, name="tracker-name", daemon=True).start()
    async with asyncio.timeout(_RESOLVE_S):
        answer = await found
    if isinstance(answer, Exception):
        raise answer
    return [ip_address(text.partition("%")[0]) for text in dict.fromkeys(answer)]
