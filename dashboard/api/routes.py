"""The API's routes: a request is checked, answered from memory where its state is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from polars.exceptions import PolarsError
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from dashboard.access import Access, refuse_token
from dashboard.api.openapi import PREFIX, openapi_document
from dashboard.api.operations import (
    OPERATIONS,
    Asked,
    NotHere,
    Operation,
    state_of,
)
from dashboard.api.questions import Narrowed
from dashboard.live import LiveView
from dashboard.problems import problem
from observatory.version import code_version
from swarm.errors import JobRefused, StorageError


def register(server: Flask, live: LiveView, access: Access) -> None:
    """Add the API below /api/v1, read-only but for starting a job."""
    version = code_version()
    document = openapi_document(OPERATIONS, version)
    for operation in OPERATIONS:
        server.add_url_rule(
            PREFIX + operation.path,
            endpoint=f"api {operation.function.__name__}",
            view_func=_view(operation, live, access, version),
            methods=[operation.method],
        )

    @server.get(f"{PREFIX}/openapi.json")
    def openapi() -> dict[str, Any]:
        return document

    @server.route("/api/", defaults={"path": ""})
    @server.route("/api/<path:path>")
    def nothing(path: str) -> Response:
        known = f"see {PREFIX}/openapi.json"
        return problem(404, f"The API has nothing at /api/{path[:100]}; {known}.")


def _view(
    operation: Operation, live: LiveView, access: Access, version: str
) -> Callable[..., AnyResponse]:
    def view(**path: str) -> AnyResponse:
        if operation.needs_token and (refusal := refuse_token(access)) is not None:
            return refusal
        try:
            query = operation.query.model_validate(_given(operation.query))
            body = None if operation.body is None else _read_body(operation.body)
            etag = _etag_of_state(live, query, path, version)
            if etag is not None and request.if_none_match.contains(etag):
                return _tagged(Response(status=304), etag)
            answer = operation.function(Asked(live, path, query, body))
        except ValidationError as error:
            return problem(400, _first(error))
        except NotHere as error:
            return problem(404, str(error))
        except JobRefused as error:
            return problem(409, str(error))
        except (StorageError, PolarsError, OSError) as error:
            return problem(503, f"This does not read just now, ask again: {str(error)[:200]}")
        text = answer.model_dump_json()
        response = Response(text, operation.status, content_type=operation.media_type)
        if operation.method != "GET":
            response.headers["Location"] = f"{PREFIX}{operation.path}/{getattr(answer, 'id', '')}"
            return response
        _tagged(response, etag or _hash(text))
        return response.make_conditional(request.environ)

    return view


def _given(query: type[BaseModel]) -> dict[str, Any]:
    """The query string as the model takes it: lists where it has lists, else one value each.

    A key that is given twice and is no list stays a list, which the model then refuses.
    """
    schema = query.model_json_schema()["properties"] if query.model_fields else {}
    return {
        key: values if len(values) > 1 or schema.get(key, {}).get("type") == "array" else values[0]
        for key, values in request.args.lists()
    }


def _read_body(model: type[BaseModel]) -> BaseModel:
    return model.model_validate_json(request.get_data())


def _first(error: ValidationError) -> str:
    """The first mistake, in one sentence that names where it is."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    return f"{where}: {first['msg']}"


def _etag_of_state(
    live: LiveView, query: BaseModel, path: dict[str, str], version: str
) -> str | None:
    """A tag that changes with the run's revision, so that nothing need be computed to know.

    None where the answer is not about a run: then the answer itself is the tag.
    """
    if not isinstance(query, Narrowed):
        return None
    key = state_of(live, path.get("id", getattr(query, "run", None)))
    return None if key is None else _hash(f"{key} {request.full_path} {version}")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _tagged(response: Response, etag: str) -> Response:
    response.set_etag(etag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
