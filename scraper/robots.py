"""What a site's robots.txt allows us, and how fast (RFC 9309). Opens nothing: it is given a fetch.

Rules are read by Protego. What names other robots is taken out first: a hostile file could else
make a table of all names times all rules.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from protego import Protego

from scraper.answers import Answer, NoAnswer

OUR_NAME = "swarmatlas"
ROBOTS_BYTES = 512_000  # RFC 9309, section 2.5: at least 500 KiB must be read; the rest may be left
FORBIDDEN = "was not asked for: robots.txt forbids it"
LONGEST_DELAY_S = 120.0  # a site that wants more than this between two requests wants none
_ASK_AGAIN_S = 300.0  # after so long an unreadable robots.txt is asked for once more
# As generous as Protego, which takes lines without a colon too.
_AGENT = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:|\s)\s*([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What one site allows. `wait_s` is its own wish between two requests, 0 for none."""

    wait_s: float = 0.0
    refusal: str | None = None  # why all of the site is forbidden; None where it is not
    silent: bool = False  # the refusal is that nobody answered
    _rules: Protego | None = None

    def refuses(self, url: str) -> str | None:
        """Why this address may not be asked for, or None where it may."""
        if self.refusal is not None:
            return self.refusal
        if self._rules is None or self._rules.can_fetch(url, OUR_NAME):
            return None
        return FORBIDDEN


def read_robots(body: bytes) -> RobotsRules:
    """The rules that a robots.txt has for us; whatever the bytes are, the outcome is rules."""
    text = body[:ROBOTS_BYTES].decode("utf-8-sig", errors="replace")
    rules = Protego.parse("\n".join(_only_for_us(text)))
    wait_s = rules.crawl_delay(OUR_NAME) or 0.0
    rate = rules.request_rate(OUR_NAME)
    if rate is not None:
        too_slow = rate.seconds > rate.requests * LONGEST_DELAY_S
        wait_s = max(wait_s, LONGEST_DELAY_S + 1 if too_slow else rate.seconds / rate.requests)
    if wait_s > LONGEST_DELAY_S:
        return RobotsRules(
            refusal="was not asked for: robots.txt wants more than "
            f"{LONGEST_DELAY_S:g} s between two requests"
        )
    return RobotsRules(wait_s=wait_s, _rules=rules)


def _only_for_us(text: str) -> Iterator[str]:
    """All lines, but the names of other robots as one name, and once in a row."""
    others_before = False
    for line in text.splitlines():
        agent = _AGENT.match(line)
        name = agent[1].strip().lower().replace("*", "") if agent else ""
        is_other = agent is not None and name not in OUR_NAME
        if not (is_other and others_before):
            yield "User-agent: another robot" if is_other else line
        if agent is not None or line.strip():
            others_before = is_other


def rules_of(answer: Answer | NoAnswer) -> RobotsRules:
    """What an answer to the request for robots.txt means (RFC 9309, section 2.3.1)."""
    if isinstance(answer, NoAnswer):
        return RobotsRules(refusal=answer.reason, silent=answer.silent)
    if answer.status == 200:
        return read_robots(answer.body)
    if answer.status == 429:
        return RobotsRules(
            refusal="was not asked for: its robots.txt says that it was asked too often "
            "(status 429); wait a while"
        )
    if answer.status >= 500:
        return RobotsRules(
            refusal="was not asked for: its robots.txt is out of order "
            f"(status {answer.status}), which forbids everything until it is readable again"
        )
    return RobotsRules()  # there is none: all is allowed


class RobotsBook:
    """The rules of every site that is asked, each fetched once, by the `fetch` given."""

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[Answer | NoAnswer]],
        is_challenge: Callable[[Answer], bool] = lambda answer: answer.is_challenge,
    ) -> None:
        self._fetch = fetch
        self._is_challenge = is_challenge
        self._rules: dict[str, tuple[RobotsRules, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def rules(self, url: str) -> RobotsRules | Answer:
        """The rules of the address's site; or the challenge page that stands before them."""
        parts = urlsplit(url)
        where = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
        async with self._locks.setdefault(where, asyncio.Lock()):
            now_s = asyncio.get_running_loop().time()
            known, until_s = self._rules.get(where, (None, 0.0))
            if known is not None and now_s < until_s:
                return known
            answer = await self._fetch(where)
            if isinstance(answer, Answer) and self._is_challenge(answer):
                return answer
            rules = rules_of(answer)
            unreadable = isinstance(answer, NoAnswer) or answer.status not in range(200, 500)
            self._rules[where] = (rules, now_s + _ASK_AGAIN_S if unreadable else float("inf"))
            return rules
