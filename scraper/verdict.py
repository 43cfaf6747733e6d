"""Judges the site as a whole: does it answer, does it list anything. Opens nothing.

What goes wrong with one page is that page's affair; here it is told when it is the site's, and
said in one sentence that names what was tried and what to edit.
"""

from __future__ import annotations

from scraper.definition import SiteDefinition
from scraper.fetcher import Answer, NoAnswer
from swarm.errors import SiteError

_MAX_SILENCES = 5  # pages without any answer, one after another, before the site counts as gone
_EDIT = "Check root_url in config.txt"


class SiteVerdict:
    """Takes each answer of the site; raises when it is useless to go on."""

    def __init__(self, root_url: str) -> None:
        self.rows = 0  # listed so far
        self._root_url = root_url
        self._silences = 0
        self._first_problem: tuple[str, str] | None = None
        self._nothing_found: str | None = None

    def listing(self, answer: Answer | NoAnswer) -> str | None:
        """Why this listing could not be read, or None where it could.

        Raises:
            SiteError: the site does not answer, or asks to be left alone.
        """
        self.answered(answer)
        if isinstance(answer, Answer) and answer.status == 200:
            return None
        problem = answer.reason if isinstance(answer, NoAnswer) else status_reason(answer.status)
        if self._first_problem is None:
            self._first_problem = (answer.url, problem)
        too_many = isinstance(answer, Answer) and answer.status == 429
        if not self.rows and (too_many or _is_silence(answer)):
            raise SiteError(self._sentence(answer.url, problem))
        return problem

    def nothing_found(self, url: str, site: SiteDefinition, matched: int) -> str:
        """Note a listing that was read and gave no row; which selector found nothing."""
        rows = site.search.rows.selector.css
        problem = (
            f"{rows} ({site.file}, search.rows.selector) found nothing"
            if not matched
            else f"{rows} found {matched} rows, but none with a title and a link "
            f"({site.file}, search.fields)"
        )
        if self._nothing_found is None:
            self._nothing_found = (
                f"{self._root_url} answers, but no category page lists a torrent: on {url} "
                f"{problem}. {_EDIT}: is that a site of this definition ({site.name[:60]})? If "
                "not, name another one there (site)."
            )
        return problem

    def answered(self, answer: Answer | NoAnswer) -> None:
        """Note whether there was an answer.

        Raises:
            SiteError: the site has stopped answering.
        """
        self._silences = self._silences + 1 if _is_silence(answer) else 0
        if self._silences >= _MAX_SILENCES:
            raise SiteError(
                f"{self._root_url} has stopped answering: {self._silences} pages in a row, "
                f"the last {answer.url}. What was collected so far is kept; try again later. "
                f"{_EDIT}."
            )

    def conclude(self) -> None:
        """The last word, when all categories have been asked.

        Raises:
            SiteError: none of them listed anything.
        """
        if self.rows:
            return
        if self._first_problem is not None:
            raise SiteError(self._sentence(*self._first_problem))
        if self._nothing_found is not None:
            raise SiteError(self._nothing_found)
        raise SiteError(
            f"{self._root_url} answers, but no category page lists a torrent. {_EDIT}: is it the "
            "site that you meant?"
        )

    def _sentence(self, url: str, problem: str) -> str:
        return f"Nothing could be listed: {url} {problem}. {_EDIT} (now {self._root_url})."


def _is_silence(answer: Answer | NoAnswer) -> bool:
    return isinstance(answer, NoAnswer) and answer.silent


def status_reason(status: int) -> str:
    """An HTTP status as the end of a sentence that begins with an address."""
    match status:
        case 404 | 410:
            return f"is not there (status {status})"
        case 429:
            return "says that it was asked too often (status 429); wait a while"
        case _ if status >= 500:
            return f"is out of order (status {status})"
        case _:
            return f"answers with status {status}"
