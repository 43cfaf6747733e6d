"""Hostile downloads, through the whole job: none harms, each is reported with its own reason."""

from __future__ import annotations

import gzip
import multiprocessing
import re
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import bencode2
import pytest

from lab.site import IndexerSite
from lab.site_faults import (
    Fault,
    body_fault,
    dribble_fault,
    endless_fault,
    gzip_bomb_fault,
    redirect_fault,
    status_fault,
)
from observatory.jobs import Report, ScrapeArguments
from observatory.scrape import scrape
from scraper import session
from scraper.collect import TorrentRefused, collect
from storage.workspace import Workspace
from tests.integration.scraper_world import TEST_LIMITS, listing, plan, tiny_torrent

TYPE = "application/x-bittorrent"
ELSEWHERE = "http://127.0.0.1:{port}/good.torrent"


def _torrent(**info: object) -> Fault:
    """A torrent that is right but for these fields of `info`."""
    fields = {b"name": b"x", b"length": 20_000, b"piece length": 16_384, b"pieces": bytes(40)}
    fields |= {key.replace("_", " ").encode(): value for key, value in info.items()}
    return body_fault(bencode2.bencode({b"info": fields}), content_type=TYPE)


def _files(*path: bytes) -> Fault:
    files = [{b"length": 20_000, b"path": list(path)}]
    raw = bencode2.bencode(
        {b"info": {b"name": b"x", b"files": files, b"piece length": 16_384, b"pieces": bytes(40)}}
    )
    return body_fault(raw, content_type=TYPE)


HUGE_INTEGER = b"d4:infod6:lengthi" + b"9" * 400_000 + b"e4:name1:xee"
HOSTILE: dict[str, tuple[Fault, str]] = {
    "traversal in the name": (_torrent(name=b"../../etc/cron.d/x"), r"cron\.d"),
    "an absolute name": (_torrent(name=b"/etc/passwd"), r"/etc/passwd"),
    "traversal in a path": (_files(b"..", b"..", b"x"), r"\.\."),
    "a nul in a path": (_files(b"a\0b"), r"refused"),
    "a gzip bomb": (gzip_bomb_fault(inflated_bytes=100_000_000), "larger than 0.5 MB"),
    "a bomb in a bomb": (
        Fault(
            headers=(("Content-Encoding", "gzip, gzip"),),
            body=lambda: iter([gzip.compress(gzip.compress(bytes(9_000_000)))]),
        ),
        "which was not asked for",
    ),
    "an endless body": (endless_fault(content_type=TYPE), "larger than 0.5 MB"),
    "a byte at a time": (dribble_fault(content_type=TYPE), "does not answer in time"),
    "a huge declared length": (
        Fault(headers=(("Content-Length", "9" * 30),)),
        "larger than 0.5 MB|does not answer|broke off",
    ),
    "html of type torrent": (body_fault(b"<html>no</html>", content_type=TYPE), "not bencoded"),
    "nothing at all": (body_fault(b"", content_type=TYPE), "not bencoded"),
    "a redirect to a file": (redirect_fault("file:///etc/passwd"), "redirects to file:///etc/pas"),
    "a redirect to another port": (redirect_fault(ELSEWHERE), r"redirects to http://127\.0\.0\.1"),
    "a redirect to the metadata service": (
        redirect_fault("http://169.254.169.254/latest/meta-data"),
        r"redirects to http://169\.254\.169\.254",
    ),
    "a redirect in circles": (redirect_fault("?again"), "redirects more than 5 times"),
    "a 0.4 MB integer": (body_fault(HUGE_INTEGER, content_type=TYPE), "refused"),
    "a string longer than the file": (body_fault(b"d4:info999999999:x"), "cut off"),
    "bytes after the end": (body_fault(tiny_torrent("t") + b"0:evil"), "after the end"),
    "two info dictionaries": (
        body_fault(tiny_torrent("t")[:-1] + tiny_torrent("u")[1:]),
        "two 'info'",
    ),
    "deep nesting": (body_fault(b"d4:info" + b"l" * 200_000), "nested deeper"),
    "a cut torrent": (body_fault(tiny_torrent("c")[:-9]), "refused"),
    "a negative size": (_torrent(length=-5), "refused"),
    "pieces that do not fit": (_torrent(pieces=bytes(41)), "refused"),
    "a broken encoding": (
        Fault(headers=(("Content-Encoding", "gzip"),), body=lambda: iter([b"plain"])),
        "compression is broken",
    ),
    "an encoding nobody asked for": (
        Fault(headers=(("Content-Encoding", "br"),), body=lambda: iter([b"x"])),
        "which was not asked for",
    ),
    "an error": (status_fault(500), "status 500"),
    "nothing there": (status_fault(404), "status 404"),
    "a wait of an hour": (status_fault(429, retry_after_s=3600), "status 429"),
}


class _Quiet:
    """A job's progress that nobody looks at."""

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        pass


def _scrape(site: IndexerSite, root: Path) -> Report:
    workspace = Workspace(root)
    workspace.prepare()
    workspace.config_path.write_text(f"root_url={site.url}\nwait=0\n")
    return scrape(workspace, ScrapeArguments(per_category=99), _Quiet())


@pytest.fixture
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules at sizes and times that a test can wait for."""
    real = session.Fetcher

    def small(*args: object, **options: object) -> object:
        return real(*args, **options | {"limits": TEST_LIMITS})  # type: ignore[arg-type]

    monkeypatch.setattr(session, "Fetcher", small)


@pytest.fixture
def stranger() -> Iterator[tuple[int, list[object]]]:
    """Another loopback port, and who came there."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    came.append(server.accept())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], came
        stop.set()
        thread.join()


