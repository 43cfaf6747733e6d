"""Pages of earlier scrapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from scraper.answers import Answer
from scraper.page_cache import PageCache

URL = "http://site.example/a"


def _page(url: str = URL, body: bytes = b"page", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(url, 200, named, body)


def test_a_kept_page_survives_and_tells_how_to_ask(tmp_path: Path) -> None:
    """Validators and body come back in a later process, content type included."""
    path = tmp_path / "cache" / "pages.sqlite"
    with PageCache(path) as cache:
        cache.keep(_page(etag='"1"', last_modified="x", content_type="text/html", server="s"))
    with PageCache(path) as cache:
        asked = cache.conditions(URL)
        kept = cache.unchanged(URL)
    assert asked == {"If-None-Match": '"1"', "If-Modified-Since": "x"}
    headers = {"etag": '"1"', "last-modified": "x", "content-type": "text/html"}
    assert kept == Answer(URL, 200, headers, b"page")


@pytest.mark.parametrize(
    "answer",
    [
        _page(),
        _page(etag='"1"', cache_control="private, No-Store"),
        _page(etag='"1"', body=bytes(2_000_001)),
    ],
    ids=["no validator", "no-store", "too large"],
)
def test_what_may_not_or_cannot_be_asked_for_again_is_not_kept(
    answer: Answer, tmp_path: Path
) -> None:
    """No validator, no-store, or very large: nothing is kept."""
    with PageCache(tmp_path / "pages.sqlite") as cache:
        cache.keep(answer)
        assert cache.conditions(URL) == {}
        assert cache.unchanged(URL) is None


def test_it_stays_within_its_bounds(tmp_path: Path) -> None:
    """Beyond pages or bytes, those that were not used for longest go."""
    path = tmp_path / "pages.sqlite"
    with PageCache(path, max_pages=3) as cache:
        for i in range(5):
            cache.keep(_page(f"{URL}{i}", bytes(100), etag="e"))
        assert cache.unchanged(f"{URL}0") is not None  # used last now
    with PageCache(path, max_bytes=250) as cache:
        assert [i for i in range(5) if cache.conditions(f"{URL}{i}")] == [0, 3, 4]
    with PageCache(path) as cache:
        assert [i for i in range(5) if cache.conditions(f"{URL}{i}")] == [0, 4]


def test_no_address_can_be_read_from_it(tmp_path: Path) -> None:
    """Addresses are hashes, and only the owner can read the file."""
    path = tmp_path / "pages.sqlite"
    with PageCache(path) as cache:
        cache.keep(_page("http://site.example/secret-key", etag="e"))
    assert b"secret-key" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"no database" * 1000, None], ids=["garbage", "a folder"])
def test_a_broken_cache_is_done_without(content: bytes | None, tmp_path: Path) -> None:
    """Garbage in its place, or a folder: every page is asked for whole, nothing is raised."""
    path = tmp_path / "pages.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with PageCache(path) as cache:
        cache.keep(_page(etag="e"))
        assert cache.conditions(URL) == {}
