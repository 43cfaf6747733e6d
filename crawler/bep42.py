"""BEP 42: whether a node's id agrees with its address. Pure.

An id begins with 21 bits of a CRC of the address, so that nobody can choose to stand next to a
key. Private and loopback addresses are exempt, as the BEP has it.
"""

from __future__ import annotations

from typing import Final

from crawler.addresses import BogonFilter
from crawler.family import ID_BYTES, IPV6

_POLYNOMIAL: Final = 0x82F63B78  # CRC32C, reflected
_PREFIX_MASK: Final = 0xFFFFF8  # the first 21 bits of three bytes

# What of an address counts, byte by byte; of the first, three more bits come from the id itself.
_MASK4: Final = bytes.fromhex("030f3fff")
_MASK6: Final = bytes.fromhex("0103070f1f3f7fff")
_SEED_BITS: Final = 7
_SEED_SHIFT: Final = 5

_LOCAL4 = BogonFilter(allow_local=False)
_LOCAL6 = BogonFilter(allow_local=False, family=IPV6)


def _crc32c(message: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in message:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _tables(mask: bytes) -> tuple[tuple[int, ...], ...]:
    """What each byte of a message does to its CRC, by place: a CRC is linear in its message.

    The CRC is the exclusive or of one entry of each table. In all but the first, bytes are masked.
    """
    width = len(mask)
    nothing = _crc32c(bytes(width))
    tables = []
    for place, bits in enumerate(mask):
        masked = 0xFF if place == 0 else bits
        start = nothing if place == 0 else 0
        tables.append(
            tuple(
                start
                ^ nothing
                ^ _crc32c(bytes(place) + bytes((byte & masked,)) + bytes(width - place - 1))
                for byte in range(256)
            )
        )
    return tuple(tables)


_TABLES4: Final = _tables(_MASK4)
_TABLES6: Final = _tables(_MASK6)
_CONTACT_BYTES: Final = 26


def id_agrees(contact: bytes) -> bool:
    """Whether a compact node's id is one that its address may have; always so in local nets.

    `contact` has 26 bytes, or 38 of IPv6, of which the first 64 bits of the address count.
    """
    seed = (contact[ID_BYTES - 1] & _SEED_BITS) << _SEED_SHIFT
    if len(contact) == _CONTACT_BYTES:
        first, second, third, fourth = _TABLES4
        crc = (
            first[contact[20] & _MASK4[0] | seed]
            ^ second[contact[21]]
            ^ third[contact[22]]
            ^ fourth[contact[23]]
        )
    else:
        crc = _TABLES6[0][contact[20] & _MASK6[0] | seed]
        for place in range(1, len(_MASK6)):
            crc ^= _TABLES6[place][contact[ID_BYTES + place]]
    prefix = contact[0] << 16 | contact[1] << 8 | contact[2]
    if not (prefix ^ crc >> 8) & _PREFIX_MASK:
        return True
    local = _LOCAL4 if len(contact) == _CONTACT_BYTES else _LOCAL6
    return local.is_bogus(contact[ID_BYTES:])
