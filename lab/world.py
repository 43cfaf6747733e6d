"""A whole world on loopback, from a seed: DHT, real clients, indexer site, geography.

It lives in a folder of its own, into which it writes config.txt (so that the very code that works
on the internet works on it), the geolocation database and world.json. It needs no root, no network,
and no port that another world may have: all ports are the system's choice.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.clients import Presence, RealClients
from lab.config_file import write_config
from lab.dht import SimulatedDht
from lab.dht_commands import Announcement
from lab.facts import FILE_NAME, SwarmFacts, WorldFacts, count_countries, dump
from lab.folders import only_world_in, scratch_folder
from lab.geography import write_asn_mmdb, write_mmdb
from lab.hidden import HiddenClient
from lab.nodes import K
from lab.site import IndexerSite, Listing
from lab.swarms import SwarmPlan, choose_addresses, plan_swarms
from lab.torrents import PER_CATEGORY, make_torrents, write_payload
from lab.tracked import name_tracker, plan_tracker
from lab.tracker import LabTracker
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.errors import WorldError

_MMDB_NAME = "geography.mmdb"
_ASN_MMDB_NAME = "networks.mmdb"
_PAYLOAD_NAME = "payload"
_CANARIES_NAME = "canaries.txt"
_CANARIES_PER_KEY = 3
# In the first city, where no client of a world is.
_HIDDEN_ADDRESS = IPv4Address("127.0.200.1")
_SYNTHETIC_SEEDER_SHARE = 0.4  # how the site splits the synthetic peers
# A client's lookup may end a holder or two short of the eight; all that are found hold the peer.
_NEEDED_HOLDERS = K - 2
_ANNOUNCE_ROUNDS, _ROUND_S = 10, 3.0


class World:
    """A lab in `root`. Use it as a context manager, or `start()` and `stop()` it.

    The same seed (with the same sizes) gives the same torrents, synthetic peers, nodes and cities;
    ports differ from run to run. `nodes` are live nodes of the DHT, `sessions` real clients.
    Data that others keep in `root` is not touched.
    """

    def __init__(
        self,
        root: Path,
        *,
        seed: int,
        nodes: int = 2000,
        sessions: int = 24,
        challenge: bool = True,
        torrents_per_category: int = PER_CATEGORY,
    ) -> None:
        self._root = root
        self._seed = seed
        self._sessions = sessions
        self._nodes = nodes
        self._challenge = challenge
        self._per_category = torrents_per_category
        self._running: ExitStack | None = None
        self._facts: WorldFacts | None = None
        self._dht: SimulatedDht | None = None
        self._clients: RealClients | None = None

    @property
    def facts(self) -> WorldFacts:
        """What is in the world; it must have been started."""
        if self._facts is None:
            raise WorldError("the lab is not running")
        return self._facts

    @property
    def dht(self) -> SimulatedDht:
        """The world's DHT, for its counters and for what stands in it."""
        if self._dht is None:
            raise WorldError("the lab is not running")
        return self._dht

    @property
    def clients(self) -> RealClients:
        """The world's real clients."""
        if self._clients is None:
            raise WorldError("the lab is not running")
        return self._clients

    def start(self) -> None:
        """Build the world; returns when every real client is announced and the site answers.

        Raises:
            WorldError: a world already runs in this folder, or this one cannot be built here.
        """
        with ExitStack() as stack:
            try:
                self._facts = self._build(stack)
            except OSError as error:
                raise WorldError(f"the lab cannot be built in {self._root}: {error}") from error
            self._running = stack.pop_all()

    def stop(self) -> None:
        """End everything and remove payload and world.json; harmless when it is not running."""
        running, self._running = self._running, None
        self._facts = self._dht = self._clients = None
        if running is not None:
            running.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _build(self, stack: ExitStack) -> WorldFacts:
        root, seed = self._root.resolve(), self._seed
        root.mkdir(parents=True, exist_ok=True)
        stack.enter_context(only_world_in(root))
        (root / FILE_NAME).unlink(missing_ok=True)
        payload = stack.enter_context(scratch_folder(root / _PAYLOAD_NAME))
        tracker = stack.enter_context(LabTracker())
        torrents = name_tracker(
            make_torrents(seed=seed, per_category=self._per_category), tracker.udp_url
        )
        addresses = choose_addresses(seed=seed, sessions=self._sessions)
        plans = plan_swarms(torrents, addresses, seed=seed)
        for number, torrent in enumerate(torrents):
            write_payload(torrent, payload / "whole" / str(number))
        # Fresh: libtorrent would wait 15 s for each dead contact, and the start with it.
        dht = self._dht = SimulatedDht(seed=seed, nodes=self._nodes, is_fresh=True)
        stack.enter_context(dht)
        dht.plant(_synthetic_announcements(plans))
        tracked = plan_tracker(plans, addresses, seed=seed)
        for plan, peers in zip(plans, tracked, strict=True):
            for key in plan.torrent.dht_keys if peers else ():
                tracker.book.plant(key.digest, leechers=peers)
        presences = self._open_clients(stack, addresses, plans, dht, payload)
        hidden = _open_hidden(stack, plans, presences, payload / "whole")
        dht.age()
        site = IndexerSite([_listing(plan) for plan in plans], challenge=self._challenge)
        site.start()
        stack.callback(site.stop)
        write_mmdb(root / _MMDB_NAME)
        write_asn_mmdb(root / _ASN_MMDB_NAME)
        facts = WorldFacts(
            seed=seed,
            pid=os.getpid(),
            bootstrap=dht.bootstrap,
            root_url=site.url,
            tracker=tracker.udp_url,
            geoip_city=root / _MMDB_NAME,
            geoip_asn=root / _ASN_MMDB_NAME,
            nodes=self._nodes,
            sessions=self._sessions,
            torrents=_swarm_facts(plans, presences, tracked, hidden),
        )
        _write_canaries(plans, root / _CANARIES_NAME)
        write_config(facts, root / "config.txt")
        dump(facts, root / FILE_NAME)
        stack.callback((root / FILE_NAME).unlink, missing_ok=True)
        return facts

    def _open_clients(
        self,
        stack: ExitStack,
        addresses: Sequence[IPv4Address],
        plans: Sequence[SwarmPlan],
        dht: SimulatedDht,
        payload: Path,
    ) -> tuple[Presence, ...]:
        clients = self._clients = RealClients(
            addresses,
            plans,
            bootstrap=dht.bootstrap,
            payload=payload / "whole",
            downloads=payload / "fetched",
        )
        stack.callback(clients.stop)
        clients.start()
        for turn in clients.turns():
            _announce(turn, clients, plans, dht)
        return clients.presences


