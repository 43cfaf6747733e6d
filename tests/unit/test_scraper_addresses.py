"""Which addresses a scrape may ask."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from scraper.addresses import (
    AddressGuard,
    AddressRefused,
    IPAddress,
    Resolve,
    host_of,
    is_near,
    is_public,
    named_address,
    same_site,
    without_credentials,
)


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


PRIVATE = [
    "http://127.0.0.1:9/x.torrent",
    "http://10.1.2.3/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://224.0.0.1/",
    "http://localhost/",
    "http://0.0.0.0/",
    "http://127.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://router.lan/",
    "http://nas/",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_refused(url: str) -> None:
    """A link of a public site into this machine or its network is refused as it is written."""
    with pytest.raises(AddressRefused, match=r"private|no address of the web"):
        AddressGuard(["https://site.example"]).check(url)


def test_the_users_own_sites_may_be_private() -> None:
    """What root_url or a feed names is let pass, wherever it is; public literals are too."""
    guard = AddressGuard(["http://127.0.0.1:8001", "http://nas:9117/feed"])
    for url in ("http://127.0.0.1:8001/x", "http://nas:9117/y", "http://1.1.1.1/x"):
        guard.check(url)
    with pytest.raises(AddressRefused, match="private"):
        guard.check("http://nas:9118/")


def _resolver(*answers: str) -> Resolve:
    async def resolve(_: str) -> list[IPAddress]:
        return [ipaddress.ip_address(answer) for answer in answers]

    return resolve


@pytest.mark.parametrize("second", ["127.0.0.1", "10.0.0.1", "::1", "169.254.169.254"])
def test_a_name_with_one_private_address_is_refused(second: str) -> None:
    """A public name that leads into a private network too (DNS rebinding) is not connected to."""
    guard = AddressGuard(["https://site.example"], _resolver("1.1.1.1", second))
    with pytest.raises(AddressRefused, match="private"):
        asyncio.run(guard.addresses("evil.example", 80))


def test_the_users_own_name_may_lead_anywhere() -> None:
    """The host of root_url on its own port, and no other port of it."""
    guard = AddressGuard(["http://site.example:8001"], _resolver("127.0.0.1"))
    found = asyncio.run(guard.addresses("site.example", 8001))
    assert found == [ipaddress.ip_address("127.0.0.1")]
    with pytest.raises(AddressRefused, match="private"):
        asyncio.run(guard.addresses("site.example", 8002))


def test_what_is_near_is_told_as_it_is_written() -> None:
    """Private addresses and local names, nothing else."""
    assert all(is_near(url) for url in PRIVATE if url.startswith("http"))
    for url in ("http://site.example", "http://1.1.1.1", "http://[2606:4700::1]/", "nonsense"):
        assert not is_near(url)


def test_a_host_is_one_host_however_it_is_written() -> None:
    """Case, "www.", a dot at the end, a port and a user name make no other host."""
    spellings = (
        "http://site.example",
        "https://WWW.Site.example.:444/x",
        "http://a:b@site.example",
    )
    assert {host_of(url) for url in spellings} == {"site.example"}
    assert host_of("http://[") == ""


@pytest.mark.parametrize(
    "address", ["64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "::127.0.0.1", "fec0::1"]
)
def test_an_ipv4_address_in_an_ipv6_one_is_judged_by_itself(address: str) -> None:
    """NAT64, 6to4 and the old compatible form do not lead into a private network."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["64:ff9b::808:808", "2002:808:808::", "2606:4700::1"])
def test_public_addresses_stay_public(address: str) -> None:
    """The same forms around a public address are public."""
    assert is_public(ipaddress.ip_address(address))


def test_a_report_names_no_secret() -> None:
    """No user before the @, of a magnet its infohash alone, one line, 500 characters."""
    assert named_address("http://me:pw@site.example/a?id=7") == "http://site.example/a?id=7"
    assert named_address("http://site.example/a@b") == "http://site.example/a@b"
    magnet = f"magnet:?xt=urn:btih:{'a' * 40}&tr=http://t.example/passkey"
    assert named_address(magnet) == f"magnet:?xt=urn:btih:{'a' * 40}"
    assert named_address("http://site.example/\x1b[2J" + "x" * 900) == (
        "http://site.example/ [2J" + "x" * 476
    )


def test_credentials_are_split_off() -> None:
    """User and password are decoded; an address without them stays as it is."""
    assert without_credentials("http://me:p%20w@site.example:81/x") == (
        "http://site.example:81/x",
        ("me", "p w"),
    )
    assert without_credentials("http://site.example/") == ("http://site.example/", None)
