"""When the site as a whole is to blame, one sentence says so."""

from __future__ import annotations

import pytest

from scraper.fetcher import Answer, NoAnswer
from scraper.verdict import SiteVerdict
from swarm.errors import SiteError

ROOT = "http://site.example"
SILENT = NoAnswer(f"{ROOT}/x", "does not answer in time", silent=True)


def _status(status: int) -> Answer:
    return Answer(f"{ROOT}/x", status, {}, b"")


def test_silence_at_the_first_listing_ends_it() -> None:
    """No answer before anything was listed: the address and what to edit are named."""
    with pytest.raises(SiteError, match=r"site.example/x does not answer.*root_url in config.txt"):
        SiteVerdict(ROOT).listing(SILENT)


def test_too_many_requests_is_heeded_at_once() -> None:
    """A first answer of 429 is not followed by seven more questions."""
    with pytest.raises(SiteError, match="429"):
        SiteVerdict(ROOT).listing(_status(429))


def test_one_missing_category_is_only_reported() -> None:
    """A 404 is that category's problem while another lists something."""
    verdict = SiteVerdict(ROOT)
    assert verdict.listing(_status(404)) == "is not there (status 404)"
    assert verdict.listing(_status(200)) is None
    verdict.rows += 1
    verdict.conclude()


def test_problems_everywhere_are_the_sites() -> None:
    """Where no category listed anything, the first problem is the verdict."""
    verdict = SiteVerdict(ROOT)
    verdict.listing(_status(500))
    verdict.listing(_status(404))
    with pytest.raises(SiteError, match="out of order"):
        verdict.conclude()


def test_an_empty_site_is_told_apart() -> None:
    """A site that answers but lists nothing is another sentence than one that does not answer."""
    verdict = SiteVerdict(ROOT)
    verdict.listing(_status(200))
    with pytest.raises(SiteError, match="no category page lists a torrent"):
        verdict.conclude()


def test_a_site_that_goes_silent_is_left() -> None:
    """Five pages in a row without an answer end the scrape; an answer between resets the count."""
    verdict = SiteVerdict(ROOT)
    verdict.rows = 1
    for answer in (SILENT, SILENT, SILENT, SILENT, _status(404), SILENT, SILENT, SILENT, SILENT):
        verdict.answered(answer)
    with pytest.raises(SiteError, match="stopped answering"):
        verdict.answered(SILENT)
