"""A whole world: real clients announced and sharing, facts that hold, a clean end."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.request import urlopen

import libtorrent
import pytest

from crawler import krpc
from lab.clients import await_bootstrap, client_settings
from lab.dht import DEFAULT_DEAD_SHARE
from lab.facts import FILE_NAME, SwarmFacts, load
from lab.geography import city_of, country_of
from lab.holdings import MAX_VALUES
from lab.nodes import Population
from lab.torrents import make_torrents
from lab.world import World
from swarm.endpoint import Endpoint, compact_to_endpoint, endpoint_to_compact
from swarm.errors import WorldError
from swarm.settings import read_settings

SEED = 7
SIZE = {"nodes": 600, "sessions": 8, "torrents_per_category": 3}
DEADLINE_S = 60.0
REPEATS = 12  # how often a node with more than 100 peers is asked


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), seed=SEED, **SIZE) as running:
        yield running


@pytest.fixture(scope="module")
def outsider(world: World) -> Iterator[libtorrent.session]:
    """A real client that is no part of the world, as a user's own would be."""
    host, _, _ = world.facts.bootstrap.partition(":")
    settings = client_settings(host, world.facts.bootstrap)
    settings["alert_mask"] = (
        libtorrent.alert_category.status
        | libtorrent.alert_category.storage
        | libtorrent.alert_category.dht
        | libtorrent.alert_category.dht_operation
        | libtorrent.alert_category.error
    )
    session = libtorrent.session(settings)
    assert await_bootstrap(session, DEADLINE_S)
    yield session
    session.pause()


def small_torrent(world: World) -> SwarmFacts:
    """The smallest torrent, which is shared whole."""
    return min(world.facts.torrents, key=lambda torrent: torrent.size_bytes)


def alerts(session: libtorrent.session, deadline_s: float) -> Iterator[libtorrent.alert]:
    """All that a session reports, until the deadline."""
    end = time.monotonic() + deadline_s
    while (left := end - time.monotonic()) > 0:
        session.wait_for_alert(int(left * 1000))
        yield from session.pop_alerts()


def test_a_real_client_finds_the_peers_of_a_swarm(
    world: World, outsider: libtorrent.session
) -> None:
    """libtorrent, bootstrapped into the world's DHT, finds every peer that the facts name."""
    torrent = small_torrent(world)
    key = torrent.dht_keys[0]
    expected = {(str(p.address), p.port) for p in torrent.real_peers}
    outsider.dht_get_peers(libtorrent.sha1_hash(key.digest))
    found: set[tuple[str, int]] = set()
    for alert in alerts(outsider, DEADLINE_S):
        if isinstance(alert, libtorrent.dht_get_peers_reply_alert):
            found |= set(alert.peers())
            if expected <= found:
                break
    assert expected <= found
    assert found <= {(str(p.address), p.port) for p in torrent.peers}


def test_the_worlds_own_leechers_get_what_they_want(world: World) -> None:
    """Seeders and leechers of the world find each other, without any help."""
    end = time.monotonic() + DEADLINE_S
    waiting = [presence for presence, done in world.clients.finished() if not done]
    while waiting and time.monotonic() < end:
        select.select([], [], [], 0.05)  # the sessions keep their alerts to themselves
        waiting = [presence for presence, done in world.clients.finished() if not done]
    assert waiting == []


def test_real_peers_stand_in_the_dht(world: World) -> None:
    """Every real client stands at six or more holders of every key of its torrents."""
    for torrent in world.facts.torrents:
        assert torrent.real_peers
        for key in torrent.dht_keys:
            holders = world.dht.holders(key.digest)
            for peer in torrent.real_peers:
                assert holders[endpoint_to_compact(peer)] >= 6


