"""AddressKeeping: how much of a peer's address a run keeps, by the user's choice."""

from __future__ import annotations

from enum import StrEnum


class AddressKeeping(StrEnum):
    """What `store_addresses` in config.txt may say."""

    NO = "no"  # pseudonyms only
    PREFIX = "prefix"  # and the /24 (IPv4) or /48 (IPv6) that the address is in
    YES = "yes"  # and the whole address, and the port
