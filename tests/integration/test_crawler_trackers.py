"""Asking trackers, against the lab's own: honest over both protocols and families, and faulty."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from crawler.trackers.asking import TrackerPlan, TrackerTarget, ask_trackers
from lab.tracker import LabTracker, TrackerFault
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.sighting import Source
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome
from tests.integration.proxies import proxy

SEEDERS = [Endpoint.parse(f"127.1.0.{n}:{6000 + n}") for n in range(1, 6)]
LEECHERS = [Endpoint.parse(f"127.2.0.{n}:{7000 + n}") for n in range(1, 4)]
SEEDERS6 = [Endpoint.parse(f"[::1]:{6000 + n}") for n in range(1, 6)]
LEECHERS6 = [Endpoint.parse(f"[::1]:{7000 + n}") for n in range(1, 4)]
HEARD_WITHIN_S = 30.0


def infohash(number: int) -> InfoHash:
    return InfoHash(hashlib.sha1(str(number).encode(), usedforsecurity=False).digest())


def plan(*, announce: bool = False, **wanted: object) -> TrackerPlan:
    chosen: dict[str, object] = {
        "allow_local": True, "timeout_s": 10.0, "deadline_s": 60.0, "pause_s": 0.0, **wanted,
    }  # fmt: skip
    return TrackerPlan(announce=announce, **chosen)  # type: ignore[arg-type]


def ask(targets: Sequence[TrackerTarget], how: TrackerPlan) -> list[TrackerAnswer]:
    return [answer for answer in ask_trackers(targets, how) if answer is not None]


def ask_one(url: str, how: TrackerPlan) -> dict[TrackerAction, TrackerAnswer]:
    answers = ask([TrackerTarget(infohash(1), (url,))], how)
    found = {answer.action: answer for answer in answers}
    assert len(found) == len(answers)
    return found


def url_of(tracker: LabTracker, protocol: str) -> str:
    return tracker.udp_url if protocol == "udp" else tracker.http_url


def counts(answer: TrackerAnswer) -> tuple[int | None, int | None, int | None]:
    return answer.seeders, answer.leechers, answer.completed


@pytest.mark.parametrize("is_compact", [True, False], ids=["compact", "dictionaries"])
@pytest.mark.parametrize("protocol", ["http", "udp"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_counts_and_peers_are_what_is_there(host: str, protocol: str, is_compact: bool) -> None:
    """A scrape and an announce tell the swarm as it is, without ourselves, and leave no trace."""
    seeders, leechers = (SEEDERS6, LEECHERS6) if ":" in host else (SEEDERS, LEECHERS)
    with LabTracker(host=host, is_compact=is_compact) as tracker:
        tracker.book.plant(infohash(1).digest, seeders=seeders, leechers=leechers, completed=9)
        url = url_of(tracker, protocol)
        found = ask_one(url, plan(announce=True))
        scrape, announce = found[TrackerAction.SCRAPE], found[TrackerAction.ANNOUNCE]
        assert counts(scrape) == (5, 3, 9)
        assert counts(announce) == (5, 3, None)
        assert announce.sightings is not None
        assert {s.peer for s in announce.sightings} == {*seeders, *leechers}
        said_by = Endpoint.parse(announce.tracker.partition("://")[2])
        assert {s.told_by for s in announce.sightings} == {said_by}
        assert announce.sightings.source is Source.TRACKER
        assert scrape.tracker == announce.tracker == url.removesuffix("/announce")
        events = [q.event for q in tracker.book.questions if q.action == "announce"]
        assert events == ["started", "stopped"]
        after = tracker.book.tally(infohash(1).digest)
        assert after is not None
        assert (after.seeders, after.leechers) == (5, 3)


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_a_scrape_only_plan_announces_nothing(protocol: str) -> None:
    """Without leave to announce, the tracker's own log holds no announce."""
    with LabTracker() as tracker:
        tracker.book.plant(infohash(1).digest, seeders=SEEDERS)
        found = ask_one(url_of(tracker, protocol), plan())
        assert list(found) == [TrackerAction.SCRAPE]
        assert counts(found[TrackerAction.SCRAPE]) == (5, 0, 0)
        assert {q.action for q in tracker.book.questions} <= {"connect", "scrape"}
        assert "scrape" in {q.action for q in tracker.book.questions}


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_150_swarms_cost_three_scrapes(protocol: str) -> None:
    """Scrapes ask for 70 swarms at a time."""
    with LabTracker() as tracker:
        for number in range(150):
            tracker.book.plant(infohash(number).digest, seeders=SEEDERS[: number % 5 + 1])
        targets = [TrackerTarget(infohash(n), (url_of(tracker, protocol),)) for n in range(150)]
        answers = ask(targets, plan())
        scrapes = [q for q in tracker.book.questions if q.action == "scrape"]
        assert [len(q.infohashes) for q in scrapes] == [70, 70, 10]
    told = {answer.infohash: answer.seeders for answer in answers}
    assert told == {infohash(n): n % 5 + 1 for n in range(150)}
    assert len(answers) == 150


