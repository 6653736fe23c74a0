"""GitLab's refusals say what happened, why, and what to do, whatever body they come with."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients.gitlab.errors import RIGHTS, Feature, error_text, missing_scope, redact, refusal

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
TOKEN = "a-token-of-no-known-shape"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"message":"404 Project Not Found"}', "404 Project Not Found"),
        (
            b'{"message":["Another open merge request already exists: !7"]}',
            "Another open merge request already exists: !7",
        ),
        (b'{"message":{"title":["can\'t be blank"]}}', "title: can't be blank"),
        (b'{"error":"invalid_token","error_description":"Token was revoked."}', "invalid_token; Token was revoked."),
        (b'{"message":{"base":[{"odd":[1,null]}]}}', "base: odd: 1, None"),
        (b'["a","b"]', "a, b"),
        (b'"text"', "text"),
        (b"null", "None"),
        (b"{}", ""),
        (b"", ""),
        (b"Retry later\n", "Retry later"),
        (b"<!DOCTYPE html><html>secret page</html>", "a page of HTML"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_the_words_of_any_error_body_are_found(body: bytes, text: str) -> None:
    assert error_text(body) == text


@given(st.binary(max_size=400))
def test_no_body_breaks_the_translation(body: bytes) -> None:
    error = refusal(status=400, method="GET", path="/api/v4/x", body=body, feature="project", secret=TOKEN)

    assert error.status == 400
    assert len(error.text) <= 300


@given(json_values)
def test_no_json_breaks_the_translation(value: object) -> None:
    assert "\n" not in error_text(json.dumps({"message": value}).encode())


@pytest.mark.parametrize(
    ("status", "feature", "body", "expected"),
    [
        (401, "project", b'{"message":"401 Unauthorized"}', ["expired or revoked", "scope read_api"]),
        (401, "merging", b'{"message":"401 Unauthorized"}', ["may not merge into this branch", "protected branch"]),
        (403, "commit statuses", b'{"message":"403 Forbidden"}', ["commit statuses", "role Developer", "scope api"]),
        (
            403,
            "notes",
            b'{"error":"insufficient_scope","error_description":"requires higher privileges","scope":"api"}',
            ["lacks a scope", "the scope api"],
        ),
        (404, "project", b'{"message":"404 Project Not Found"}', ["may not see it", "role Reporter"]),
        (405, "merging", b'{"message":"405 Method Not Allowed"}', ["present state"]),
        (409, "merge requests", b'{"message":["Another open merge request"]}', ["conflicts with what is there"]),
        (422, "merge requests", b'{"message":"Branch cannot be merged"}', ["cannot process"]),
        (400, "commit statuses", b'{"message":"Cannot transition status"}', ["invalid"]),
        (301, "project", b"", ["has moved", "new path"]),
        (418, "project", b"", ["not documented"]),
    ],
)
def test_a_refusal_says_what_happened_why_and_what_to_do(
    status: int, feature: Feature, body: bytes, expected: list[str]
) -> None:
    error = refusal(status=status, method="PUT", path="/api/v4/projects/acme%2Fshop", body=body, feature=feature)

    message = str(error)
    assert f"PUT /api/v4/projects/acme/shop with {status}" in message
    assert all(part in message for part in expected)
    assert error.status == status


def test_every_feature_names_its_right() -> None:
    assert set(RIGHTS) == set(get_args(Feature))


def test_only_the_scope_answer_names_a_scope() -> None:
    assert missing_scope(b'{"error":"insufficient_scope","scope":"api read_user"}') == "api read_user"
    assert missing_scope(b'{"error":"forbidden","scope":"api"}') == ""
    assert missing_scope(b"[1]") == ""


@pytest.mark.parametrize(
    "text",
    [
        f"bad token {TOKEN}",
        "token glpat-AbCdEfGhIjKl_12.34 is revoked",
        "Authorization: Bearer abcdef123456",
        "https://bot:hunter2hunter2@gitlab.example.org/x",
        "/api/v4/user?private_token=abcdef123456&x=1",
    ],
)
def test_nothing_that_looks_like_a_credential_is_repeated(text: str) -> None:
    cleaned = redact(text, TOKEN)

    assert "[redacted]" in cleaned
    for secret in (TOKEN, "glpat-", "abcdef123456", "hunter2hunter2"):
        assert secret not in cleaned
