"""lab.tracked: the tracker of a world knows what it should, and changes no torrent."""

from __future__ import annotations

from lab.swarms import choose_addresses, plan_swarms
from lab.torrents import make_torrents
from lab.tracked import name_tracker, plan_tracker
from swarm.metainfo import parse_torrent

URL = "udp://127.0.0.1:6969/announce"
TORRENTS = make_torrents(seed=3, per_category=3)
CLIENTS = choose_addresses(seed=3, sessions=8)
PLANS = plan_swarms(TORRENTS, CLIENTS, seed=3)


def test_every_second_torrent_names_the_tracker_and_none_is_another() -> None:
    """The address of the tracker is no part of what a torrent is: infohashes stay."""
    named = [parse_torrent(torrent.raw) for torrent in name_tracker(TORRENTS, URL)]
    assert [torrent.infohash for torrent in named] == [torrent.infohash for torrent in TORRENTS]
    assert {torrent.trackers for torrent in named[::2]} == {(URL,)}
    assert {torrent.trackers for torrent in named[1::2]} == {()}


def test_the_tracker_knows_some_of_the_dht_and_some_of_its_own() -> None:
    """Each swarm that it knows has peers in both, in the DHT alone, and with the tracker alone."""
    listed = plan_tracker(PLANS, CLIENTS, seed=3)
    assert listed == plan_tracker(PLANS, CLIENTS, seed=3)
    assert [bool(peers) for peers in listed] == [i % 2 == 0 for i in range(len(PLANS))]
    alone = []
    for plan, peers in zip(PLANS, listed, strict=True):
        synthetic = set(plan.synthetic_peers)
        assert len(set(peers)) == len(peers)
        if peers:
            assert synthetic & set(peers)
            assert synthetic - set(peers)
            alone += list(set(peers) - synthetic)
    elsewhere = {peer.address for plan in PLANS for peer in plan.synthetic_peers} | set(CLIENTS)
    assert len({peer.address for peer in alone}) == len(alone)
    assert not elsewhere & {peer.address for peer in alone}
