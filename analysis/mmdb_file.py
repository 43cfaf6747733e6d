"""One MaxMind-format database file, asked for whole columns of addresses at once.

What a record holds is read by whoever opens the file: places (`analysis.mmdb`) or networks
(`analysis.networks`). Each record is decoded once, whatever number of addresses leads to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Generic, TypeVar

import maxminddb
import numpy as np
import numpy.typing as npt

from analysis.addresses import AddressColumns
from analysis.mmdb_tree import SearchTree
from analysis.ranges import RangeTable
from swarm.endpoint import packed16_to_address
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild

_RECORDS_LOOKED_AT = 1000  # how far to look for what is wanted before saying that it is not there
_READ_ERRORS = (maxminddb.InvalidDatabaseError, OSError, ValueError)
# What the licences of the free databases demand, by the beginning of the database's type.
_ATTRIBUTIONS = {
    "GeoLite2": (
        "This product includes GeoLite2 Data created by MaxMind, "
        "available from https://www.maxmind.com",
        "https://www.maxmind.com",
    ),
    "DBIP": ("IP Geolocation by DB-IP", "https://db-ip.com"),
}
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class MmdbFile(Generic[_Row]):
    """An open database whose records `read_record` turns into rows; `absent` where there is none.

    The search tree is held in memory, 8 bytes a node, and IPv4 as ranges, 8 bytes each; records
    are numbered from 1 on.
    """

    path: Path
    database: DatabaseBuild
    read_record: Callable[[Any], _Row]
    absent: _Row
    reader: maxminddb.Reader
    tree: SearchTree
    v4: RangeTable
    record_count: int
    _decoded: dict[int, _Row] = field(default_factory=dict, repr=False)

    def find(self, addresses: AddressColumns) -> tuple[list[_Row], npt.NDArray[np.intp]]:
        """The distinct rows that the addresses lead to, and which is whose.

        Raises:
            GeolocationError: a record of the database is damaged.
        """
        found = np.empty(len(addresses), dtype=np.uint32)
        found[addresses.rising_v4] = self.v4.find(addresses.low[addresses.rising_v4].astype("u4"))
        found[addresses.rising_v6] = self.tree.find_v6(addresses)
        found -= np.uint32(self.tree.node_count)
        # Records are numbered without gaps: tables take the place of a sort of millions.
        example = np.full(self.record_count + 1, -1, dtype=np.intp)
        example[found] = np.arange(len(found))
        records = np.flatnonzero(example >= 0)
        position = np.empty(len(example), dtype=np.intp)
        position[records] = np.arange(len(records))
        read = [
            self._read(record, addresses.packed(at))
            for record, at in zip(records.tolist(), example[records].tolist(), strict=True)
        ]
        return read, position[found]

    def _read(self, record: int, address: bytes) -> _Row:
        """What a record holds (0: there is none), read through one `address` that leads to it."""
        if record == 0:
            return self.absent
        row = self._decoded.get(record)
        if row is None:
            try:
                row = self.read_record(self.reader.get(packed16_to_address(address)))
            except _READ_ERRORS as error:
                raise GeolocationError(
                    f"{self.path}: a record is damaged ({error}); get the file anew"
                ) from error
            self._decoded[record] = row
        return row


def open_mmdb(
    path: Path,
    *,
    read_record: Callable[[Any], _Row],
    absent: _Row,
    is_wanted: Callable[[Any], bool],
    wanted: str,
) -> MmdbFile[_Row]:
    """Open the database at `path`, whose records must hold what is wanted.

    Raises:
        GeolocationError: there is no such file, it is no MaxMind database, it is cut off, or none
            of its first records `is_wanted`, and the sentence says that it holds no `wanted`.
    """
    try:
        reader = maxminddb.open_database(path)
        header = reader.metadata()
        tree = SearchTree.read(
            path, header.node_count, header.record_size, header.ip_version
        ).ranked()
        v4 = tree.v4_ranges()
        to_address = IPv6Address if header.ip_version == 6 else IPv4Address
        sample = tree.first_addresses(_RECORDS_LOOKED_AT)
        records = [reader.get(to_address(number)) for number in sample]
    except FileNotFoundError as error:
        raise GeolocationError(f"{path}: there is no such file") from error
    except _READ_ERRORS as error:
        raise GeolocationError(f"{path}: not a readable MaxMind database ({error})") from error
    if not any(map(is_wanted, records)):
        raise GeolocationError(
            f"{path}: a {header.database_type} database, which holds no {wanted}"
        )
    record_count = max(0, int(tree.children.max()) - tree.node_count)
    return MmdbFile(path, _build_of(header), read_record, absent, reader, tree, v4, record_count)


def _build_of(header: Any) -> DatabaseBuild:
    name = str(header.database_type) or "MaxMind-format database"
    attribution, url = next(
        (words for start, words in _ATTRIBUTIONS.items() if name.startswith(start)), (None, None)
    )
    return DatabaseBuild(name, _day_of(header.build_epoch), attribution, url)


def _day_of(epoch_s: int) -> date | None:
    try:
        return datetime.fromtimestamp(epoch_s, UTC).date() if epoch_s > 0 else None
    except (OverflowError, OSError, ValueError):
        return None
