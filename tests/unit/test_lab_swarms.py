"""Who is in the lab's swarms, and the facts that a world tells about itself."""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.clients import client_settings
from lab.facts import SwarmFacts, WorldFacts, count_countries, dump, load
from lab.geography import city_of, country_of
from lab.metainfo import MetainfoVersion
from lab.swarms import SwarmPlan, choose_addresses, plan_swarms
from lab.torrents import make_torrents
from swarm.endpoint import Endpoint
from swarm.errors import WorldError
from swarm.infohash import InfoHash

SESSIONS = 24


def plans(seed: int = 7, sessions: int = SESSIONS) -> tuple[SwarmPlan, ...]:
    clients = choose_addresses(seed=seed, sessions=sessions)
    return plan_swarms(make_torrents(seed=seed), clients, seed=seed)


@pytest.mark.parametrize("sessions", [4, SESSIONS])
def test_every_client_has_room_for_all_of_its_swarms(sessions: int) -> None:
    """A client may connect to everybody in each of its swarms, and the hidden one comes on top."""
    wanted: Counter[int] = Counter()
    for plan in plans(sessions=sessions):
        members = {*plan.seeders, *plan.leechers}
        for client in members:
            wanted[client] += len(members)  # the others, and the hidden one
    room = client_settings(IPv4Address("127.0.0.1"), "127.0.0.1:9")["connections_limit"]
    assert max(wanted.values()) <= room


def test_real_clients_live_in_different_cities() -> None:
    """Each has a city of its own, and none is in the network of the machine's own programs."""
    clients = choose_addresses(seed=7, sessions=SESSIONS)
    homes = [city_of(address) for address in clients]
    assert None not in homes
    assert len(set(homes)) == SESSIONS
    assert all(address.packed[1] != 0 for address in clients)


@pytest.mark.parametrize("sessions", [4, 24])
def test_every_swarm_has_real_seeders_and_leechers(sessions: int) -> None:
    """At least one of each, nobody both, and every client takes part somewhere."""
    busy: set[int] = set()
    for plan in plans(sessions=sessions):
        assert plan.seeders
        assert plan.leechers
        assert len({*plan.seeders, *plan.leechers}) == len(plan.seeders) + len(plan.leechers)
        busy |= {*plan.seeders, *plan.leechers}
    assert busy == set(range(sessions))


def test_synthetic_peers_are_distinct_and_never_real() -> None:
    """No endpoint is in two swarms; no synthetic one has a client's or the machine's address."""
    clients = set(choose_addresses(seed=7, sessions=SESSIONS))
    peers = [peer for plan in plans() for peer in plan.synthetic_peers]
    assert len(set(peers)) == len(peers)
    assert not clients & {peer.address for peer in peers}
    assert all(peer.address.packed[0] == 127 and peer.address.packed[1] != 0 for peer in peers)
    assert not any(32768 <= peer.port < 61000 for peer in peers)


def test_swarm_sizes_follow_a_power_law() -> None:
    """5 to 200 synthetic peers; most swarms are small, and one passes 100."""
    sizes = sorted(len(plan.synthetic_peers) for plan in plans())
    assert 5 <= sizes[0] <= sizes[-1] <= 200
    assert sizes[len(sizes) // 2] < 30
    assert sizes[-1] > 100


def test_some_peers_are_in_no_country() -> None:
    """Of all synthetic peers a few are where the database knows nothing."""
    countries = [country_of(p.address) for plan in plans() for p in plan.synthetic_peers]
    assert 0 < countries.count("ZZ") < len(countries) / 10
    assert len(set(countries)) > 40


def test_a_hybrids_two_keys_differ_in_peers() -> None:
    """Of a hybrid's peers neither key knows all: both have to be asked."""
    hybrids = [p for p in plans() if p.torrent.version is MetainfoVersion.HYBRID]
    assert hybrids
    assert any(
        set(plan.synthetic[plan.torrent.dht_keys[0]]) < set(plan.synthetic_peers)
        for plan in hybrids
    )
    for plan in plans():
        assert set(plan.synthetic) == set(plan.torrent.dht_keys)


def test_same_seed_same_swarms() -> None:
    """Everything but ports of real clients depends on the seed alone."""
    assert plans(seed=7) == plans(seed=7)
    assert plans(seed=7) != plans(seed=8)


@pytest.mark.parametrize("sessions", [3, 250])
def test_impossible_numbers_of_clients_are_refused(sessions: int) -> None:
    """Too few to have leechers, or more than cities: one sentence."""
    with pytest.raises(WorldError):
        choose_addresses(seed=1, sessions=sessions)


def some_facts() -> WorldFacts:
    peers = tuple(Endpoint(IPv4Address(f"127.{n}.0.9"), 7000 + n) for n in (1, 2, 60, 251))
    return WorldFacts(
        seed=7,
        pid=42,
        bootstrap="127.0.0.1:7000",
        root_url="http://127.0.0.1:8000",
        tracker="udp://127.0.0.1:6969/announce",
        geoip_city=Path("geography.mmdb"),
        geoip_asn=Path("networks.mmdb"),
        nodes=2000,
        sessions=24,
        torrents=(
            SwarmFacts(
                infohash=InfoHash(bytes(20)),
                dht_keys=(InfoHash(bytes(20)), InfoHash(b"\1" * 20)),
                name="Kumo to Chūrippu",
                category="Anime",
                size_bytes=5,
                peers=peers,
                real_peers=peers[:1],
                countries=count_countries(peers),
                tracker_peers=peers[1:3],
                hidden_peers=(Endpoint(IPv4Address("127.0.200.1"), 7777),),
            ),
        ),
    )


def test_facts_read_back(tmp_path: Path) -> None:
    """What is written is what is read, and nothing lies beside it."""
    dump(some_facts(), tmp_path / "world.json")
    assert load(tmp_path / "world.json") == some_facts()
    assert [path.name for path in tmp_path.iterdir()] == ["world.json"]


def test_countries_are_counted_unknown_too() -> None:
    """One count per country; ZZ holds whom the database does not know."""
    counted = some_facts().torrents[0].countries
    assert sum(counted.values()) == 4
    assert counted["US"] == 2
    assert counted["ZZ"] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seed": "x"}', '{"seed": 1, "pid": 2}'])
def test_broken_facts_are_named(tmp_path: Path, text: str) -> None:
    """A file that is no description of a lab is an error that names it."""
    path = tmp_path / "world.json"
    path.write_text(text)
    with pytest.raises(WorldError, match=r"world\.json"):
        load(path)


def test_absent_facts_say_that_no_world_runs(tmp_path: Path) -> None:
    """Without the file there is no world."""
    with pytest.raises(WorldError, match="no world runs"):
        load(tmp_path / "world.json")
