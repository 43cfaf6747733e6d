"""A real client that nobody announces: it is in a swarm, and only those connected to it know.

It uses neither DHT nor tracker, so who looks for it finds it by peer exchange (BEP 11) alone.
"""

from __future__ import annotations

import time
from ipaddress import IPv4Address
from pathlib import Path

import libtorrent

from lab.clients import client_settings
from lab.torrents import LabTorrent
from swarm.endpoint import Endpoint
from swarm.errors import WorldError

_CONNECT_DEADLINE_S = 30.0
_POLL_MS = 50


class HiddenClient:
    """A seeder of one torrent, connected to a client of the world from the start."""

    def __init__(self, address: IPv4Address, torrent: LabTorrent, payload: Path) -> None:
        """Open it; `payload` holds the torrent's whole content."""
        settings = client_settings(address, "") | {"enable_dht": False}
        self._session = libtorrent.session(settings)
        params = libtorrent.load_torrent_buffer(torrent.raw)
        params.trackers = []
        params.save_path = str(payload)
        params.flags &= ~libtorrent.torrent_flags.auto_managed
        params.flags &= ~libtorrent.torrent_flags.paused
        params.flags |= libtorrent.torrent_flags.seed_mode
        self._handle = self._session.add_torrent(params)
        port = int(self._session.listen_port())
        if port == 0:
            raise WorldError(f"a client of the lab cannot listen on {address}")
        self.endpoint = Endpoint(address, port)

    def connect(self, peer: Endpoint) -> None:
        """Connect, and wait until both have shaken hands.

        Raises:
            WorldError: they did not, in time.
        """
        where = (str(peer.address), peer.port)
        unready = libtorrent.peer_info.handshake | libtorrent.peer_info.connecting
        self._handle.connect_peer(where)
        end = time.monotonic() + _CONNECT_DEADLINE_S
        while time.monotonic() < end:
            for info in self._handle.get_peer_info():
                if tuple(info.ip) == where and not info.flags & unready:
                    return
            self._session.wait_for_alert(_POLL_MS)
            self._session.pop_alerts()
        raise WorldError(f"the lab's hidden client cannot connect to {peer}")

    def stop(self) -> None:
        """Leave."""
        self._session.pause()
