"""Bodies are taken piece by piece and never grow beyond their cap."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from scraper.body import BodyRefused, BoundedBody


def _read(encoding: str, raw: bytes, *, max_bytes: int = 1_000_000, step: int = 1000) -> bytes:
    body = BoundedBody(encoding, max_bytes)
    for start in range(0, len(raw), step):
        body.feed(raw[start : start + step])
    return body.finish()


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_every_encoding_reads_whole(step: int) -> None:
    """Plain, gzip and deflate give the same bytes, however they are cut."""
    text = b"all work and no play " * 20_000
    assert _read("", text, step=max(step, 50)) == text
    assert _read("gzip", gzip.compress(text), step=step) == text
    assert _read("Deflate", zlib.compress(text), step=step) == text


def test_an_empty_body_is_empty_in_any_encoding() -> None:
    """A server may declare gzip and send nothing, as for a redirect."""
    assert _read("gzip", b"") == b""


def test_a_bomb_is_refused_before_memory_is_spent() -> None:
    """A 200 KB body that would inflate to 200 MB is refused at its cap of 1 MB."""
    bomb = gzip.compress(bytes(200_000_000), 9)
    tracemalloc.start()
    with pytest.raises(BodyRefused, match="larger than 1 MB"):
        _read("gzip", bomb, step=len(bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize(
    ("encoding", "raw", "reason"),
    [
        ("", bytes(1001), "larger than 0.001 MB"),
        ("gzip", b"not gzip at all", "broken"),
        ("gzip", gzip.compress(bytes(500), mtime=0)[:-4], "cut off"),
        ("br", b"", "not asked for"),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(encoding: str, raw: bytes, reason: str) -> None:
    """Too large, broken, cut off, unknown encoding: each says so."""
    with pytest.raises(BodyRefused, match=reason):
        _read(encoding, raw, max_bytes=1000, step=100)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_may_be_cut_is_cut(encoding: str) -> None:
    """With `cut` the beginning is kept, the rest left, and nothing is refused for its size."""
    raw = gzip.compress(b"x" * 5000) if encoding else b"x" * 5000
    body = BoundedBody(encoding, 1000, cut=True)
    body.declare("5000")
    body.feed(raw)
    assert body.is_full
    assert body.finish() == b"x" * 1000


def test_a_declared_length_is_enough_to_refuse() -> None:
    """What says that it is too large is not read; nonsense in its place says nothing."""
    with pytest.raises(BodyRefused, match="larger"):
        BoundedBody("", 1000).declare("99999999999999999999999999")
    BoundedBody("", 1000).declare("many")
