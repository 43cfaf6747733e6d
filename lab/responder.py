"""How the simulated nodes answer: datagram in, datagram out. Pure; the clock is handed in.

Follows BEP 5 (ping, find_node, get_peers, announce_peer with tokens that hold 5 to 10 minutes) and
BEP 33 (scrape). Nodes learn nothing from who asks them: tables stay as the population has them.
What is wrong with single nodes is decided elsewhere (`lab.misconduct`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from ipaddress import ip_address

from crawler import krpc
from lab.holdings import Holdings
from lab.misconduct import Misconduct, Sybil, Sybils, invented_peers
from lab.nodes import Population
from swarm.errors import MalformedMessage

_TOKEN_STEP_S = 300.0
_TOKEN_BYTES = 4
_MAX_SOURCES = 100_000
_PROTOCOL_ERROR = 203
_METHOD_UNKNOWN = 204
_ANNOUNCE = b"13:announce_peer"  # as it stands in a datagram


@dataclass(slots=True)
class Counters:
    """What has come in. `sources` counts datagrams per asking address and port."""

    queries: dict[str, int] = field(default_factory=dict)  # by method; "other" is one of them
    sources: dict[str, int] = field(default_factory=dict)
    to_bootstrap: int = 0  # at the entry for newcomers
    to_nobody: int = 0  # at addresses where no live node is
    malformed: int = 0  # not KRPC, or a query without what its method needs
    foreign: int = 0  # not from loopback
    announces: int = 0  # accepted
    announce_attempts: int = 0  # datagrams that name announce_peer, whatever became of them
    answered: int = 0  # answers that nodes gave, lost ones too
    refused: int = 0  # queries over a node's rate limit: no answer
    busiest_second: int = 0  # the most datagrams within any second
    address_burst: float = 0.0  # the most to any one address beyond one a second
    to_watched: int = 0  # to the addresses that `SimulatedDht.watch` named
    cpu_s: float = 0.0  # what the process of the nodes has used

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
        misconduct: Misconduct | None = None,
        sybils: Sybils | None = None,
    ) -> None:
        self.counters = Counters()
        self._ipv6 = population.is_ipv6
        self._on_announce = on_announce
        self._population = population
        self._holdings = holdings
        self._secret = secret
        self._misconduct = misconduct
        self._sybils = sybils
        self._methods = {
            b"ping": self._ping,
            b"find_node": self._find_node,
            b"get_peers": self._get_peers,
            b"announce_peer": self._announce_peer,
        }

    def answer(self, datagram: bytes, source: tuple[str, int], to: int, now: float) -> bytes | None:
        """The answer of the node at address `to` (a number); None where nobody answers."""
        counters = self.counters
        if not source[0].startswith("127.") and source[0] != "::1":
            counters.foreign += 1
            return None
        self._count_source(source)
        if _ANNOUNCE in datagram:
            counters.announce_attempts += 1
        node = self._population.node_at(to)
        counters.to_bootstrap += node == self._population.bootstrap
        sybil = self._sybils.at.get(to) if node is None and self._sybils else None
        if node is None and sybil is None:
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
        if sybil is not None:
            reply = _of_sybil(sybil, query)
        elif node is None or (self._misconduct and self._misconduct.refuses(node, now)):
            counters.refused += 1
            return None
        elif method is None:
            reply = krpc.encode_error(query.transaction, _METHOD_UNKNOWN, b"Method Unknown")
        else:
            reply = method(query, node, source, now) or self._refuse(query)
        counters.answered += 1
        return reply

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
        node_id = self._population.node_id(node)
        return krpc.encode_find_node_reply(
            query.transaction, node_id, self._contacts(node, query.target), ipv6=self._ipv6
        )

    def _get_peers(
        self, query: krpc.Query, node: int, source: tuple[str, int], now: float
    ) -> bytes | None:
        key = query.target
        if key is None:
            return None
        values = self._holdings.sample(node, key, now)
        seeds = downloaders = None
        if query.scrape and (filters := self._holdings.filters(node, key, now)):
            seeds, downloaders = filters
        if self._misconduct:
            values = self._told(self._misconduct, query, node, key, values)
        return krpc.encode_get_peers_reply(
            query.transaction,
            self._population.node_id(node),
            token=self._token(node, source, int(now // _TOKEN_STEP_S)),
            nodes=self._contacts(node, key),
            values=values,
            seeds=seeds,
            downloaders=downloaders,
            ipv6=self._ipv6,
        )

    def _contacts(self, node: int, key: bytes) -> bytes:
        """The contacts that a node names for a key."""
        contacts = self._population.closest(node, key)
        if self._misconduct:
            contacts = self._misconduct.contacts(node, contacts)
        return self._sybils.mingle(key, contacts) if self._sybils else contacts

    @staticmethod
    def _told(
        misconduct: Misconduct, query: krpc.Query, node: int, key: bytes, values: Sequence[bytes]
    ) -> Sequence[bytes]:
        """What a node that may be a liar, or of the kind that omits values, tells of its peers."""
        if misconduct.is_liar(node):
            invented = misconduct.invented(node, key)
            return [*values[:50], *invented] if misconduct.keeps_truth(node) else invented
        return () if query.scrape and misconduct.omits_values(node) else values

    def _announce_peer(
        self, query: krpc.Query, node: int, source: tuple[str, int], now: float
    ) -> bytes | None:
        port = source[1] if query.implied_port else query.port
        if query.target is None or port is None:
            return None
        if not self._is_valid(query.token, node, source, now):
            return None
        peer = ip_address(source[0]).packed + port.to_bytes(2)
        self._holdings.announce(node, query.target, peer, now, is_seed=query.seed)
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


def _of_sybil(sybil: Sybil, query: krpc.Query) -> bytes:
    """A sybil host invents peers, and names only itself."""
    return krpc.encode_get_peers_reply(
        query.transaction,
        sybil.next_id(),
        token=b"sybil",
        nodes=b"".join(sybil.contacts[:8]),
        values=invented_peers(sybil.key) if query.method == b"get_peers" else (),
    )
