"""Whether another try makes sense, and after which pause. Opens nothing and reads no clock.

Only what passes is tried again: a timeout, a broken connection, 429 and 5xx. `Retry-After` is
read as RFC 9110, section 10.2.3, has it: seconds, or a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from scraper.answers import CUT_OFF, TIMED_OUT, Answer, NoAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRules:
    """How often and how patiently; seconds."""

    tries: int
    backoff_s: float  # doubled at each try
    longest_wait_s: float  # a wish beyond this is not waited for: the answer stands

    def wait_s(
        self, answer: Answer | NoAnswer, *, attempt: int, jitter: float, now: datetime
    ) -> float | None:
        """Seconds until another try makes sense, or None where it does not.

        Args:
            answer: what came.
            attempt: how many were made, this one included.
            jitter: about 1; what the pause is multiplied by, so that not all come back at once.
            now: aware; read only where the server does not tell its own time.
        """
        if attempt >= self.tries or not _passes(answer):
            return None
        wait_s = self.backoff_s * 2 ** (attempt - 1) * jitter
        if isinstance(answer, Answer):
            wait_s = max(wait_s, retry_after_s(answer.headers, now) or 0.0)
        return wait_s if wait_s <= self.longest_wait_s else None


def _passes(answer: Answer | NoAnswer) -> bool:
    if isinstance(answer, NoAnswer):
        return answer.reason in (TIMED_OUT, CUT_OFF)
    return (answer.status == 429 or answer.status >= 500) and not answer.is_challenge


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that `retry-after` asks for, at least 0; None where it is absent or no wish.

    A date is held against the server's own `date` where there is one: its clock may be wrong.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdecimal():
        return float(asked[:12])
    until = _date(asked)
    if until is None:
        return None
    return max(0.0, (until - (_date(headers.get("date", "")) or now)).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