@pytest.mark.usefixtures("_small_limits")
@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_download_is_reported_and_harms_nothing(
    case: str, tmp_path: Path, stranger: tuple[int, list[object]]
) -> None:
    """It is refused with its reason, in the rows and per site; the good one beside it is kept.

    Nothing but the good one stands in bulkTorrents/, nothing outside of the workspace, and nobody
    but the site was asked.
    """
    fault, reason = HOSTILE[case]
    port, came = stranger
    headers = tuple((name, value.replace("{port}", str(port))) for name, value in fault.headers)
    fault = Fault(status=fault.status, headers=headers, body=fault.body, pause_s=fault.pause_s)
    entries = [listing("hostile", "TV", seeders=9), listing("good", "TV")]
    root = tmp_path / "deep" / "workspace"
    root.mkdir(parents=True)
    with IndexerSite(entries, challenge=False, faults={"/download/0/*": fault}) as site:
        report = _scrape(site, root)
    (row,) = [row for row in report.refused if "/torrent/0/" in row]
    assert re.search(reason, row), row
    assert report.figures["collected"] == 1
    assert report.figures["refused"] == 1
    (told,) = report.sites
    assert (told.found, told.kept, told.doubled, told.refused) == (2, 1, 0, 1)
    assert sum(told.reasons.values()) == 1
    assert re.search(reason, next(iter(told.reasons)))
    kept = {path.name for path in (root / "bulkTorrents").iterdir()} - {"index.json"}
    assert [name for name in kept if name.endswith(".torrent")] == [*kept]
    assert len(kept) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["workspace"]
    assert came == []


@pytest.mark.usefixtures("_small_limits")
def test_a_doubled_infohash_is_kept_once_and_said(tmp_path: Path) -> None:
    """The same torrent under three names: one file, two doubled; again: three doubled."""
    raw = tiny_torrent("the same")
    entries = [listing(f"name {i}", "TV", raw=raw) for i in range(3)]
    with IndexerSite(entries, challenge=False) as site:
        first, second = _scrape(site, tmp_path), _scrape(site, tmp_path)
    for report, kept, doubled in ((first, 1, 2), (second, 0, 3)):
        (told,) = report.sites
        assert (told.found, told.kept, told.doubled, told.refused) == (3, kept, doubled, 0)
    assert len(list((tmp_path / "bulkTorrents").glob("*.torrent"))) == 1


@pytest.mark.usefixtures("_small_limits")
def test_a_report_tells_the_pages_and_every_reason(tmp_path: Path) -> None:
    """Pages read, listings not read, and how many were refused for which reason; one sentence."""
    entries = [listing(f"t{i}", "TV") for i in range(4)]
    faults = {
        "/download/0/*": status_fault(404),
        "/download/1/*": status_fault(404),
        "/torrent/2/*": status_fault(403),
        "/sort-cat/Music/*": status_fault(500),
    }
    with IndexerSite(entries, challenge=False, faults=faults) as site:
        (told,) = _scrape(site, tmp_path).sites
    assert (told.pages, told.pages_not_read, told.found, told.kept) == (7 + 3, 1, 4, 1)
    assert told.reasons == {
        "its .torrent is not there (status 404)": 2,
        "its page answers with status 403": 1,
    }
    assert told.sentence.startswith(
        f"{site_host(told.site)}: 10 pages read, 4 torrents found, 1 kept, 0 doubled, 3 refused; "
        "1 listings could not be read (2 x its .torrent is not there (status 404)"
    )


def site_host(site: str) -> str:
    assert re.fullmatch(r"127\.0\.0\.1:\d+", site)
    return site


BOMBS = {
    "gzip": gzip_bomb_fault(inflated_bytes=400_000_000, content_type=TYPE),
    "endless": endless_fault(content_type=TYPE),
    "nesting": body_fault(b"d4:info" + b"l" * 9_000_000, content_type=TYPE),
    "integer": body_fault(b"d4:infod6:lengthi" + b"9" * 2_000_000 + b"eee", content_type=TYPE),
    "files": body_fault(b"d4:infod5:filesl" + b"de" * 4_000_000 + b"eee", content_type=TYPE),
}


def _grown_mb(url: str, cache_dir: str, answers: multiprocessing.Queue[tuple[float, int]]) -> None:
    """Scrape with the limits of the open web; say how far the peak of memory rose."""
    calm = plan(url, Path(cache_dir), categories=("Movies",))
    list(collect(calm, ()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    events = list(collect(plan(url, Path(cache_dir), categories=("TV",), per_category=99), ()))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answers.put((grown, sum(isinstance(event, TorrentRefused) for event in events)))


def test_bombs_cost_bounded_memory(tmp_path: Path) -> None:
    """Five bombs at once, at the real limits, in a process of their own: its peak stays bounded.

    The costliest decodes: 8 MB of empty dictionaries, about 270 MB. The gzip would be 400 MB,
    the endless body endless.
    """
    entries = [listing(f"bomb {i}", "TV") for i in range(len(BOMBS))] + [listing("m", "Movies")]
    faults = {f"/download/{i}/*": fault for i, fault in enumerate(BOMBS.values())}
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[tuple[float, int]] = context.Queue()
    with IndexerSite(entries, challenge=False, faults=faults) as site:
        child = context.Process(target=_grown_mb, args=(site.url, str(tmp_path), answers))
        child.start()
        grown_mb, refused = answers.get(timeout=120)
        child.join()
    assert refused == len(BOMBS)
    assert grown_mb < 350
