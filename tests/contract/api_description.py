"""A request to GitLab is checked against GitLab's own API description, mended by an overlay of ours.

The description lies in the shared folder (`SLUICE_SHARED`, else `../shared`); without it a test that asks skips
visibly, and fails under `CI`. Used by every test that records what the bot sent:

    assert [fault for one in gitlab.ledger.requests for fault in check_recorded(one)] == []
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from urllib.parse import unquote

from contract.api_overlay import EXTRA_BODY_PROPERTIES, EXTRA_QUERY, MISSING_OPERATIONS, PAGING
from jsonschema import Draft202012Validator
from shared_payloads import shared_file

PREFIX = "/api/v4"
FOLDER = "contracts/gitlab-api"
_TYPES = {"symbol": "string", "text": "string"}
_BOOLEANS = {"true", "false", "1", "0", "yes", "no"}


@dataclass(frozen=True, kw_only=True)
class Described:
    """One operation: its query parameters by name, its body's JSON Schema (None: unknown or none)."""

    query: Mapping[str, dict[str, Any]]
    body: dict[str, Any] | None


class Recorded(Protocol):
    """What the sandbox's ledger keeps of a request."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> str: ...
    @property
    def query(self) -> Mapping[str, Any]: ...
    @property
    def body(self) -> Mapping[str, object] | None: ...


def check_recorded(request: Recorded) -> list[str]:
    """Check one request of the sandbox's ledger; Git pushes are no API requests and always pass."""
    if request.method == "GIT":
        return []
    return check_request(request.method, request.raw_path, request.query, request.body)


def check_request(method: str, path: str, query: Mapping[str, Any], body: Mapping[str, object] | None) -> list[str]:
    """Return what is wrong with a request, each fault a sentence; `path` with or without `/api/v4`, `%2F` kept."""
    segments = _segments(path.removeprefix(PREFIX).split("?", 1)[0])
    if not any(_fits(template, segments) for template in _routes()):
        return [f"{method} {path}: GitLab has no such path"]
    known = {verb: operation for (verb, template), operation in _described().items() if _fits(template, segments)}
    if not known:
        return []
    operation = _most_exact(method.lower(), segments)
    if operation is None:
        return [f"{method} {path}: GitLab knows this path only by {sorted(known)}"]
    where = f"{method} {path}"
    return [
        *(f"{where}: {fault}" for fault in _query_faults(operation, query)),
        *(f"{where}: {fault}" for fault in _body_faults(operation, method.lower(), body)),
    ]


def _query_faults(operation: Described, query: Mapping[str, Any]) -> list[str]:
    faults = []
    for name, value in query.items():
        schema = operation.query.get(name) or PAGING.get(name)
        if schema is None:
            faults.append(f"there is no query parameter {name}")
        elif not _fits_type(schema, value):
            faults.append(f"the query parameter {name} cannot be {value!r}")
    return faults


def _body_faults(operation: Described, method: str, body: Mapping[str, object] | None) -> list[str]:
    if operation.body is None:
        return [f"{method} takes no body"] if body and method == "get" else []
    errors = Draft202012Validator(operation.body).iter_errors(dict(body or {}))
    return [f"{'.'.join(str(step) for step in error.path) or 'body'}: {error.message}" for error in errors]


def _fits_type(schema: Mapping[str, Any], value: Any) -> bool:
    values = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    if "enum" in schema and not set(values) <= {str(one) for one in schema["enum"]}:
        return False
    match schema.get("type"):
        case "integer":
            return all(one.lstrip("-").isdecimal() for one in values)
        case "boolean":
            return all(one.lower() in _BOOLEANS for one in values)
        case _:
            return True


def _most_exact(method: str, segments: tuple[str, ...]) -> Described | None:
    fitting = [
        (template, operation)
        for (verb, template), operation in _described().items()
        if verb == method and _fits(template, segments)
    ]
    if not fitting:
        return None
    return min(fitting, key=lambda one: sum(step.startswith(("{", ":")) for step in one[0]))[1]


def _fits(template: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(template) == len(segments) and all(
        wanted.startswith(("{", ":")) or wanted == unquote(given)
        for wanted, given in zip(template, segments, strict=True)
    )


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


@cache
def _routes() -> frozenset[tuple[str, ...]]:
    listed = shared_file(f"{FOLDER}/gitlab-routes-client-go-2.64.0.txt").read_text().split()
    return frozenset({_segments(line) for line in listed} | {template for _, template in _described()})


@cache
def _described() -> dict[tuple[str, tuple[str, ...]], Described]:
    document = json.loads(shared_file(f"{FOLDER}/gitlab-openapi-v2-2025-03-bot-subset.json").read_text())
    found = {
        (verb, path.removeprefix(PREFIX)): _operation(document, verb, path.removeprefix(PREFIX), operation)
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
    }
    added = {key: Described(query=one.query, body=one.body) for key, one in MISSING_OPERATIONS.items()}
    return {(verb, _segments(path)): one for (verb, path), one in {**added, **found}.items()}


def _operation(document: dict[str, Any], verb: str, path: str, operation: dict[str, Any]) -> Described:
    query = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
    bodies = [one["schema"] for one in operation.get("parameters", []) if one["in"] == "body"]
    schema = _schema(document, bodies[0]) if bodies else None
    if schema is not None:
        schema["properties"] = {**schema.get("properties", {}), **EXTRA_BODY_PROPERTIES.get((verb, path), {})}
        schema["additionalProperties"] = False
    return Described(query={**query, **EXTRA_QUERY.get((verb, path), {})}, body=schema)


def _schema(document: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Turn Swagger 2 into JSON Schema; every array may also come as GitLab's comma list."""
    if "$ref" in given:
        return _schema(document, document["definitions"][given["$ref"].rsplit("/", 1)[-1]])
    kind = _TYPES.get(given.get("type", ""), given.get("type"))
    schema: dict[str, Any] = {"type": kind} if kind else {}
    if "enum" in given:
        schema["enum"] = given["enum"]
    if "required" in given and isinstance(given["required"], list):
        schema["required"] = given["required"]
    if "properties" in given:
        schema["properties"] = {name: _schema(document, one) for name, one in given["properties"].items()}
    if kind == "array":
        schema["items"] = _schema(document, given.get("items", {}))
        return {"anyOf": [schema, {"type": "string"}]}
    return schema
