"""Errors for programs, as RFC 9457 has them: `application/problem+json`."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response

PROBLEM_TYPE = "application/problem+json"


def problem(status: int, detail: str) -> Response:
    """An answer that says what was wrong and what to do; `type` about:blank is the status's own."""
    said = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    return Response(json.dumps(said), status, content_type=PROBLEM_TYPE)
