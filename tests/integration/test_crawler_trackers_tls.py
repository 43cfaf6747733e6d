"""Trackers behind TLS: a real server on loopback, with certificates of a test's own authority."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from crawler.trackers.asking import TrackerPlan, TrackerTarget, ask_trackers
from lab.tracker import LabTracker
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome

KEY = InfoHash(b"\x55" * 20)
PEERS = [Endpoint.parse(f"127.1.0.{n}:{6000 + n}") for n in range(1, 6)]


class Authority:
    """A certificate authority in a folder, by OpenSSL's own command."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "ca.pem"
        self._make("ca", "-addext", "keyUsage=critical,keyCertSign")

    def certify(self, names: str) -> ssl.SSLContext:
        """What a server needs that goes by these names, such as `DNS:localhost,IP:127.0.0.1`."""
        signer = ("-CA", str(self.path), "-CAkey", str(self._folder / "ca.key"))
        leaf = ("-addext", "basicConstraints=critical,CA:FALSE")
        self._make("server", "-addext", f"subjectAltName={names}", *leaf, *signer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        return context

    def _make(self, name: str, *options: str) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
             "-out", f"{name}.pem", *options],
            cwd=self._folder, check=True, capture_output=True,
        )  # fmt: skip


@contextmanager
def behind_tls(tracker: LabTracker, context: ssl.SSLContext) -> Iterator[int]:
    """A TLS server that passes everything on to the tracker; its port."""
    where = ("127.0.0.1", int(tracker.http_url.rpartition(":")[2].partition("/")[0]))

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), context.wrap_socket(self.request, server_side=True) as client:
                request = client.recv(65_536)
                with socket.create_connection(where, timeout=10) as server:
                    server.sendall(request)
                    while chunk := server.recv(65_536):
                        client.sendall(chunk)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Relay) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def ask(url: str) -> dict[TrackerAction, TrackerAnswer]:
    plan = TrackerPlan(announce=True, allow_local=True, timeout_s=10, deadline_s=60, pause_s=0)
    answers = [a for a in ask_trackers([TrackerTarget(KEY, (url,))], plan) if a is not None]
    return {answer.action: answer for answer in answers}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_trusted_tracker_is_asked(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scrape and announce over TLS, the certificate checked against the name or the address."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    context = authority.certify("DNS:localhost,IP:127.0.0.1")
    with LabTracker() as tracker, behind_tls(tracker, context) as port:
        tracker.book.plant(KEY.digest, seeders=PEERS[:2], leechers=PEERS[2:])
        found = ask(f"https://{host}:{port}/announce")
        events = [question.event for question in tracker.book.questions]
    assert events == ["", "started", "stopped"]
    for answer in found.values():
        assert (answer.outcome, answer.seeders, answer.leechers) == (
            TrackerOutcome.ANSWERED, 2, 3,
        )  # fmt: skip
    sightings = found[TrackerAction.ANNOUNCE].sightings
    assert sightings is not None
    assert {s.peer for s in sightings} == set(PEERS)


@pytest.mark.parametrize(
    ("trusted", "names", "reason"),
    [
        (False, "DNS:localhost", "unable to get local issuer certificate"),
        (True, "DNS:tracker.example", "not valid for 'localhost'"),
    ],
    ids=["untrusted", "another name"],
)
def test_a_certificate_that_is_not_valid_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, names: str, reason: str
) -> None:
    """Nothing is asked of such a tracker; each action has its row, which says what is wrong."""
    authority = Authority(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with LabTracker() as tracker, behind_tls(tracker, authority.certify(names)) as port:
        found = ask(f"https://localhost:{port}/announce")
        assert tracker.book.questions == []
    assert found.keys() == set(TrackerAction)
    for answer in found.values():
        assert answer.outcome is TrackerOutcome.UNREACHABLE
        assert "its certificate is not valid" in (answer.message or "")
        assert reason in (answer.message or "")


def test_a_tracker_that_speaks_no_tls_is_told() -> None:
    """An https address at a plain web server: unreachable, and the row says that TLS fails."""
    with LabTracker() as tracker:
        found = ask(tracker.http_url.replace("http:", "https:"))
        assert tracker.book.questions == []
    assert {(a.outcome, a.message) for a in found.values()} == {
        (TrackerOutcome.UNREACHABLE, "TLS fails")
    }