@pytest.mark.parametrize("fault", [None, TrackerFault.FIRST_ONLY, TrackerFault.LAST_ONLY])
def test_a_tracker_that_reads_one_swarm_is_asked_for_one_at_a_time(
    fault: TrackerFault | None,
) -> None:
    """Whatever part of a list a tracker reads, each swarm that it knows is told in the end."""
    with LabTracker(faults={fault: 1.0} if fault else {}, most_scraped=7) as tracker:
        for number in range(20):
            tracker.book.plant(infohash(number).digest, seeders=SEEDERS)
        targets = [TrackerTarget(infohash(n), (tracker.http_url,)) for n in range(20)]
        answers = ask(targets, plan())
    assert {a.infohash for a in answers} == {infohash(n) for n in range(20)}
    assert {counts(a) for a in answers} == {(5, 0, 0)}


def test_what_a_tracker_does_not_know_is_unknown() -> None:
    """Swarms that the tracker leaves out of its answer end as unknown, at the cost of one try."""
    with LabTracker() as tracker:
        for number in range(0, 20, 2):
            tracker.book.plant(infohash(number).digest, seeders=SEEDERS)
        answers = ask([TrackerTarget(infohash(n), (tracker.http_url,)) for n in range(20)], plan())
        assert len(tracker.book.questions) == 2
    outcomes = {a.infohash: a.outcome for a in answers}
    both = (TrackerOutcome.ANSWERED, TrackerOutcome.UNKNOWN)
    assert outcomes == {infohash(n): both[n % 2] for n in range(20)}


FAULTS = [
    ("udp", TrackerFault.SILENT, TrackerOutcome.TIMEOUT, None),
    ("udp", TrackerFault.WRONG_TRANSACTION, TrackerOutcome.MALFORMED, "another transaction"),
    ("udp", TrackerFault.GARBAGE, TrackerOutcome.MALFORMED, ""),
    ("udp", TrackerFault.FAILURE, TrackerOutcome.REFUSED, "the lab refuses"),
    ("http", TrackerFault.SILENT, TrackerOutcome.TIMEOUT, None),
    ("http", TrackerFault.DRIBBLE, TrackerOutcome.TIMEOUT, None),
    ("http", TrackerFault.GARBAGE, TrackerOutcome.MALFORMED, "not bencoded"),
    ("http", TrackerFault.FAILURE, TrackerOutcome.REFUSED, "the lab refuses"),
    ("http", TrackerFault.GZIP_BOMB, TrackerOutcome.MALFORMED, "larger than 1000000 bytes"),
    ("http", TrackerFault.ENDLESS, TrackerOutcome.MALFORMED, "larger than 1000000 bytes"),
    ("http", TrackerFault.REDIRECT_TO_FILE, TrackerOutcome.UNSUPPORTED, "redirects"),
    ("http", TrackerFault.REDIRECT_FOR_EVER, TrackerOutcome.MALFORMED, "redirects more than"),
]


@pytest.mark.parametrize(
    ("protocol", "fault", "outcome", "message"),
    FAULTS,
    ids=[f"{protocol}-{fault.name}" for protocol, fault, _, _ in FAULTS],
)
def test_each_fault_is_a_row_of_its_own(
    protocol: str, fault: TrackerFault, outcome: TrackerOutcome, message: str | None
) -> None:
    """A faulty tracker yields one row per action, with the outcome that names the fault."""
    with LabTracker(faults={fault: 1.0}) as tracker:
        # Who answers at once may take its time on a busy machine; silence is waited out.
        is_waited_for = outcome is TrackerOutcome.TIMEOUT or (
            protocol == "udp" and outcome is TrackerOutcome.MALFORMED
        )
        timeout_s = 0.7 if is_waited_for else 10.0
        found = ask_one(url_of(tracker, protocol), plan(announce=True, timeout_s=timeout_s))
    for action in TrackerAction:
        answer = found[action]
        assert answer.outcome is outcome
        assert counts(answer) == (None, None, None)
        assert answer.sightings is None
        if message is None:
            assert answer.message is None
        else:
            assert message in (answer.message or "")