def test_a_plain_lookup_finds_exactly_the_facts(world: World) -> None:
    """Asking the closest nodes, and nothing else, brings all peers of every swarm and no other."""
    port = world.dht.port
    nodes = Population(seed=SEED, live=SIZE["nodes"], dead_share=DEFAULT_DEAD_SHARE, port=port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(DEADLINE_S)
        for torrent in world.facts.torrents:
            found: set[Endpoint] = set()
            for key in torrent.dht_keys:
                found |= look_up(sock, nodes, port, key.digest)
            assert found == set(torrent.peers)


def look_up(sock: socket.socket, nodes: Population, port: int, key: bytes) -> set[Endpoint]:
    """Ask the closest contacts until none is closer; the dead ones are known and not waited for."""
    peers: set[bytes] = set()
    known = {bytes(20): ("127.0.0.1", port)}
    asked: set[bytes] = set()
    while todo := [node_id for node_id in closest(known, key) if node_id not in asked]:
        asked.add(todo[0])
        for _ in range(REPEATS):
            sock.sendto(krpc.encode_get_peers(b"gp", bytes(20), key), known[todo[0]])
            reply = krpc.decode(sock.recv(4096))
            assert isinstance(reply, krpc.Reply)
            peers |= set(reply.values)
            if len(reply.values) < MAX_VALUES:
                break
        known.pop(bytes(20), None)
        for i in range(0, len(reply.nodes), 26):
            contact = reply.nodes[i : i + 26]
            if nodes.node_at(int.from_bytes(contact[20:24])) is not None:
                known[contact[:20]] = (socket.inet_ntoa(contact[20:24]), port)
    return {compact_to_endpoint(peer) for peer in peers}


def closest(known: Iterable[bytes], key: bytes) -> list[bytes]:
    return sorted(known, key=lambda node_id: int.from_bytes(node_id) ^ int.from_bytes(key))[:8]


def test_facts_are_consistent(world: World) -> None:
    """Countries add up to peers, real peers are peers, each in a city of its own."""
    facts = world.facts
    assert len(facts.torrents) == 24
    for torrent in facts.torrents:
        assert sum(torrent.countries.values()) == len(torrent.peers) == len(set(torrent.peers))
        assert set(torrent.real_peers) < set(torrent.peers)
        for code, count in torrent.countries.items():
            assert count == sum(country_of(peer.address) == code for peer in torrent.peers)
    real = {peer for torrent in facts.torrents for peer in torrent.real_peers}
    assert len(real) == len({city_of(peer.address) for peer in real}) == SIZE["sessions"]


def test_config_is_what_settings_read(world: World) -> None:
    """config.txt passes the project's own reader and points at this world."""
    facts = world.facts
    text = (facts.geoip_city.parent / "config.txt").read_text(encoding="utf-8")
    settings = read_settings(text, file="config.txt", environment={})
    assert settings.root_url == facts.root_url
    assert settings.dht_bootstrap == (facts.bootstrap,)
    assert settings.geoip_city == facts.geoip_city
    assert settings.geoip_asn == facts.geoip_asn
    assert settings.allow_local_peers
    assert settings.max_packets_per_s == 0
    assert settings.wait == 0


def test_facts_on_disk_are_those_in_memory(world: World) -> None:
    """world.json tells another process the same."""
    facts = world.facts
    assert load(facts.geoip_city.parent / FILE_NAME) == facts
    assert facts.pid == os.getpid()


def test_a_folder_has_one_world(world: World) -> None:
    """A second world in the same folder is refused, and the first one stays whole."""
    root = world.facts.geoip_city.parent
    with pytest.raises(WorldError, match="already runs"):
        World(root, seed=1, **SIZE).start()
    assert load(root / FILE_NAME) == world.facts


def test_same_seed_same_world_beside_it(world: World, tmp_path: Path) -> None:
    """Two labs run at once; torrents, synthetic peers and cities are the same, ports are not."""
    with World(tmp_path, seed=SEED, challenge=False, **SIZE) as twin:
        assert twin.facts.bootstrap != world.facts.bootstrap
        assert twin.facts.root_url != world.facts.root_url
        for mine, other in zip(world.facts.torrents, twin.facts.torrents, strict=True):
            assert mine.infohash == other.infohash
            assert mine.countries == other.countries
            assert set(mine.peers) - set(mine.real_peers) == (
                set(other.peers) - set(other.real_peers)
            )
            assert [p.address for p in mine.real_peers] == [p.address for p in other.real_peers]
        with urlopen(twin.facts.root_url, timeout=DEADLINE_S) as answer:
            assert answer.status == 200


def test_an_end_leaves_other_peoples_data(tmp_path: Path) -> None:
    """After stop() the payload and world.json are gone; what others keep in the folder is not."""
    kept = tmp_path / "runs" / "catalogue.sqlite"
    kept.parent.mkdir()
    kept.write_text("kept")
    world = World(tmp_path, seed=2, **SIZE)
    world.start()
    world.stop()
    world.stop()
    assert kept.read_text() == "kept"
    assert not (tmp_path / FILE_NAME).exists()
    assert not (tmp_path / "payload").exists()
    with pytest.raises(WorldError, match="not running"):
        world.facts  # noqa: B018


def test_a_killed_world_leaves_nothing_running_and_is_swept(tmp_path: Path) -> None:
    """After kill -9 no process lives on, and the next start removes what lies about."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from lab.world import World\n"
        "if __name__ == '__main__':\n"
        f"    world = World(Path({str(tmp_path)!r}), seed=3, **{SIZE!r})\n"
        "    world.start()\n"
        "    print(world.dht.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as parent:
        assert parent.stdout is not None
        nodes = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    assert select.select([nodes], [], [], DEADLINE_S)[0], "the nodes live on"
    os.close(nodes)
    (tmp_path / "payload" / "stale").touch()
    with World(tmp_path, seed=3, **SIZE) as again:
        assert again.facts.pid == os.getpid()
        assert not (tmp_path / "payload" / "stale").exists()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Where the world cannot write, start() says where and why."""
    (tmp_path / "file").touch()
    with pytest.raises(WorldError, match="cannot be built"):
        World(tmp_path / "file" / "lab", seed=1, **SIZE).start()


def test_a_real_client_downloads_from_the_worlds_seeders(
    world: World, outsider: libtorrent.session, tmp_path: Path
) -> None:
    """A newcomer finds the swarm by the DHT alone and gets the content, byte for byte.

    The last upon this world: the newcomer announces itself, so the facts are not whole any more.
    """
    torrent = small_torrent(world)
    original = next(
        t for t in make_torrents(seed=SEED, per_category=3) if t.infohash == torrent.infohash
    )
    params = libtorrent.load_torrent_buffer(original.raw)
    params.save_path = str(tmp_path)
    handle = outsider.add_torrent(params)
    handle.force_dht_announce()
    for alert in alerts(outsider, DEADLINE_S):
        if isinstance(alert, libtorrent.torrent_finished_alert):
            break
    assert handle.status().is_seeding
    handle.flush_cache()
    for alert in alerts(outsider, DEADLINE_S):
        if isinstance(alert, libtorrent.cache_flushed_alert):
            break
    outsider.remove_torrent(handle)
    is_single = original.files[0].path == (original.name,)
    base = tmp_path if is_single else tmp_path / original.name
    for file in original.files:
        assert base.joinpath(*file.path).read_bytes() == file.content
