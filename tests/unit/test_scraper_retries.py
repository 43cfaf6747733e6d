"""When it is worth trying again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from scraper.answers import CUT_OFF, TIMED_OUT, Answer, NoAnswer
from scraper.retries import RetryRules, retry_after_s

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RULES = RetryRules(tries=3, backoff_s=0.5, longest_wait_s=30)
CHALLENGE = b"<title>Just a moment...</title>"


def _wait(answer: Answer | NoAnswer, attempt: int = 1) -> float | None:
    return RULES.wait_s(answer, attempt=attempt, jitter=1.0, now=NOW)


@pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504, 599])
def test_what_passes_is_tried_again(status: int) -> None:
    """429 and every 5xx, with pauses that double, and no more often than allowed."""
    answer = Answer("", status, {}, b"")
    assert [_wait(answer, attempt) for attempt in (1, 2, 3)] == [0.5, 1.0, None]


@pytest.mark.parametrize("reason", [TIMED_OUT, CUT_OFF])
def test_silence_is_tried_again(reason: str) -> None:
    """A timeout and a broken connection are."""
    assert _wait(NoAnswer("", reason, silent=True)) == 0.5


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer("", status, {}, b"") for status in (200, 304, 400, 401, 403, 404, 410)),
        Answer("", 503, {}, CHALLENGE),
        NoAnswer("", "does not answer (refused)", silent=True),
        NoAnswer("", "was refused: too large", silent=False),
    ],
)
def test_what_stays_is_not_tried_again(answer: Answer | NoAnswer) -> None:
    """Neither what is final, nor a challenge, nor a refused connection."""
    assert _wait(answer) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 5000}, 999_999_999_999),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=9), usegmt=True)}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 99:99:99 GMT"}, None),
        (
            {
                "retry-after": "Sat, 21 Nov 2020 00:00:20 GMT",
                "date": "Sat, 21 Nov 2020 00:00:00 GMT",
            },
            20,
        ),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    """A date counts from the server's own clock; nonsense is no wish."""
    assert retry_after_s(headers, NOW) == seconds


def test_a_wish_is_honoured_or_the_answer_stands() -> None:
    """Retry-After lengthens the pause, never shortens it; beyond the longest there is no try."""
    assert _wait(Answer("", 429, {"retry-after": "30"}, b"")) == 30
    assert _wait(Answer("", 503, {"retry-after": "0"}, b"")) == 0.5
    assert _wait(Answer("", 429, {"retry-after": "31"}, b"")) is None