def test_seeded_faults_cost_no_row() -> None:
    """Where half the answers are faulty, each swarm, tracker and action still has one row."""
    shares = dict.fromkeys(
        [TrackerFault.FAILURE, TrackerFault.GARBAGE, TrackerFault.REDIRECT_TO_FILE], 0.15
    )
    with LabTracker(faults=shares, seed=4) as tracker:
        urls = (tracker.http_url, tracker.udp_url)
        targets = [TrackerTarget(infohash(n), urls) for n in range(12)]
        answers = ask(targets, plan(announce=True, timeout_s=0.7))
    keys = [(a.infohash, a.tracker, a.action) for a in answers]
    assert len(set(keys)) == len(keys) == 48
    assert len({a.outcome for a in answers}) > 2


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_where_nobody_listens_is_unreachable(protocol: str) -> None:
    """A port that was closed a moment ago gives unreachable, and no announce is tried in vain."""
    with LabTracker() as tracker:
        url = url_of(tracker, protocol)
    found = ask_one(url, plan(announce=True))
    assert {a.outcome for a in found.values()} == {TrackerOutcome.UNREACHABLE}


def test_a_silent_tracker_is_left_alone_after_two_questions() -> None:
    """Who was silent twice is asked no more: the rest of its rows say so."""
    with LabTracker(faults={TrackerFault.SILENT: 1.0}) as tracker:
        targets = [TrackerTarget(infohash(n), (tracker.http_url,)) for n in range(150)]
        answers = ask(targets, plan(announce=True, timeout_s=1.0))
        assert len(tracker.book.questions) == 2
    outcomes = [a.outcome for a in answers]
    assert outcomes.count(TrackerOutcome.TIMEOUT) == 140
    assert outcomes.count(TrackerOutcome.NOT_ASKED) == 160


