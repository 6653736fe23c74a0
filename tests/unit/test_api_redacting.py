"""A stored body is never shown with a secret in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.api.redacting import MASKED, redacted

TOKEN = "glpat-AbCdEf1234567890"


@pytest.mark.parametrize(
    "text",
    [
        f"clone with https://bot:{TOKEN}@gitlab.example/demo.git",
        f"PRIVATE {TOKEN} inside",
        "Bearer abcdef0123456789",
        "written by developer@example.org",
    ],
)
def test_secrets_inside_texts_are_masked(text: str) -> None:
    shown = json.dumps(redacted(json.dumps({"message": text}).encode()))

    assert MASKED in shown
    assert TOKEN not in shown
    assert "developer@example.org" not in shown
    assert "abcdef0123456789" not in shown


def test_pipeline_variables_are_masked_whole() -> None:
    body = {"object_attributes": {"variables": [{"key": "DEPLOY", "value": "hush"}], "status": "success"}}

    shown = redacted(json.dumps(body).encode())

    assert shown == {"object_attributes": {"variables": MASKED, "status": "success"}}


def test_what_is_no_json_is_not_shown_at_all() -> None:
    assert redacted(b"token=hush") == MASKED
    assert redacted(b"\xff\xfe") == MASKED


NAMES = st.sampled_from(
    ["token", "X-Gitlab-Token", "password", "signing_secret", "private_key", "user_email", "apiKey"]
)
PLACES = st.lists(st.one_of(st.just("list"), st.text(min_size=1)), max_size=4)


@given(name=NAMES, places=PLACES)
def test_a_secret_field_is_masked_wherever_it_is(name: str, places: list[str]) -> None:
    body: object = {name: "hush-hush-hush"}
    for place in places:
        body = [body] if place == "list" else {place: body}

    assert "hush-hush-hush" not in json.dumps(redacted(json.dumps(body).encode()))
