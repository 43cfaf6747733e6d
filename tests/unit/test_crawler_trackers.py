"""The pure parts of crawler.trackers: bytes of the BEPs, addresses, questions, peers."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from struct import pack

import pytest
from bencode2 import bencode

from crawler.trackers import http_codec, udp_codec
from crawler.trackers.address import UNREADABLE, TrackerAddress, read_tracker_address
from crawler.trackers.admission import AddressRule
from crawler.trackers.announcement import Announcement, Event
from crawler.trackers.asking import ask_trackers
from crawler.trackers.plan import TrackerPlan, TrackerTarget
from crawler.trackers.questions import sort_questions
from crawler.trackers.replies import AnnounceReply, Counts, NoReply
from crawler.trackers.sightings import MAX_PEERS, to_sightings, without_ourselves
from swarm.endpoint import Endpoint, address_to_packed16
from swarm.errors import MalformedMessage, SettingsError
from swarm.infohash import InfoHash
from swarm.tracking import TrackerAction, TrackerOutcome

KEY = InfoHash(bytes(range(20)))
OTHER = InfoHash(bytes(20))
NOW = datetime(2026, 11, 21, tzinfo=UTC)
NET = AddressRule.of(allow_local=False)
LAB = AddressRule.of(allow_local=True)


def address_of(url: str) -> TrackerAddress:
    address = read_tracker_address(url)
    assert isinstance(address, TrackerAddress)
    return address


def entry(text: str) -> bytes:
    endpoint = Endpoint.parse(text)
    return address_to_packed16(endpoint.address) + endpoint.port.to_bytes(2)


def plan(*, announce: bool = False, http_proxy: str = "", direct: bool = False) -> TrackerPlan:
    return TrackerPlan(
        announce=announce, http_proxy=http_proxy, direct=direct, allow_local=True, deadline_s=9.0
    )


def test_udp_questions_are_as_bep_15_lays_them_out() -> None:
    """Connect, scrape and announce packets equal the offsets of the BEP's tables."""
    assert udp_codec.encode_connect(b"abcd") == pack(">QI4s", 0x41727101980, 0, b"abcd")
    scrape = udp_codec.encode_scrape(b"connect!", b"abcd", [KEY, OTHER])
    assert scrape == pack(">8sI4s20s20s", b"connect!", 2, b"abcd", KEY.digest, OTHER.digest)
    who = Announcement(KEY, b"-SA0001-abcdefghijkl", b"kkkk")
    started = udp_codec.encode_announce(b"connect!", b"abcd", who, Event.STARTED)
    head = (b"connect!", 1, b"abcd", KEY.digest, b"-SA0001-abcdefghijkl")
    layout = ">8sI4s20s20sQQQII4siH"
    assert started == pack(layout, *head, 0, 1, 0, 2, 0, b"kkkk", 200, 1)
    stopped = udp_codec.encode_announce(b"connect!", b"abcd", who, Event.STOPPED)
    assert stopped == pack(layout, *head, 0, 1, 0, 3, 0, b"kkkk", 0, 1)


def test_udp_replies_read_as_bep_15_lays_them_out() -> None:
    """Counts stand in the BEP's order, which differs between scrape and announce."""
    rows = pack(">III", 5, 9, 3) + pack(">III", 1, 2, 4)
    counts = {KEY: Counts(5, 3, 9), OTHER: Counts(1, 4, 2)}
    assert udp_codec.read_scrape(rows, [KEY, OTHER]) == counts
    body = pack(">III", 1800, 3, 5) + bytes([1, 2, 3, 4, 0, 80]) + b"cut"
    reply = udp_codec.read_announce(body, 6)
    assert reply == AnnounceReply(Counts(5, 3), entry("1.2.3.4:80"))
    six = pack(">III", 1800, 0, 1) + ip_address("2600::1").packed + b"\x00\x50"
    assert udp_codec.read_announce(six, 18).peers == entry("[2600::1]:80")


def test_only_started_and_stopped_can_be_said() -> None:
    """There is no way to announce `completed`, which would add to a tracker's downloads."""
    assert {event.word for event in Event} == {"started", "stopped"}
    query = http_codec.announce_query("", Announcement(KEY), Event.STARTED)
    assert "&port=1&" in query
    assert "&left=1&" in query
    assert query.startswith("info_hash=%00%01%02")