def test_redirects_on_the_web_are_followed() -> None:
    """A tracker that moved is asked at its new address, for scrape and announce."""
    with LabTracker() as tracker:
        tracker.book.plant(infohash(1).digest, seeders=SEEDERS)
        found = ask_one(
            tracker.http_url.replace("/announce", "/moved/announce"), plan(announce=True)
        )
    assert {a.seeders for a in found.values()} == {5}


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_the_passkey_is_sent_and_never_told(
    protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Path and query reach the tracker (BEP 41 over UDP), and no row or log holds them."""
    caplog.set_level("DEBUG")
    with LabTracker() as tracker:
        base = url_of(tracker, protocol).removesuffix("/announce")
        url = base.replace("://", "://user:hunter2@") + f"/{'s3cret' * 60}/announce?pass=k3y"
        answers = ask([TrackerTarget(infohash(1), (url,))], plan(announce=True))
        said = [q.url_data for q in tracker.book.questions if q.action == "announce"]
    assert all("s3cret" * 60 in text and "pass=k3y" in text for text in said)
    assert len(said) == 2
    shown = caplog.text + repr(answers)
    assert not [secret for secret in ("s3cret", "k3y", "hunter2") if secret in shown]


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_local_trackers_are_refused_on_the_internet(protocol: str) -> None:
    """Without allow_local nothing is sent to this machine, by number or by name."""
    with LabTracker() as tracker:
        url = url_of(tracker, protocol)
        for spelt in (
            url,
            url.replace("127.0.0.1", "localhost"),
            url.replace("127.0.0.1", "2130706433"),
        ):
            found = ask_one(spelt, plan(announce=True, allow_local=False))
            assert {a.outcome for a in found.values()} == {TrackerOutcome.NOT_ASKED}
        assert tracker.book.questions == []


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_networks_that_opted_out_are_not_asked(protocol: str) -> None:
    """A tracker in a network of optout.txt gets no packet."""
    with LabTracker(host="127.0.0.9") as tracker:
        shunned = (ip_network("127.0.0.8/31"),)
        found = ask_one(url_of(tracker, protocol), plan(announce=True, never_contact=shunned))
        assert {a.message for a in found.values()} == {"its network opted out"}
        assert tracker.book.questions == []


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_a_name_that_leads_into_an_opted_out_network_is_not_asked(protocol: str) -> None:
    """The list is held to addresses, whatever name a .torrent has for them."""
    with LabTracker() as tracker:
        tracker.book.plant(infohash(1).digest, seeders=SEEDERS)
        url = url_of(tracker, protocol).replace("127.0.0.1", "localhost")
        networks = (ip_network("127.0.0.1/32"), ip_network("::1/128"))
        found = ask_one(url, plan(announce=True, never_contact=networks))
        assert {a.message for a in found.values()} == {"its network opted out"}
        assert tracker.book.questions == []
        # Of its two addresses the other one is still asked.
        found = ask_one(url, plan(announce=True, never_contact=networks[1:]))
        assert {a.outcome for a in found.values()} == {TrackerOutcome.ANSWERED}


def test_a_redirect_into_an_opted_out_network_is_not_followed() -> None:
    """A tracker elsewhere cannot send us there."""
    with LabTracker(host="127.0.0.9") as shunned:
        shunned.book.plant(infohash(1).digest, seeders=SEEDERS)

        class Mover(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                where = shunned.http_url.removesuffix("/announce")
                self.send_response(302)
                self.send_header("Location", where + self.path)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Mover) as mover, ExitStack() as stack:
            stack.callback(mover.shutdown)
            threading.Thread(target=mover.serve_forever, args=(0.05,), daemon=True).start()
            url = f"http://127.0.0.1:{mover.server_address[1]}/announce"
            never = (ip_network("127.0.0.9/32"),)
            found = ask_one(url, plan(announce=True, never_contact=never))
            assert {a.message for a in found.values()} == {"its network opted out"}
            assert shunned.book.questions == []
            found = ask_one(url, plan())
            assert found[TrackerAction.SCRAPE].seeders == len(SEEDERS)


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_closing_says_goodbye_and_asks_no_more(protocol: str) -> None:
    """After the generator is closed every `started` has its `stopped`, and no thread is left."""
    with LabTracker() as tracker:
        for number in range(300):
            tracker.book.plant(infohash(number).digest, seeders=SEEDERS)
        targets = [TrackerTarget(infohash(n), (url_of(tracker, protocol),)) for n in range(300)]
        with closing(ask_trackers(targets, plan(announce=True))) as answers:
            next(a for a in answers if a is not None and a.action is TrackerAction.ANNOUNCE)
        said = [(q.event, q.infohashes) for q in tracker.book.questions if q.action == "announce"]
        last_words = {key: event for event, key in said}
        assert set(last_words.values()) == {"stopped"}
        assert len(last_words) < 300
        assert not [t for t in threading.enumerate() if t.name == "trackers"]
        assert {tracker.book.tally(infohash(n).digest).leechers for n in range(300)} == {0}  # type: ignore[union-attr]


def test_closing_in_mid_announce_still_says_goodbye() -> None:
    """An announce without an answer, cancelled, is followed by `stopped` all the same."""
    with LabTracker(faults={TrackerFault.SILENT: 1.0}) as tracker:
        target = TrackerTarget(infohash(1), (tracker.http_url,))
        asking = ask_trackers([target], plan(announce=True, timeout_s=2.0))
        with closing(asking):
            deadline = time.monotonic() + HEARD_WITHIN_S
            while "started" not in [q.event for q in tracker.book.questions]:
                assert time.monotonic() < deadline
                next(asking)
        assert [q.event for q in tracker.book.questions if q.event] == ["started", "stopped"]


def test_the_deadline_leaves_no_row_out() -> None:
    """At the deadline, who was asked timed out, and who was not is told so."""
    with LabTracker(faults={TrackerFault.SILENT: 1.0}) as tracker:
        targets = [TrackerTarget(infohash(n), (tracker.http_url,)) for n in range(100)]
        answers = ask(targets, plan(deadline_s=0.5))
    outcomes = [a.outcome for a in answers]
    assert outcomes.count(TrackerOutcome.TIMEOUT) == 70
    assert outcomes.count(TrackerOutcome.NOT_ASKED) == 30


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_http_trackers_are_asked_through_the_proxy_alone(scheme: str) -> None:
    """With a proxy every request goes through it, by a name that nobody here resolves."""
    with LabTracker() as tracker, proxy(scheme) as between:
        tracker.book.plant(infohash(1).digest, seeders=SEEDERS, leechers=LEECHERS)
        port = int(tracker.http_url.rpartition(":")[2].partition("/")[0])
        urls = (f"http://tracker.invalid:{port}/announce", tracker.udp_url)
        how = plan(announce=True, http_proxy=between.url)
        answers = ask([TrackerTarget(infohash(1), urls)], how)
        assert set(between.asked) == {("tracker.invalid", port)}
        assert {q.protocol for q in tracker.book.questions} == {"http"}
        events = [q.event for q in tracker.book.questions]
        assert events == ["", "started", "stopped"]
    by_label = {(a.tracker.partition(":")[0], a.action): a for a in answers}
    for action in TrackerAction:
        assert by_label["udp", action].outcome is TrackerOutcome.NOT_ASKED
        assert counts(by_label["http", action])[:2] == (5, 3)
    sightings = by_label["http", TrackerAction.ANNOUNCE].sightings
    assert sightings is not None
    assert {s.peer for s in sightings} == {*SEEDERS, *LEECHERS}
    assert {str(s.told_by) for s in sightings} == {f"[::]:{port}"}


def test_a_dead_proxy_makes_nobody_go_direct() -> None:
    """Where the proxy does not answer the tracker gets no packet, and the row says unreachable."""
    with proxy("http") as gone:
        url = gone.url
    with LabTracker() as tracker:
        found = ask_one(tracker.http_url, plan(announce=True, http_proxy=url))
        assert {a.outcome for a in found.values()} == {TrackerOutcome.UNREACHABLE}
        assert tracker.book.questions == []
