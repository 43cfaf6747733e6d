"""Which addresses a scrape may ask."""

from __future__ import annotations

import asyncio

import pytest

from scraper.addresses import is_own_machine, refuse_private, same_site


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        ("http://site.example/a", "http://site.example/b", True),
        ("http://site.example", "https://www.site.example/b", True),
        ("https://site.example:443", "https://SITE.example/", True),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001/x", True),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8002/x", False),
        ("http://127.0.0.1:8001", "http://127.0.0.1/x", False),
        ("http://site.example", "http://site.example.evil.example", False),
        ("http://site.example", "http://site.example@evil.example", False),
        ("http://site.example", "file:///etc/passwd", False),
        ("http://site.example", "http://site.example:99999/", False),
        ("http://site.example", "http://[", False),
    ],
)
def test_what_is_on_the_same_site(own: str, other: str, expected: bool) -> None:
    """Same host but for "www.", same port or the step to https; nothing that only looks alike."""
    assert same_site(own, other) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x.torrent",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://224.0.0.1/",
        "http://localhost/",
        "http://0.0.0.0/",
        "file:///etc/passwd",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    """A link of a public site into this machine or its network is not followed."""
    with pytest.raises(ValueError, match=r"private|no address|not known"):
        asyncio.run(refuse_private(url, root_url="https://site.example"))


def test_the_users_own_site_may_be_private() -> None:
    """What root_url itself names is asked, wherever it is; public literals are too."""
    asyncio.run(refuse_private("http://127.0.0.1:8001/x", root_url="http://127.0.0.1:8001"))
    asyncio.run(refuse_private("http://1.1.1.1/x", root_url="http://127.0.0.1:8001"))


def test_own_machine_is_told_by_its_name() -> None:
    """Loopback literals and localhost, nothing else."""
    assert is_own_machine("http://127.9.9.9:1")
    assert is_own_machine("http://[::1]:1")
    assert is_own_machine("http://localhost")
    assert not is_own_machine("http://site.example")