def test_http_answers_read_in_every_form() -> None:
    """Compact and dictionary peers, IPv6 peers, warnings and unsorted keys are all read."""
    compact = bencode(
        {
            b"complete": 2, b"incomplete": 1, b"interval": 9, b"warning message": b"slow down",
            b"peers": bytes([1, 2, 3, 4, 0, 80]),
            b"peers6": ip_address("2600::1").packed + b"\x00\x51",
        }
    )  # fmt: skip
    both = entry("1.2.3.4:80") + entry("[2600::1]:81")
    assert http_codec.read_announce(compact) == AnnounceReply(Counts(2, 1), both, "slow down")
    peers = [{b"ip": b"1.2.3.4", b"port": 80}, {b"ip": b"2600::1", b"port": 81}]
    strange = [{b"ip": b"tracker.example", b"port": 1}, {b"ip": b"1.1.1.1", b"port": 0}, 5]
    listed = bencode({b"interval": 9, b"peers": [*peers, *strange]})
    assert http_codec.read_announce(listed) == AnnounceReply(Counts(), both)
    unsorted = b"d8:intervali9e5:peers0:8:completei4ee"
    assert http_codec.read_announce(unsorted) == AnnounceReply(Counts(4), b"")


def test_http_refusals_and_counts_beyond_reason() -> None:
    """A failure reason is the tracker's refusal; counts that are none become None."""
    refused = bencode({b"failure reason": b"go away"})
    assert http_codec.read_announce(refused) == NoReply(TrackerOutcome.REFUSED, "go away")
    assert http_codec.read_scrape(refused, [KEY]) == NoReply(TrackerOutcome.REFUSED, "go away")
    files = {KEY.digest: {b"complete": -1, b"incomplete": 2**40, b"downloaded": b"7"}}
    assert http_codec.read_scrape(bencode({b"files": files}), [KEY, OTHER]) == {KEY: Counts()}
    with pytest.raises(MalformedMessage):
        http_codec.read_announce(b"de")


@pytest.mark.parametrize(
    ("url", "label", "scrape"),
    [
        ("http://T.example/announce", "http://t.example:80", "/scrape"),
        ("https://t.example/x/announce.php?k=a/b", "https://t.example:443", "/x/scrape.php"),
        ("udp://[2600::0:1]:6969", "udp://[2600::1]:6969", None),
        ("http://t.example/a", "http://t.example:80", None),
        ("http://u:p@t.example:8080/x%64announce", "http://t.example:8080", None),
    ],
)
def test_addresses_are_read(url: str, label: str, scrape: str | None) -> None:
    """Label and scrape path of BEP 48, with the examples of that BEP."""
    address = address_of(url)
    assert (address.label, address.scrape_path) == (label, scrape)
    assert "announce" not in repr(address)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("wss://t.example/x", "wss://t.example"),
        ("udp://t.example/announce", "udp://t.example"),
        ("http://t.example:0/announce", UNREADABLE),
        ("http://t.example:99999/announce", UNREADABLE),
        ("http://[fe80::1%25eth0]/announce", UNREADABLE),
        ("http://a b/announce", UNREADABLE),
        ("http:///announce", UNREADABLE),
        ("", UNREADABLE),
        ("http://t.example/" + "a" * 2048, UNREADABLE),
    ],
)
def test_what_is_no_tracker_is_unsupported(url: str, label: str) -> None:
    """Addresses that cannot be asked end as unsupported rows, with a label that is safe."""
    answers = list(ask_trackers([TrackerTarget(KEY, (url,))], plan(announce=True)))
    assert [a and (a.tracker, a.outcome) for a in answers] == [
        (label, TrackerOutcome.UNSUPPORTED)
    ] * 2


def test_a_swarm_is_asked_for_once_at_each_tracker() -> None:
    """Doubles, and other addresses at the same host and port, make no second row."""
    urls = ("http://t.example/a/announce", "http://T.example:80/b/announce", "udp://t.example:1/x")
    questions, settled = sort_questions([TrackerTarget(KEY, urls)] * 2, plan())
    asked = [(q.address.label, q.address.path, q.infohashes) for q in questions]
    assert asked == [
        ("http://t.example:80", "/a/announce", [KEY]),
        ("udp://t.example:1", "/x", [KEY]),
    ]
    assert settled == []


