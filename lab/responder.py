"""How the simulated nodes answer: datagram in, datagram out. Pure; the clock is handed in.

Follows BEP 5: ping, find_node, get_peers, announce_peer with tokens that hold 5 to 10 minutes.
Nodes learn nothing from who asks them: tables stay as the population has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

from crawler import krpc
from lab.holdings import Holdings
from lab.nodes import Population
from swarm.errors import MalformedMessage

_TOKEN_STEP_S = 300.0
_TOKEN_BYTES = 4
_MAX_SOURCES = 100_000
_PROTOCOL_ERROR = 203
_METHOD_UNKNOWN = 204


@dataclass(slots=True)
class Counters:
    """What has come in. `sources` counts datagrams per asking address and port."""

    queries: dict[str, int] = field(default_factory=dict)  # by method; "other" is one of them
    sources: dict[str, int] = field(default_factory=dict)
    to_nobody: int = 0  # at addresses where no live node is
    malformed: int = 0  # not KRPC, or a query without what its method needs
    foreign: int = 0  # not from 127.0.0.0/8
    announces: int = 0  # accepted

    @property
    def datagrams(self) -> int:
        """All that was received from loopback."""
        return sum(self.sources.values())


class Responder:
    """All nodes' behaviour. `on_announce(key, peer)` is called after each accepted announcement."""

    def __init__(
        self,
        population: Population,
        holdings: Holdings,
        *,
        secret: bytes,
        on_announce: Callable[[bytes, bytes], None],
    ) -> None:
        self.counters = Counters()
        self._on_announce = on_announce
        self._population = population
        self._holdings = holdings
        self._secret = secret
        self._methods = {
            b"ping": self._ping,
            b"find_node": self._find_node,
            b"get_peers": self._get_peers,
            b"announce_peer": self._announce_peer,
        }

    def answer(self, datagram: bytes, source: tuple[str, int], to: int, now: float) -> bytes | None:
        """The answer of the node at address `to` (a number); None where nobody answers."""
        counters = self.counters
        if not source[0].startswith("127."):
            counters.foreign += 1
            return None
        self._count_source(source)
        node = self._population.node_at(to)
        if node is None:
            counters.to_nobody += 1
            return None
        try:
            query = krpc.decode(datagram)
        except MalformedMessage:
            counters.malformed += 1
            return None
        if not isinstance(query, krpc.Query):
            counters.malformed += 1
            return None
        method = self._methods.get(query.method)
        name = query.method.decode() if method else "other"
        counters.queries[name] = counters.queries.get(name, 0) + 1
        if method is None:
            return krpc.encode_error(query.transaction, _METHOD_UNKNOWN, b"Method Unknown")
        return method(query, node, source, now) or self._refuse(query)

    def _count_source(self, source: tuple[str, int]) -> None:
        sources = self.counters.sources
        name = f"{source[0]}:{source[1]}"
        if name not in sources and len(sources) >= _MAX_SOURCES:
            name = "others"
        sources[name] = sources.get(name, 0) + 1

    def _refuse(self, query: krpc.Query) -> bytes:
        self.counters.malformed += 1
        return krpc.encode_error(query.transaction, _PROTOCOL_ERROR, b"Protocol Error")

    def _ping(self, query: krpc.Query, node: int, _source: tuple[str, int], _now: float) -> bytes:
        return krpc.encode_ping_reply(query.transaction, self._population.node_id(node))

    def _find_node(
        self, query: krpc.Query, node: int, _source: tuple[str, int], _now: float
    ) -> bytes | None:
        if query.target is None:
            return None
        population = self._population
        nodes = population.closest(node, query.target)
        return krpc.encode_find_node_reply(query.transaction, population.node_id(node), nodes)

    def _get_peers(
        self, query: krpc.Query, node: int, source: tuple[str, int], now: float
    ) -> bytes | None:
        if query.target is None:
            return None
        population = self._population
        return krpc.encode_get_peers_reply(
            query.transaction,
            population.node_id(node),
            token=self._token(node, source, int(now // _TOKEN_STEP_S)),
            nodes=population.closest(node, query.target),
            values=self._holdings.sample(node, query.target, now),
        )

    def _announce_peer(
        self, query: krpc.Query, node: int, source: tuple[str, int], now: float
    ) -> bytes | None:
        port = source[1] if query.implied_port else query.port
        if query.target is None or port is None:
            return None
        if not self._is_valid(query.token, node, source, now):
            return None
        peer = bytes(map(int, source[0].split("."))) + port.to_bytes(2)
        self._holdings.announce(node, query.target, peer, now)
        self.counters.announces += 1
        self._on_announce(query.target, peer)
        return krpc.encode_ping_reply(query.transaction, self._population.node_id(node))

    def _is_valid(
        self, token: bytes | None, node: int, source: tuple[str, int], now: float
    ) -> bool:
        step = int(now // _TOKEN_STEP_S)
        return token in (self._token(node, source, step), self._token(node, source, step - 1))

    def _token(self, node: int, source: tuple[str, int], step: int) -> bytes:
        """BEP 5: bound to the asker's address, not to its port."""
        bound = b"%d/%d/%b" % (node, step, source[0].encode())
        return blake2b(bound, digest_size=_TOKEN_BYTES, key=self._secret).digest()
