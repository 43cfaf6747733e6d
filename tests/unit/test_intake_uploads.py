"""dashboard.intake: what a browser sends, decoded; what is nothing of that kind, refused."""

from __future__ import annotations

import pytest

from dashboard.intake import decode_upload, told
from observatory.intake import IntakeOutcome, IntakeState


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        ("data:application/x-bittorrent;base64,ZDQ=", b"d4"),
        ("data:;base64,", b""),
        ("data:", b""),
        ("data:text/plain,ZDQ=", None),
        ("data:;base64,###", None),
        ("data:;base64,ZDQ", None),
        ("data:;base64,\ud800", None),
        ("ZDQ=", None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_only_whole_data_urls_are_files(content: object, raw: bytes | None) -> None:
    """Base64 as browsers send it; anything else is None, never an exception."""
    assert decode_upload(content) == raw


def test_many_refusals_are_counted_not_listed() -> None:
    """Ten with their reason, the others as a number, the box in the colour of failure."""
    state = IntakeState.REFUSED
    shown, kind = told([IntakeOutcome(given=f"{n}", state=state, reason="bad") for n in range(25)])
    assert shown[0].children == "25 refused:"
    assert [row.children for row in shown[1].children][9:] == ["9: bad", "… and 15 more"]
    assert kind == "intake-result message failed"
