"""crawler.optout: reading the list; the crawl never asks who is on it."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from crawler.addresses import BogonFilter
from crawler.census import CensusPlan, take_census
from crawler.optout import read_optout
from observatory.configuration import load_optout
from storage.workspace import Workspace
from swarm.errors import DhtUnreachable, SettingsError
from swarm.infohash import InfoHash
from tests.unit.test_crawler_engine import Network, make_engine, make_swarms, run


def test_reads_networks_addresses_and_comments() -> None:
    """One CIDR or address a line, of either family; comments and empty lines are nothing."""
    text = "# asked on 2026-11-02\n192.0.2.0/24  # a university\n\n198.51.100.7\n2001:db8::/32\n"
    expected = ("192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32")
    assert read_optout(text, file="optout.txt") == tuple(map(ip_network, expected))


@pytest.mark.parametrize("line", ["192.0.2.0/33", "example.org", "1.2.3"])
def test_errors_name_the_line(line: str) -> None:
    """What is no network is an error with file and line, not a network less."""
    with pytest.raises(SettingsError, match=r"optout\.txt, line 2"):
        read_optout(f"# first\n{line}\n", file="optout.txt")


def test_networks_on_the_list_are_never_contacted() -> None:
    """Half of the address space opted out: not one packet goes there, peers there still count."""
    network = Network(live=600, dead_share=0.0)
    swarms = make_swarms(network, [10] * 30)
    half = ip_network("127.128.0.0/9")
    engine = make_engine(list(swarms), shunned=BogonFilter(allow_local=True, shunned=[half]))
    run(engine, network)
    second = [int(host.split(".")[1]) for _, _, (host, _) in network.sent]
    assert second
    assert max(second) < 128
    assert len(engine.finished()) == len(swarms)


def test_a_bootstrap_node_on_the_list_is_not_asked() -> None:
    """Where every bootstrap node opted out the census ends with a sentence, before any packet."""
    plan = CensusPlan(
        bootstrap=("127.0.0.1:9",),
        processes=1,
        max_packets_per_s=10,
        deadline_s=5,
        allow_local=True,
        never_contact=read_optout("127.0.0.0/8", file="optout.txt"),
    )
    with pytest.raises(DhtUnreachable, match="opted out"):
        next(take_census([InfoHash(bytes(20))], plan))


def test_the_list_is_read_from_the_workspace(tmp_path: Path) -> None:
    """optout.txt stands beside config.txt; without it nobody has opted out."""
    workspace = Workspace(tmp_path)
    assert load_optout(workspace) == ()
    workspace.optout_path.write_text("10.0.0.0/8\n")
    assert load_optout(workspace) == (ip_network("10.0.0.0/8"),)
