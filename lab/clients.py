"""The lab's real clients: libtorrent sessions, each on its own address of 127.0.0.0/8.

They find each other through the simulated DHT, as clients do, and share the lab's torrents. After
that they idle, and announce again every 15 minutes. Nothing of theirs leaves loopback: they listen
and connect on their own 127.x.y.z only, with local discovery and port mapping off.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import libtorrent

from lab.swarms import SwarmPlan
from swarm.endpoint import Endpoint
from swarm.errors import WorldError

_BOOTSTRAP_DEADLINE_S = 30.0
_SAMPLE_PIECES = 2  # of a sparse torrent a leecher fetches so many pieces


def client_settings(address: IPv4Address, bootstrap: str) -> libtorrent.settings_pack:
    """libtorrent's settings for one client of the lab."""
    return {
        "user_agent": "swarm-atlas-lab",
        "listen_interfaces": f"{address}:0",
        "outgoing_interfaces": str(address),
        "enable_dht": True,
        "dht_bootstrap_nodes": bootstrap,
        # libtorrent refuses loopback nodes and crowded networks unless told otherwise.
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_ignore_dark_internet": False,
        "dht_enforce_node_id": False,
        "dht_upload_rate_limit": 1_000_000,  # the default 8,000 bytes/s delays announcements
        "allow_multiple_connections_per_ip": True,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        # Behind synthetic peers nobody listens: TCP says so at once, uTP waits for a timeout.
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "connection_speed": 200,
        "max_failcount": 1,
        # Two that have all stay connected, or nobody would know of a hidden one.
        "close_redundant_connections": False,
        # What keeps two dozen sessions small on two cores.
        "aio_threads": 1,
        "hashing_threads": 1,
        "file_pool_size": 4,
        # Few sessions share all swarms, a connection each; at the limit nobody else gets in.
        "connections_limit": 200,
        "max_peerlist_size": 300,
        "alert_mask": libtorrent.alert_category.dht,
    }


@dataclass(frozen=True, slots=True)
class Presence:
    """One real client in one swarm."""

    client: int
    swarm: int
    endpoint: Endpoint
    is_seeder: bool


class RealClients:
    """Running libtorrent sessions that share a world's torrents.

    `payload` holds one folder per swarm with the whole content, which seeders only read;
    `downloads` takes what leechers fetch.
    """

    def __init__(
        self,
        addresses: Sequence[IPv4Address],
        plans: Sequence[SwarmPlan],
        *,
        bootstrap: str,
        payload: Path,
        downloads: Path,
    ) -> None:
        self._addresses = addresses
        self._plans = plans
        self._bootstrap = bootstrap
        self._payload = payload
        self._downloads = downloads
        self._sessions: list[libtorrent.session] = []
        self._handles: list[libtorrent.torrent_handle] = []
        self.presences: tuple[Presence, ...] = ()

    def start(self) -> None:
        """Open all sessions and add their torrents; the caller announces them, turn by turn.

        Raises:
            WorldError: a session cannot listen on its address, or does not reach the DHT.
        """
        for address in self._addresses:
            settings = client_settings(address, self._bootstrap)
            # The tracker ends with its world: nobody is left who would wait for a goodbye, and
            # libtorrent would wait 5 s for its answer.
            settings["stop_tracker_timeout"] = 0
            self._sessions.append(libtorrent.session(settings))
        endpoints = [
            Endpoint(address, _listen_port(session, address))
            for address, session in zip(self._addresses, self._sessions, strict=True)
        ]
        presences = []
        for number, plan in enumerate(self._plans):
            for client in (*plan.seeders, *plan.leechers):
                self._add(client, number, plan)
                is_seeder = client in plan.seeders
                presences.append(Presence(client, number, endpoints[client], is_seeder))
        self.presences = tuple(presences)
        # What is announced before a session knows a node is lost without a word.
        for session in self._sessions:
            if not await_bootstrap(session, _BOOTSTRAP_DEADLINE_S):
                raise WorldError("a client of the lab gets no answer from the lab's DHT")
            session.apply_settings({"alert_mask": 0})

    def turns(self) -> Iterator[tuple[Presence, ...]]:
        """All presences in the order in which to announce them, each client once in a turn.

        Seeders come first: who looks up a swarm before anyone is announced finds nobody, and
        looks again only after 15 minutes. One at a time, since the answers to a dozen lookups at
        once overflow a socket, and a lost answer costs libtorrent 15 s.
        """
        for seeders in (True, False):
            waiting = [presence for presence in self.presences if presence.is_seeder is seeders]
            while waiting:
                turn = {presence.client: presence for presence in reversed(waiting)}
                yield tuple(turn.values())
                waiting = [p for p in waiting if turn[p.client] != p]

    def announce(self, presences: Iterable[Presence]) -> None:
        """Announce to the DHT now; libtorrent itself would take its time."""
        wanted = set(presences)
        for presence, handle in zip(self.presences, self._handles, strict=True):
            if presence in wanted:
                handle.force_dht_announce()

    def stop(self) -> None:
        """Close all sessions at once; harmless when none runs."""
        self._handles.clear()
        for session in self._sessions:
            session.pause()
        self._sessions.clear()

    def finished(self) -> Iterator[tuple[Presence, bool]]:
        """Each presence, and whether the client has all that it wants of the torrent."""
        for presence, handle in zip(self.presences, self._handles, strict=True):
            yield presence, bool(handle.status().is_finished)

    def _add(self, client: int, number: int, plan: SwarmPlan) -> None:
        params = libtorrent.load_torrent_buffer(plan.torrent.raw)
        if params.ti is None:
            raise WorldError(f"libtorrent finds no metainfo in {plan.torrent.name!r}")
        params.flags &= ~libtorrent.torrent_flags.auto_managed  # else only a few run at a time
        params.flags &= ~libtorrent.torrent_flags.paused
        if client in plan.seeders:
            params.save_path = str(self._payload / str(number))
            params.flags |= libtorrent.torrent_flags.seed_mode
        else:
            folder = self._downloads / str(client) / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            params.save_path = str(folder)
            if plan.torrent.is_sparse:
                params.piece_priorities = _first_pieces_only(params.ti.num_pieces())
        self._handles.append(self._sessions[client].add_torrent(params))


def await_bootstrap(session: libtorrent.session, deadline_s: float) -> bool:
    """Wait until a session has found its place in the DHT; False at the deadline.

    The session must report `alert_category.dht`.
    """
    end = time.monotonic() + deadline_s
    while (left_s := end - time.monotonic()) > 0:
        session.wait_for_alert(int(left_s * 1000) + 1)
        if any(isinstance(a, libtorrent.dht_bootstrap_alert) for a in session.pop_alerts()):
            return True
    return False


def _first_pieces_only(count: int) -> list[int]:
    wanted = min(count, _SAMPLE_PIECES)
    return [4] * wanted + [0] * (count - wanted)


def _listen_port(session: libtorrent.session, address: IPv4Address) -> int:
    port = int(session.listen_port())
    if port == 0:
        raise WorldError(f"a client of the lab cannot listen on {address}")
    return port
