"""How a job ended, for a person: its closing sentence, and what its report says line by line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard import words
from observatory.job import Job
from observatory.jobs import MetadataRow, SiteReport

_MOST_LINES = 100


def ending(job: Job) -> list[Any]:
    """The closing sentence; below it, to be opened, the report: per site, per magnet, refusals."""
    sentence = html.P(words.job_result(job))
    lines = report_lines(job.report or {})
    if not lines:
        return [sentence]
    shown = [html.Li(line) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(html.Li(f"… and {len(lines) - _MOST_LINES:,} more"))
    return [sentence, html.Details([html.Summary(words.REPORT), html.Ul(shown)])]


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """One line for each site and feed, for each magnet, and for each thing passed over."""
    sites = [SiteReport.model_validate(site).sentence for site in report.get("sites", [])]
    magnets = [
        words.magnet_line(MetadataRow.model_validate(row)) for row in report.get("outcomes", [])
    ]
    return [*sites, *magnets, *map(str, report.get("refused", []))]
