"""swarm.magnet: BEP 9 and BEP 52 links."""

from __future__ import annotations

import base64

import pytest

from swarm.magnet import parse_magnet, read_link

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


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        (f" {V1} ", f"magnet:?xt=urn:btih:{V1}"),
        (V1.upper(), f"magnet:?xt=urn:btih:{V1}"),
        ("B" * 32, f"magnet:?xt=urn:btih:{'B' * 32}"),
        ("c" * 64, f"magnet:?xt=urn:btmh:1220{'c' * 64}"),
        (f"MAGNET:?xt=urn:btih:{V1}&dn=a", f"MAGNET:?xt=urn:btih:{V1}&dn=a"),
    ],
)
def test_a_link_is_a_magnet_or_a_bare_infohash(text: str, uri: str) -> None:
    """A bare infohash, v1 or v2, becomes the magnet link that names it; a link stays itself."""
    found, magnet = read_link(text)
    assert found == uri
    assert magnet == parse_magnet(uri)


@pytest.mark.parametrize("text", ["", "a" * 39, "z" * 40, "a" * 63, f"{V1}\ud800", f"{V1}\x00"])
def test_what_is_no_link_is_refused(text: str) -> None:
    """Anything else is a ValueError, whatever characters are in it."""
    with pytest.raises(ValueError, match=r"neither a magnet|characters"):
        read_link(text)


def test_peers_and_web_seeds() -> None:
    """`x.pe` names peers by address (BEP 9), `ws` web seeds; a peer's host name is left out."""
    magnet = parse_magnet(
        f"magnet:?xt=urn:btih:{V1}&x.pe=192.0.2.7:6881&x.pe=[2001:db8::1]:51413"
        "&x.pe=peer.example:1&x.pe=192.0.2.7:0&ws=https%3A%2F%2Ffiles.example%2Ffilm"
    )
    assert [str(peer) for peer in magnet.peers] == ["192.0.2.7:6881", "[2001:db8::1]:51413"]
    assert magnet.web_seeds == ("https://files.example/film",)
