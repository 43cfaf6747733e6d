"""scraper.feeds_addresses: no key of a feed's address is left in what is shown."""

from __future__ import annotations

import pytest

from scraper.feeds_addresses import holds_key, shown_address, without_keys


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "http://127.0.0.1:9117/dl/x/?jackett_apikey=abc123&file=night",
            "http://127.0.0.1:9117/dl/x/",
        ),
        ("https://me:hunter22@films.example/rss#top", "https://films.example/rss"),
        ("https://films.example/rss/0123456789abcdef01/new", "https://films.example/rss/…/new"),
        ("https://films.example/rss/debian-netinst", "https://films.example/rss/debian-netinst"),
        ("http://[::1]:80/rss", "http://[::1]:80/rss"),
        ("http://h:99999999/", "…"),
        (f"magnet:?dn=a&xt=urn:btih:{'a' * 40}&tr=http://t/key", f"magnet:?xt=urn:btih:{'a' * 40}"),
        ("magnet:?nothing", "magnet:"),
    ],
)
def test_an_address_is_shown_without_its_keys(url: str, shown: str) -> None:
    """Query, user, fragment and key-like path segments go; host and words stay."""
    assert shown_address(url) == shown


def test_a_text_is_freed_of_addresses_and_keys() -> None:
    """Also where a server repeats the key alone, and in links to other hosts; words stay."""
    feed = "http://h/abcdef0123456789/api?t=search&apikey=s3cr3t%2Bkey&cat=2000"
    said = (
        "key s3cr3t+key (s3cr3t%2Bkey) of abcdef0123456789 is bad, search "
        "http://other/x?passkey=zzzzzzzz or magnet:?xt=urn:btih:aa&tr=http://t/zzzzzzzz"
    )
    assert without_keys(said, feed) == (
        "key … (…) of … is bad, search http://other/x or magnet:?xt=urn:btih:aa"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://feeds.example/rss.xml", False),
        ("https://feeds.example/api?t=search&cat=2000", False),
        ("https://feeds.example/api?t=search&apikey=abc", True),
        ("https://feeds.example/rss?passkey", True),
        ("https://feeds.example/rss/0123456789abcdef0123/all", True),
        ("https://me@feeds.example/rss", True),
    ],
)
def test_an_address_with_a_key_is_known(url: str, expected: bool) -> None:
    """What a feed with a key gives is kept nowhere; one without may be."""
    assert holds_key(url) is expected