def test_udp_does_not_slip_past_a_proxy() -> None:
    """With a proxy set, UDP trackers are not asked unless the plan says directly."""
    targets = [TrackerTarget(KEY, ("udp://t.example:1/announce",))]
    _, settled = sort_questions(targets, plan(http_proxy="http://127.0.0.1:9"))
    assert [(a.outcome, a.action) for a in settled] == [
        (TrackerOutcome.NOT_ASKED, TrackerAction.SCRAPE)
    ]
    assert "direct_crawl" in (settled[0].message or "")
    questions, settled = sort_questions(targets, plan(http_proxy="http://127.0.0.1:9", direct=True))
    assert (len(questions), settled) == (1, [])


@pytest.mark.parametrize("proxy", ["ftp://p.example:1", "nonsense", "http://"])
def test_a_proxy_that_is_none_refuses_the_job(proxy: str) -> None:
    """Rather than go out directly, asking refuses a proxy address that cannot be used."""
    asking = ask_trackers(
        [TrackerTarget(KEY, ("http://t.example/announce",))], plan(http_proxy=proxy)
    )
    with pytest.raises(SettingsError, match="http_proxy"):
        list(asking)


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        ("8.8.8.8", True), ("10.0.0.1", False), ("127.0.0.1", False), ("224.0.0.1", False),
        ("2600::1", True), ("::1", False), ("fe80::1", False), ("fc00::1", False),
        ("ff02::1", False), ("::ffff:10.0.0.1", False), ("::ffff:8.8.8.8", True),
        ("2002:a00:1::", False), ("64:ff9b::a00:1", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_only_the_internet_is_asked(text: str, is_fine: bool) -> None:
    """Private, special and disguised addresses of both families are refused; opt-outs too."""
    assert (NET.objection(ip_address(text)) is None) is is_fine
    address = ip_address(text)
    shunned = AddressRule.of(allow_local=True, never_contact=[ip_network(text)])
    assert shunned.objection(address) == "its network opted out"


def test_peers_become_sightings_without_bogons_and_ourselves() -> None:
    """Each peer once; private ones and port 1 left out; who told is kept."""
    peers = [entry("8.8.8.8:80"), entry("10.0.0.1:80"), entry("[2600::1]:81"), entry("[::1]:9")]
    ourselves = entry("8.8.4.4:1")
    reply = AnnounceReply(Counts(2, 3), b"".join([*peers, peers[0], ourselves]))
    told_by = Endpoint.parse("9.9.9.9:6969")
    found = to_sightings(reply, KEY, told_by=told_by, seen_at=NOW, rule=NET)
    assert [str(s.peer) for s in found] == ["8.8.8.8:80", "[2600::1]:81"]
    assert {(s.told_by, s.seen_at) for s in found} == {(told_by, NOW)}
    assert without_ourselves(reply) == Counts(2, 2)
    assert len(to_sightings(reply, KEY, told_by=told_by, seen_at=NOW, rule=LAB)) == 4


def test_a_flood_of_peers_is_cut() -> None:
    """Of one answer at most five times the peers that were asked for are kept."""
    told_by = Endpoint.parse("9.9.9.9:6969")
    flood = b"".join(entry(f"8.8.{n >> 8}.{n & 255}:80") for n in range(1, MAX_PEERS + 50))
    reply = AnnounceReply(Counts(), flood)
    assert len(to_sightings(reply, KEY, told_by=told_by, seen_at=NOW, rule=NET)) == MAX_PEERS


def test_a_trackers_words_are_shown_without_our_secrets() -> None:
    """A message is one short line without control characters and without the passkey."""
    address = address_of("http://t.example/0123456789abcdef/announce")
    shown = address.presentable("bad key\x1b[2J 0123456789abcdef\n" + "x" * 500)
    assert shown is not None
    assert shown.startswith("bad key [2J ... xxx")
    assert len(shown) == 200
