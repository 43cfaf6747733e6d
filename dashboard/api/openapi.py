"""The OpenAPI 3.1 document, made from the operations and their models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from dashboard.api.answers import Problem
from dashboard.api.operations import JSON, Operation
from dashboard.api.questions import Question
from dashboard.problems import PROBLEM_TYPE

PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(\w+)>")


def openapi_document(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    """What can be asked below /api/v1, what is taken, and what comes back."""
    models: list[tuple[Any, JsonSchemaMode]] = [(Problem, "serialization")]
    models += [(operation.answer, "serialization") for operation in operations]
    models += [(one.body, "validation") for one in operations if one.body is not None]
    _, schemas = models_json_schema(models, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        at = paths.setdefault(PREFIX + _VARIABLE.sub(r"{\1}", operation.path), {})
        at[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Swarm Atlas",
            "version": version,
            "description": "What the page knows, as JSON. Errors are problem+json (RFC 9457).",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "runs/access.token of the workspace. Reading takes it where "
                    "the page is not on loopback; starting a job takes it always.",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.function.__name__,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
        "responses": {
            str(operation.status): {
                "description": (operation.answer.__doc__ or "").strip(),
                "content": {operation.media_type: {"schema": _ref(operation.answer)}},
            },
            **_problems(operation),
        },
    }
    if operation.method == "GET":
        told["responses"]["304"] = {"description": "as it was, by If-None-Match"}
    if operation.needs_token:
        told["security"] = [{"token": []}]
    if operation.body is not None:
        content = {JSON: {"schema": _ref(operation.body)}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _problems(operation: Operation) -> dict[str, Any]:
    said = {
        "400": "a parameter does not read; names it",
        "401": "the token is missing or wrong",
        "429": "too many wrong tokens",
        "503": "the run does not read just now; ask again",
    }
    if operation.missing is not None:
        said["404"] = operation.missing
    if operation.method == "POST":
        said |= {"403": "from another site", "409": "another job is active", "413": "too large"}
    content = {PROBLEM_TYPE: {"schema": _ref(Problem)}}
    return {status: {"description": text, "content": content} for status, text in said.items()}


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _VARIABLE.findall(path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(query: type[Question]) -> Iterator[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=_REF)
    definitions = schema.get("$defs", {})
    for name, spec in schema.get("properties", {}).items():
        plain = {key: value for key, value in spec.items() if key not in ("title", "description")}
        if "$ref" in plain:  # an enumeration: small, so it is written out
            plain = definitions[plain.pop("$ref").rpartition("/")[2]] | plain
        yield {
            "name": name,
            "in": "query",
            "required": False,
            "description": spec.get("description", ""),
            "schema": plain,
        }


def _ref(model: type[Any]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
