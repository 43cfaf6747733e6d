"""Sentences of the page: numbers with separators, honest guesses, what goes and what stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard import words
from dashboard.markup import said_by
from observatory.job import Job, JobKind, JobState
from observatory.purge import PurgePreview
from swarm.place import DatabaseBuild, Databases

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JOB = Job(
    id=1,
    kind=JobKind.FETCH,
    state=JobState.RUNNING,
    created_at=NOON,
    started_at=NOON,
    ended_at=None,
    doing="Asking the DHT",
    done=0,
    total=2000,
    counts={},
    message=None,
    report=None,
)


@pytest.mark.parametrize(
    ("per_category", "root_url", "part"),
    [
        (3, "http://site", "8 categories x 3 = up to 24 torrents from http://site"),
        (1000, "http://site", "8 categories x 1,000 = up to 8,000 torrents"),
        (3, "", "root_url="),
        (0, "http://site", "A whole number"),
        (2.5, "http://site", "A whole number"),
        ("", "http://site", "A whole number"),
        (None, "http://site", "A whole number"),
        (10_001, "http://site", "1 to 10,000"),
    ],
)
def test_the_plan_says_how_many_or_what_is_missing(
    per_category: object, root_url: str, part: str
) -> None:
    """Categories times number and the site; else what to do about it."""
    assert part in words.scrape_plan(per_category, root_url, 8)


def test_the_plan_names_feeds() -> None:
    """Feeds alone are no missing site; beside a site they come on top."""
    assert words.scrape_plan(3, "", 8, 1).startswith("Reads 1 feed; no site is set")
    assert words.scrape_plan(3, "http://site", 8, 2).endswith("site, and what is in 2 feeds")


@pytest.mark.parametrize(
    ("torrents", "magnets", "said"),
    [
        (2, 1, "Counts the peers of 2 collected torrents and 1 magnet"),
        (0, 2, "Counts the peers of 2 magnets"),
        (1, 0, "Counts the peers of 1 collected torrent"),
        (0, 0, "No torrents yet: scrape some first, or add your own."),
    ],
)
def test_a_fetch_says_what_it_counts(torrents: int, magnets: int, said: str) -> None:
    """Torrents, magnets or both; without either, what to do."""
    assert words.torrents_kept(torrents, (), magnets) == said


@pytest.mark.parametrize(
    ("done", "elapsed_s", "said"),
    [
        (0, 60, "0 of 2,000"),
        (50, 60, "50 of 2,000"),
        (1000, 60, "1,000 of 2,000 · about 60 s left"),
        (1990, 60, "1,990 of 2,000 · a few seconds left"),
        (200, 500, "200 of 2,000 · about 75 min left"),
        (2000, 60, "2,000 of 2,000"),
    ],
)
def test_the_time_left_is_guessed_only_when_there_is_ground(
    done: int, elapsed_s: int, said: str
) -> None:
    """Nothing before a twentieth is done, coarse afterwards."""
    now = NOON + timedelta(seconds=elapsed_s)
    assert words.job_progress(replace(JOB, done=done), now) == said


def test_a_job_without_a_total_counts_up() -> None:
    """An unknown amount is no percentage."""
    assert words.job_progress(replace(JOB, done=1200, total=None), NOON) == "1,200"


def test_an_ending_is_told_in_the_jobs_own_words() -> None:
    """Kind, state and the sentence that the job left."""
    failed = replace(JOB, state=JobState.FAILED, message="no DHT node answered")
    assert words.job_result(failed) == "Fetching peers failed: no DHT node answered"
    cancelled = replace(JOB, state=JobState.CANCELLED)
    assert words.job_result(cancelled).endswith("what was collected until then is kept.")


def test_the_purge_question_names_what_goes_and_what_stays() -> None:
    """Runs, peers and bytes go; torrents stay; with nothing to delete it says so."""
    sentence = words.purge_sentence(PurgePreview(3, 22_820, 14_200_000, 24))
    assert "3 runs with 22,820 peers (14.2 MB)" in sentence
    assert "24 collected torrents will be kept" in sentence
    assert "nothing to delete" in words.purge_sentence(PurgePreview(0, 0, 0, 1))


def test_an_old_database_is_called_old() -> None:
    """Name and date always; a warning after 90 days; imports name their record."""
    build = Databases(DatabaseBuild("DB-IP City Lite", date(2026, 6, 1), None, None))

    def said(day: date, databases: Databases | None = build) -> str:
        return str(said_by(databases, day))

    assert "days old" not in said(date(2026, 8, 30))
    assert "91 days old" in said(date(2026, 8, 31))
    assert "imported record" in said(date(2026, 8, 31), None)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(1, 1_201, "+1,200"), (3, 0, "-3"), (2, 2, "0"), (None, 4, "—"), (4, None, "—")],
)
def test_a_difference_has_its_sign(before: int | None, after: int | None, text: str) -> None:
    """What is not known of a run makes no difference of zero."""
    assert words.difference(before, after) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0 %"), (0.0001, "< 0.1 %"), (0.1176, "11.8 %"), (1, "100.0 %")]
)
def test_a_small_share_is_not_nothing(share: float, text: str) -> None:
    """Rounding never turns somebody into nobody."""
    assert words.percent(share) == text
