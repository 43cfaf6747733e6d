"""Which client a peer id names (BEP 20), where the peer does not say it itself. Pure."""

from __future__ import annotations

import re

_AZUREUS = re.compile(rb"-([A-Za-z][A-Za-z0-9~])([0-9A-Za-z]{4})-", re.DOTALL)
_MAINLINE = re.compile(rb"M(\d{1,2})-(\d{1,2})-(\d{1,2})-", re.DOTALL)

# The codes of clients that are still met; any other is shown as it stands.
_AZUREUS_NAMES = {
    "AG": "Ares",
    "AZ": "Vuze",
    "BC": "BitComet",
    "BI": "BiglyBT",
    "BT": "BitTorrent",
    "DE": "Deluge",
    "FD": "Free Download Manager",
    "KT": "KTorrent",
    "LT": "libtorrent",
    "PI": "PicoTorrent",
    "SA": "Swarm Atlas",
    "SD": "Thunder",
    "TL": "Tribler",
    "TR": "Transmission",
    "TX": "Tixati",
    "UM": "uTorrent Mac",
    "UT": "uTorrent",
    "WW": "WebTorrent",
    "XL": "Thunder",
    "lt": "rTorrent",
    "qB": "qBittorrent",
}


def name_of_peer_id(peer_id: bytes) -> str | None:
    """The client and its version, such as `Transmission 3000`; None where the id tells nothing.

    Args:
        peer_id: 20 bytes.
    """
    if match := _AZUREUS.match(peer_id):
        code, version = match[1].decode(), match[2].decode()
        return f"{_AZUREUS_NAMES.get(code, code)} {version}"
    if match := _MAINLINE.match(peer_id):
        return "Mainline " + ".".join(part.decode() for part in match.groups())
    if match := re.match(rb"A2-(\d)-(\d{1,2})-(\d)-", peer_id):
        return "aria2 " + ".".join(part.decode() for part in match.groups())
    return None
