"""scripts.range_files: networks become ranges that cover everything and claim nothing new."""

from __future__ import annotations

import numpy as np

from scripts.range_files import cut_at_slash64, fill_gaps

BLOCK = 1 << 64
ROWS = np.array([1, 2], dtype=np.uint32)  # the rows of places 0 and 1


def test_gaps_are_unknown_and_neighbours_are_joined() -> None:
    """Row 0 stands between networks; two networks of one place are one range."""
    networks = [(2, 2, 0), (4, 4, 0), (8, 1, 1), (12, 2, 1)]
    lengths, rows = fill_gaps(networks, ROWS, 4)
    assert lengths == [2, 6, 1, 3, 2, 2]
    assert rows.tolist() == [0, 1, 2, 0, 2, 0]


def test_a_full_space_has_no_gap() -> None:
    """A network that reaches the last address needs no closing range; no network is one gap."""
    assert fill_gaps([(0, 16, 0)], ROWS, 4)[0] == [16]
    assert fill_gaps([], ROWS, 4)[0] == [16]


def test_a_split_slash64_goes_to_its_largest_part() -> None:
    """Beyond the /64 the larger part speaks for all of it, wherever it stands."""
    networks = [
        (0, 2 * BLOCK, 0),
        (2 * BLOCK, BLOCK // 4, 0),
        (2 * BLOCK + BLOCK // 2, BLOCK // 2, 1),
        (5 * BLOCK, 1, 0),
        (6 * BLOCK, BLOCK, 1),
        (7 * BLOCK, 1, 1),
    ]
    assert list(cut_at_slash64(iter(networks))) == [
        (0, 2, 0),
        (2, 1, 1),
        (5, 1, 0),
        (6, 1, 1),
        (7, 1, 1),
    ]