def _open_hidden(
    stack: ExitStack, plans: Sequence[SwarmPlan], presences: Sequence[Presence], payload: Path
) -> dict[int, Endpoint]:
    """A client that nobody announces, in the first swarm; by swarm, its endpoint."""
    number = 0
    hidden = HiddenClient(_HIDDEN_ADDRESS, plans[number].torrent, payload / str(number))
    stack.callback(hidden.stop)
    hidden.connect(next(p.endpoint for p in presences if p.swarm == number))
    return {number: hidden.endpoint}


def _announce(
    turn: Sequence[Presence],
    clients: RealClients,
    plans: Sequence[SwarmPlan],
    dht: SimulatedDht,
) -> None:
    """Announce, and wait until each peer stands at the holders of every key of its swarm."""
    missing: frozenset[Announcement] = frozenset(
        (key.digest, endpoint_to_compact(presence.endpoint))
        for presence in turn
        for key in plans[presence.swarm].torrent.dht_keys
    )
    for _ in range(_ANNOUNCE_ROUNDS):
        clients.announce(turn)
        missing = dht.wait_for(missing, holders=_NEEDED_HOLDERS, deadline_s=_ROUND_S)
        if not missing:
            return
    raise WorldError(
        f"{len(missing)} announcements of the lab's clients did not reach its DHT within "
        f"{_ANNOUNCE_ROUNDS * _ROUND_S:g} s; is a firewall in the way of UDP on 127.0.0.0/8?"
    )


def _synthetic_announcements(plans: Sequence[SwarmPlan]) -> dict[bytes, list[bytes]]:
    return {
        key.digest: [endpoint_to_compact(peer) for peer in peers]
        for plan in plans
        for key, peers in plan.synthetic.items()
    }


def _write_canaries(plans: Sequence[SwarmPlan], path: Path) -> None:
    """Name some planted peers of each key, so that every run here measures what share it finds."""
    lines = [
        f"{key.hex} {peer}\n"
        for plan in plans
        for key, peers in plan.synthetic.items()
        for peer in peers[:_CANARIES_PER_KEY]
    ]
    head = "# Written by the lab each time it starts: peers that are planted in its DHT.\n"
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(head + "".join(lines), encoding="ascii")
    fresh.replace(path)


def _listing(plan: SwarmPlan) -> Listing:
    torrent = plan.torrent
    synthetic = len(plan.synthetic_peers)
    synthetic_seeders = round(synthetic * _SYNTHETIC_SEEDER_SHARE)
    return Listing(
        title=torrent.title,
        category=torrent.category,
        subcategory=torrent.subcategory,
        language=torrent.language,
        size_bytes=torrent.size_bytes,
        seeders=synthetic_seeders + len(plan.seeders),
        leechers=synthetic - synthetic_seeders + len(plan.leechers),
        uploaded_on=torrent.uploaded_on,
        torrent=torrent.raw,
        infohash=torrent.infohash,
        description=(
            f"{torrent.title}: {len(torrent.files)} files. From the lab: the name is of a work "
            "that may be shared freely, the content is not that work."
        ),
    )


def _swarm_facts(
    plans: Sequence[SwarmPlan],
    presences: Sequence[Presence],
    tracked: Sequence[Sequence[Endpoint]],
    hidden: Mapping[int, Endpoint],
) -> tuple[SwarmFacts, ...]:
    facts = []
    for number, plan in enumerate(plans):
        real = [presence.endpoint for presence in presences if presence.swarm == number]
        peers = sorted([*plan.synthetic_peers, *real], key=_order)
        facts.append(
            SwarmFacts(
                infohash=plan.torrent.infohash,
                dht_keys=plan.torrent.dht_keys,
                name=plan.torrent.name,
                category=plan.torrent.category,
                size_bytes=plan.torrent.size_bytes,
                peers=tuple(peers),
                real_peers=tuple(sorted(real, key=_order)),
                countries=count_countries(peers),
                tracker_peers=tuple(sorted(tracked[number], key=_order)),
                hidden_peers=(hidden[number],) if number in hidden else (),
            )
        )
    return tuple(facts)


def _order(peer: Endpoint) -> tuple[bytes, int]:
    return peer.address.packed, peer.port
