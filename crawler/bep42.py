"""BEP 42: whether a node's id agrees with its address. Pure.

An id begins with 21 bits of a CRC of the address, so that nobody can choose to stand next to a
key. Private and loopback addresses are exempt, as the BEP has it.
"""

from __future__ import annotations

from crawler.addresses import BogonFilter
from crawler.krpc import CONTACT_BYTES, ID_BYTES

_POLYNOMIAL = 0x82F63B78  # CRC32C, reflected
_ADDRESS_MASK = 0x030F3FFF
_PREFIX_MASK = 0xFFFFF8  # the first 21 bits of three bytes

_LOCAL = BogonFilter(allow_local=False)


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_of_byte(value) for value in range(256))


def _crc32c(message: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in message:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def id_agrees(contact: bytes) -> bool:
    """Whether a 26-byte contact's id is one that its address may have; always so in local nets."""
    assert len(contact) == CONTACT_BYTES
    seed = contact[ID_BYTES - 1] & 7
    address = int.from_bytes(contact[ID_BYTES : ID_BYTES + 4])
    crc = _crc32c(((address & _ADDRESS_MASK) | seed << 29).to_bytes(4))
    if not (int.from_bytes(contact[:3]) ^ crc >> 8) & _PREFIX_MASK:
        return True
    return _LOCAL.is_bogus(contact[ID_BYTES:])
