"""The OpenAPI 3.1 document, made from the same table and forms as the answers, so that it cannot say something else."""

from collections.abc import Iterable
from importlib.metadata import version

import msgspec

from bot.api.forms import Refusal
from bot.api.operations import Operation, Parameter

REFUSALS = {
    "400": "The request cannot be understood.",
    "401": "No live token came with it, or none is configured.",
    "404": "What was named does not exist; `do` names what does.",
    "409": "A person must mend something first.",
    "503": "It cannot be done now and may heal by itself.",
}
Json = dict[str, object]


def document(operations: Iterable[Operation], prefix: str) -> Json:
    """The whole document; `prefix` is where the API is mounted."""
    table = tuple(operations)
    forms = {form: None for operation in table for form in (operation.answers, operation.body) if form is not None}
    forms[Refusal] = None
    place = "#/components/schemas/{name}"
    _, schemas = msgspec.json.schema_components(list(forms), schema_hook=_any_json, ref_template=place)
    paths: dict[str, Json] = {}
    for operation in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": version("sluice"),
            "description": "What Sluice knows, why it decides as it does, and what it can be asked to do.",
        },
        "servers": [{"url": prefix}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _any_json(form: type) -> Json:
    """A masked body has whatever form its sender gave it."""
    if form is object:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _operation(operation: Operation) -> Json:
    success: Json = {"description": "Done as asked." if operation.method == "POST" else "What was asked for."}
    if operation.answers is not None:
        success["content"] = _content(operation.answers)
    else:
        success["content"] = {"application/json": {"schema": {"type": "object"}}}
    refusals: Json = {code: {"description": text, "content": _content(Refusal)} for code, text in REFUSALS.items()}
    described: Json = {
        "operationId": operation.name,
        "summary": operation.about,
        "parameters": [_parameter(parameter, operation.path) for parameter in operation.parameters],
        "responses": {str(operation.status): success} | refusals,
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _content(form: type) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{form.__name__}"}}}


def _parameter(parameter: Parameter, path: str) -> Json:
    in_path = f"{{{parameter.name}}}" in path
    return {
        "name": parameter.name,
        "in": "path" if in_path else "query",
        "required": in_path or parameter.required,
        "description": parameter.about,
        "schema": parameter.schema or {"type": "string"},
    }
