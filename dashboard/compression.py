"""Answers as gzip, where the browser takes it and it pays.

BREACH: whoever may put text of his own beside a secret into one compressed body can guess the
secret by its length. No body of ours holds one: token and session are in headers only.
"""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict

from flask import Flask, Response, request

LEAST_BYTES = 1_000
_LEVEL = 5
_KEPT_FILES = 200  # all of Dash's and ours are about 100
_TEXT = frozenset(
    {
        "application/geo+json",
        "application/javascript",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "text/css",
        "text/csv",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)


def compress_answers(server: Flask) -> None:
    """Compress what the server sends; a file of the page once, and not for each reader."""
    kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
    lock = threading.Lock()

    def compressed_once(key: tuple[str, str], body: bytes) -> bytes:
        with lock:
            if key not in kept:
                kept[key] = gzip.compress(body, _LEVEL, mtime=0)
                while len(kept) > _KEPT_FILES:
                    kept.popitem(last=False)
            kept.move_to_end(key)
            return kept[key]

    @server.after_request
    def compress(response: Response) -> Response:
        if not _pays(response):
            return response
        response.vary.add("Accept-Encoding")
        if not request.accept_encodings["gzip"]:
            return response
        is_file = response.direct_passthrough
        response.direct_passthrough = False
        body = response.get_data()
        etag, _weak = response.get_etag()
        if is_file and etag is not None:
            response.set_data(compressed_once((request.path, etag), body))
        else:
            response.set_data(gzip.compress(body, _LEVEL, mtime=0))
        if etag is not None:
            response.set_etag(etag, weak=True)  # other bytes, the same meaning
        response.headers["Content-Encoding"] = "gzip"
        return response


def _pays(response: Response) -> bool:
    """Whether it is text of some length, whole, and not a stream that is still being made."""
    return (
        response.status_code == 200
        and response.mimetype in _TEXT
        and (response.content_length or 0) >= LEAST_BYTES
        and "Content-Encoding" not in response.headers
    )
