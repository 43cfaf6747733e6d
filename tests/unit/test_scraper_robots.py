"""What a robots.txt means for us."""

from __future__ import annotations

import asyncio

import pytest

from scraper.answers import Answer, NoAnswer
from scraper.robots import (
    FORBIDDEN,
    LONGEST_DELAY_S,
    ROBOTS_BYTES,
    RobotsBook,
    RobotsRules,
    read_robots,
    rules_of,
)

SITE = "http://site.example"


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /private", "/private/a", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/good", "/a/good/1", True),
        ("User-agent: *\nDisallow: /*.torrent$", "/x/y.torrent", False),
        ("User-agent: *\nDisallow: /*.torrent$", "/x/y.torrents", True),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: other\nUser-agent: SwarmAtlas\nDisallow: /", "/a", False),
        ("User-agent: SwarmAtlas\nAllow: /\n\nUser-agent: *\nDisallow: /", "/a", True),
        ("User-agent: a\nUser-agent: b\nDisallow: /\nUser-agent: *\nDisallow: /x", "/a", True),
        ("User-agent *\nDisallow /", "/a", False),
        ("\ufeffUser-agent: *\r\nDisallow: /", "/a", False),
    ],
)
def test_rules_are_read_as_rfc_9309_has_it(text: str, path: str, allowed: bool) -> None:
    """Groups, the longest match, wildcards and our own name; other robots' rules are not ours."""
    assert (read_robots(text.encode()).refuses(SITE + path) is None) is allowed


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("User-agent: *\nCrawl-delay: 2.5", 2.5),
        ("User-agent: *\nRequest-rate: 1/10", 10),
        ("User-agent: *\nRequest-rate: 2/1m\nCrawl-delay: 5", 30),
        ("User-agent: *\nCrawl-delay: -1", 0),
        ("User-agent: *\nCrawl-delay: inf", 0),
        ("User-agent: other\nCrawl-delay: 9", 0),
    ],
)
def test_a_site_may_wish_to_be_asked_more_slowly(text: str, wait_s: float) -> None:
    """Crawl-delay and Request-rate, the slower of both; nonsense is no wish."""
    assert read_robots(text.encode()).wait_s == wait_s


@pytest.mark.parametrize(
    "wish", ["Crawl-delay: 121", "Crawl-delay: 1e300", f"Request-rate: 1/{'9' * 4000}"]
)
def test_a_site_that_wants_hours_between_requests_is_left_alone(wish: str) -> None:
    """A wish beyond what is waited for counts as a refusal that says so."""
    rules = read_robots(f"User-agent: *\n{wish}".encode())
    assert f"more than {LONGEST_DELAY_S:g} s" in (rules.refuses(SITE + "/a") or "")


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (Answer(SITE, 404, {}, b""), None),
        (Answer(SITE, 403, {}, b"User-agent: *\nDisallow: /"), None),
        (Answer(SITE, 200, {}, b"<html>no rules</html>"), None),
        (Answer(SITE, 200, {}, b"User-agent: *\nDisallow: /"), FORBIDDEN),
        (Answer(SITE, 500, {}, b""), "status 500"),
        (Answer(SITE, 429, {}, b""), "status 429"),
        (NoAnswer(SITE, "does not answer in time", silent=True), "does not answer in time"),
    ],
)
def test_an_answer_for_robots_txt_means_what_rfc_9309_says(
    answer: Answer | NoAnswer, refusal: str | None
) -> None:
    """Not there: all is allowed. Out of order or silent: nothing is, with the reason."""
    said = rules_of(answer).refuses(SITE + "/a")
    assert said is refusal is None or (refusal or "") in (said or "-")


def test_a_hostile_file_is_read_in_bounded_work() -> None:
    """Thousands of names over thousands of rules are no table of millions.

    Without the filter the same file takes minutes and gigabytes; that is what the test's timeout
    and this machine's memory would tell.
    """
    names = "".join(f"User-agent: r{i}\n" for i in range(14_000))
    rules = "".join(f"Disallow: /{i}\n" for i in range(14_000))
    text = names + "User-agent: *\n" + rules
    assert ROBOTS_BYTES * 0.8 < len(text) < ROBOTS_BYTES
    assert read_robots(text.encode()).refuses(SITE + "/13999/x") == FORBIDDEN


def test_each_site_is_asked_once() -> None:
    """Many at a time and again later: one request per scheme, host and port."""
    asked: list[str] = []

    async def fetch(url: str) -> Answer:
        asked.append(url)
        await asyncio.sleep(0)
        return Answer(url, 404, {}, b"")

    async def ask() -> None:
        book = RobotsBook(fetch)
        async with asyncio.TaskGroup() as group:
            for i in range(9):
                group.create_task(book.rules(f"{SITE}/page/{i}"))
        assert isinstance(await book.rules(SITE + ":81/a?b#c"), RobotsRules)
        await book.rules(SITE + "/later")

    asyncio.run(ask())
    assert asked == [f"{SITE}/robots.txt", f"{SITE}:81/robots.txt"]


def test_a_challenge_says_nothing_and_is_handed_on() -> None:
    """A challenge page in its place is returned as it is, and robots.txt asked for again after."""
    answers = [
        Answer(SITE, 503, {}, b"<title>Just a moment...</title>"),
        Answer(SITE, 200, {}, b"User-agent: *\nDisallow: /"),
    ]

    async def fetch(_: str) -> Answer:
        return answers.pop(0)

    async def ask() -> None:
        book = RobotsBook(fetch)
        first = await book.rules(SITE + "/a")
        assert isinstance(first, Answer)
        assert first.is_challenge
        second = await book.rules(SITE + "/a")
        assert isinstance(second, RobotsRules)
        assert second.refuses(SITE + "/a") == FORBIDDEN

    asyncio.run(ask())


def test_a_challenge_by_the_sites_own_definition_says_nothing_either() -> None:
    """What the caller calls a challenge is handed on, though its status would forbid everything."""

    async def fetch(url: str) -> Answer:
        return Answer(url, 503, {}, b"prove that you are no robot")

    book = RobotsBook(fetch, lambda answer: b"no robot" in answer.body)
    assert isinstance(asyncio.run(book.rules(SITE + "/a")), Answer)
