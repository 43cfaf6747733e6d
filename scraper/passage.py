"""Asks for pages of a site, past its challenge: one browser is sent, for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from scraper.challenge import pass_challenge
from scraper.events import ChallengePassed, ChallengeSeen
from scraper.fetcher import Answer, Fetcher, NoAnswer
from scraper.plan import ScrapePlan
from scraper.streaming import Emit
from swarm.errors import SiteError

_MAX_CHALLENGES = 2  # at the beginning, and once more where the cookies lose their worth
_MAX_ATTEMPTS = 3  # one request that meets challenge after challenge


class Passage:
    """The way to one site's answers, for several workers at a time."""

    def __init__(self, plan: ScrapePlan, fetcher: Fetcher, emit: Emit) -> None:
        self._plan = plan
        self._fetcher = fetcher
        self._emit = emit
        self._lock = asyncio.Lock()
        self._passed = 0

    async def get(
        self,
        url: str,
        get: Callable[[str], Awaitable[Answer | NoAnswer]],
        page_url: str | None = None,
    ) -> Answer | NoAnswer:
        """Ask, and pass the site's challenge if that is what comes.

        `page_url` is the page that links a file: a browser that is sent to the file itself saves
        it once it is let through, and goes on showing the challenge.

        Raises:
            SiteError: the challenge cannot be passed, or comes again and again.
        """
        for _ in range(_MAX_ATTEMPTS):
            passed = self._passed
            answer = await get(url)
            if not isinstance(answer, Answer) or not shows_challenge(self._plan, answer):
                return answer
            if not self._fetcher.is_own(answer.url):
                return NoAnswer(url, "stands behind another site's challenge page", silent=False)
            # A page is named by a listing, and so by a stranger: a browser goes to the site only.
            own_page = page_url if page_url and self._fetcher.is_own(page_url) else answer.url
            await self._pass(own_page, passed)
        raise SiteError(
            f"{url} shows its challenge page again though the browser passed it "
            f"{self._passed} times; the site does not want to be scraped. Name another one in "
            "config.txt (root_url)."
        )

    async def _pass(self, url: str, passed_before: int) -> None:
        """Send the browser, unless another worker's has come back meanwhile."""
        async with self._lock:
            if self._passed != passed_before:
                return
            if self._passed >= _MAX_CHALLENGES:
                raise SiteError(
                    f"{self._plan.root_url} shows a challenge page again and again; it was passed "
                    f"{_MAX_CHALLENGES} times. What was collected is kept. Wait longer between "
                    "pages (config.txt, wait), or name another site there (root_url)."
                )
            await self._emit(ChallengeSeen(url))
            own = self._plan.definition.challenge
            async with self._fetcher.turn(url):
                clearance = await pass_challenge(
                    url,
                    wait_s=self._plan.wait_challenge_s,
                    plan=self._plan.browser,
                    marks=own.contains if own is not None else (),
                    proxy=self._plan.proxy,
                )
            self._fetcher.become(clearance.user_agent, clearance.cookies)
            self._passed += 1
            await self._emit(ChallengePassed(url))


def shows_challenge(plan: ScrapePlan, answer: Answer) -> bool:
    """Whether it is a challenge page, by what is known everywhere or by the site's definition."""
    own = plan.definition.challenge
    return answer.is_challenge or (
        own is not None
        and answer.status in own.status
        and any(mark.encode() in answer.body for mark in own.contains)
    )
