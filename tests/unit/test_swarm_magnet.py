"""swarm.magnet: BEP 9 and BEP 52 links."""

from __future__ import annotations

import base64

import pytest

from swarm.magnet import parse_magnet

V1 = "c334138ef5bfc2d568ea7324e0e2a3a7ec229bdd"


def test_hex_and_base32_are_the_same_infohash() -> None:
    """Both spellings of a v1 infohash read; name and trackers come along."""
    base32 = base64.b32encode(bytes.fromhex(V1)).decode().lower()
    hex_form = parse_magnet(
        f"magnet:?xt=urn:btih:{V1.upper()}&dn=Sintel%202010&tr=udp%3A%2F%2Ft%3A1"
    )
    assert hex_form.infohash == parse_magnet(f"magnet:?xt=urn:btih:{base32}").infohash
    assert hex_form.infohash.hex == V1
    assert (hex_form.name, hex_form.trackers) == ("Sintel 2010", ("udp://t:1",))


def test_v2_and_hybrid() -> None:
    """A v2 link is asked for by its cut infohash (BEP 52); a hybrid keeps v1 first."""
    v2 = "ab" * 32
    only_v2 = parse_magnet(f"magnet:?xt=urn:btmh:1220{v2}")
    assert only_v2.infohash.hex == v2[:40]
    assert only_v2.infohash_v2 == bytes.fromhex(v2)
    hybrid = parse_magnet(f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{v2}")
    assert (hybrid.infohash.hex, hybrid.infohash_v2) == (V1, bytes.fromhex(v2))


@pytest.mark.parametrize(
    "text", ["", "http://x", "magnet:?dn=x", "magnet:?xt=urn:btih:xyz", "magnet:?xt=urn:sha1:" + V1]
)
def test_others_are_refused(text: str) -> None:
    """What names no BitTorrent infohash is a ValueError."""
    with pytest.raises(ValueError, match="magnet"):
        parse_magnet(text)
