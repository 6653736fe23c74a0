"""The OpenAPI document describes every route, and answers have the form it says."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api_cases import ScriptedExplainer, governing, serving, tell_story

from bot.api import create_api
from bot.clock import SystemClock
from bot.journal import Journal


async def test_every_route_is_in_the_document(tmp_path: Path) -> None:
    journal = await Journal.open(f"sqlite:///{tmp_path}/journal.db", SystemClock())
    app = create_api(journal, governing("demo"), ScriptedExplainer(), {}, SystemClock())
    routed = {
        (route.method.lower(), re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.resource.canonical))
        for route in app.router.routes()
        # HEAD is what GET says without its body; the document need not repeat it.
        if route.resource is not None and route.method != "HEAD"
    }
    await journal.close()

    async with serving(tmp_path) as caller:
        document = await caller.get("/openapi.json")

    described = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert described == routed
    assert len(described) == 16


async def test_every_path_parameter_is_described(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        document = await caller.get("/openapi.json")

    for path, methods in document["paths"].items():
        for operation in methods.values():
            described = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert described == set(re.findall(r"\{(\w+)\}", path)), path


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/status", "/status"),
        ("/why?application=shop&environment=staging", "/why"),
        ("/deliveries", "/deliveries"),
        ("/deliveries/{id}?body=true", "/deliveries/{id}"),
        ("/work", "/work"),
        ("/runs", "/runs"),
        ("/holds", "/holds"),
        ("/commands/{command}", "/commands/{id}"),
    ],
)
async def test_answers_have_the_described_form(tmp_path: Path, path: str, template: str) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)
        place = {"application": "shop", "environment": "staging", "reason": "the sale is on"}
        command = (await caller.post("/holds", place))["command"]
        document = await caller.get("/openapi.json")

        answer = await caller.get(path.replace("{id}", number).replace("{command}", command))

    validate(answer, document, template, "200")


async def test_refusals_have_the_described_form(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        document = await caller.get("/openapi.json")

        refused = await caller.get("/deliveries/none", status=404)

    validate(refused, document, "/deliveries/{id}", "404")


def validate(answer: Any, document: Any, path: str, status: str) -> None:
    """Every object must have the fields that its schema requires, and no others."""
    responses = document["paths"][path]["get"]["responses"]
    schema = responses[status]["content"]["application/json"]["schema"]
    closed = {name: form | {"additionalProperties": False} for name, form in document["components"]["schemas"].items()}
    jsonschema.validate(answer, schema | {"components": {"schemas": closed}})
