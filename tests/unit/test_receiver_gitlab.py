"""GitLab deliveries: who is let in, what is kept of a request."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import NOW, SIGNING_TOKEN, signed_by_gitlab

from bot.errors import PermanentError
from bot.receivers.gitlab import GitlabReceiver, GitlabSecret
from bot.receivers.scopes import Scope, parse_scope
from bot.receivers.verdicts import RefusalCode, Refused, Verified

INSTANCE = Scope("instance")
SHOP = Scope("group", "shop")
APP = Scope("project", "shop/app")


def receiver(scope: Scope = INSTANCE, **secrets: Any) -> GitlabReceiver:
    return GitlabReceiver([GitlabSecret(scope=scope, **secrets)])


def about(project: str | None, **more: Any) -> bytes:
    named = {} if project is None else {"project": {"path_with_namespace": project}}
    return json.dumps({"object_kind": "push", **named, **more}).encode()


def accepted(verdict: Verified | Refused) -> Verified:
    assert isinstance(verdict, Verified), verdict
    return verdict


def code(verdict: Verified | Refused) -> RefusalCode:
    assert isinstance(verdict, Refused), verdict
    return verdict.code


def test_a_live_token_is_accepted_and_another_is_not() -> None:
    one = receiver(tokens=["old", "new"])

    assert accepted(one.verify({"x-gitlab-token": "old"}, about("shop/app"), NOW)).scope == "instance"
    assert accepted(one.verify({"x-gitlab-token": "new"}, about("shop/app"), NOW)).scope == "instance"
    assert code(one.verify({"x-gitlab-token": "older"}, about("shop/app"), NOW)) == "bad_token"
    assert code(one.verify({}, about("shop/app"), NOW)) == "no_credential"


def test_either_key_of_a_rotation_is_accepted() -> None:
    other = "whsec_" + "B" * 43 + "="
    one = receiver(signing_tokens=[other, SIGNING_TOKEN])
    body = about("shop/app")

    assert accepted(one.verify(signed_by_gitlab(body), body, NOW)).body == body
    assert accepted(one.verify(signed_by_gitlab(body, secret=other), body, NOW)).body == body


def test_a_valid_signature_outside_the_window_is_too_old() -> None:
    body = about("shop/app")
    sent = signed_by_gitlab(body)

    assert code(receiver(signing_tokens=[SIGNING_TOKEN]).verify(sent, body, NOW + timedelta(minutes=6))) == "too_old"
    assert code(receiver(signing_tokens=[SIGNING_TOKEN]).verify(sent, body, NOW - timedelta(minutes=6))) == "too_old"


def test_a_secret_with_a_signing_token_is_never_downgraded_to_its_plain_token() -> None:
    one = receiver(tokens=["plain"], signing_tokens=[SIGNING_TOKEN])
    body = about("shop/app")
    signed = signed_by_gitlab(body)
    broken = signed | {"webhook-signature": "v1,AAAA"}

    assert code(one.verify({"x-gitlab-token": "plain"}, body, NOW)) == "signature_required"
    assert code(one.verify(broken | {"x-gitlab-token": "plain"}, body, NOW)) == "bad_signature"
    assert accepted(one.verify(signed | {"x-gitlab-token": "plain"}, body, NOW)).body == body


def test_another_secret_without_a_signing_token_still_takes_its_plain_token() -> None:
    both = GitlabReceiver(
        [
            GitlabSecret(scope=APP, tokens=["a"], signing_tokens=[SIGNING_TOKEN]),
            GitlabSecret(scope=Scope("project", "shop/other"), tokens=["b"]),
        ]
    )

    assert accepted(both.verify({"x-gitlab-token": "b"}, about("shop/other"), NOW)).scope == "project:shop/other"
    assert code(both.verify({"x-gitlab-token": "b"}, about("shop/app"), NOW)) == "outside_scope"


@pytest.mark.parametrize(
    ("scope", "project", "admitted"),
    [
        (INSTANCE, "any/thing", True),
        (INSTANCE, None, True),
        (SHOP, "shop/app", True),
        (SHOP, "Shop/App", True),
        (SHOP, "shop/team/app", True),
        (SHOP, "shopping/app", False),
        (SHOP, "other/shop/app", False),
        (SHOP, None, True),
        (APP, "shop/app", True),
        (APP, "SHOP/APP", True),
        (APP, "shop/app2", False),
        (APP, "shop", False),
        (APP, None, False),
    ],
)
def test_a_secret_vouches_only_for_what_it_is_bound_to(scope: Scope, project: str | None, admitted: bool) -> None:
    verdict = receiver(scope, tokens=["t"]).verify({"x-gitlab-token": "t"}, about(project), NOW)

    if admitted:
        assert accepted(verdict).scope == str(scope)
    else:
        assert code(verdict) == "outside_scope"


@pytest.mark.parametrize(
    "body",
    [
        {"event_name": "project_create", "path_with_namespace": "other/app"},
        {"event_name": "user_add_to_team", "project_path_with_namespace": "other/app"},
        {"event_name": "subgroup_create", "full_path": "other/group"},
        {"object_kind": "milestone", "group": {"full_path": "other"}},
        {"object_kind": "push", "project": {"path_with_namespace": "shop/app"}, "path_with_namespace": "other/app"},
    ],
)
def test_a_group_secret_refuses_other_groups_wherever_the_body_names_them(body: dict[str, Any]) -> None:
    verdict = receiver(SHOP, tokens=["t"]).verify({"x-gitlab-token": "t"}, json.dumps(body).encode(), NOW)

    assert code(verdict) == "outside_scope"


def test_a_group_secret_admits_hooks_about_the_group_itself() -> None:
    body = json.dumps({"object_kind": "milestone", "group": {"full_path": "shop"}}).encode()

    assert accepted(receiver(SHOP, tokens=["t"]).verify({"x-gitlab-token": "t"}, body, NOW)).body == body


def test_one_token_bound_twice_is_judged_by_the_binding_that_admits() -> None:
    both = GitlabReceiver([GitlabSecret(scope=APP, tokens=["t"]), GitlabSecret(scope=SHOP, tokens=["t"])])

    assert accepted(both.verify({"x-gitlab-token": "t"}, about("shop/other"), NOW)).scope == "group:shop"


@pytest.mark.parametrize(
    "body", [b"", b"[1,", b'{"project": 5}', b'{"project":{"path_with_namespace":"\xff"}}', b"\xff"]
)
def test_an_authentic_body_nobody_can_read_is_accepted(body: bytes) -> None:
    assert accepted(receiver(APP, tokens=["t"]).verify({"x-gitlab-token": "t"}, body, NOW)).body == body


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"idempotency-key": "k", "webhook-id": "w"}, "k"),
        ({"webhook-id": "w"}, "w"),
        ({"x-gitlab-event-uuid": "e", "x-gitlab-webhook-uuid": "u"}, ""),
    ],
)
def test_the_idempotency_key_is_the_senders_and_never_a_uuid_of_the_chain(headers: dict[str, str], key: str) -> None:
    sent = headers | {"x-gitlab-token": "t"}

    assert accepted(receiver(tokens=["t"]).verify(sent, about("a/b"), NOW)).idempotency_key == key


def test_a_signed_delivery_is_keyed_by_what_the_signature_covers() -> None:
    body = about("a/b")
    sent = signed_by_gitlab(body, message_id="mine") | {"idempotency-key": "swapped-by-a-replayer"}

    assert accepted(receiver(signing_tokens=[SIGNING_TOKEN]).verify(sent, body, NOW)).idempotency_key == "mine"


def test_only_headers_a_parser_needs_are_kept_and_no_credential() -> None:
    body = about("a/b")
    sent = signed_by_gitlab(body) | {"x-gitlab-token": "s3cret", "x-gitlab-event": "Push Hook", "cookie": "c"}

    kept = accepted(receiver(signing_tokens=[SIGNING_TOKEN]).verify(sent, body, NOW)).headers

    assert kept == {"x-gitlab-event": "Push Hook"}


def test_a_header_that_no_database_stores_is_kept_as_its_hash() -> None:
    sent = {"x-gitlab-token": "t", "x-gitlab-event": "\udcff\x00", "idempotency-key": "é" * 5000}

    verified = accepted(receiver(tokens=["t"]).verify(sent, about("a/b"), NOW))

    assert verified.headers["x-gitlab-event"].startswith("sha256:")
    assert verified.idempotency_key.startswith("sha256:")


def test_values_of_pipeline_variables_are_cut_out_before_storing() -> None:
    body = json.dumps(
        {
            "object_kind": "pipeline",
            "project": {"path_with_namespace": "a/b"},
            "object_attributes": {"id": 1, "variables": [{"key": "TOKEN", "value": "hunter2"}, {"odd": "hunter3"}]},
            "builds": [1, 2.50],
        }
    ).encode()

    kept = accepted(receiver(tokens=["t"]).verify({"x-gitlab-token": "t"}, body, NOW)).body

    assert b"hunter" not in kept
    assert json.loads(kept)["object_attributes"]["variables"][0] == {"key": "TOKEN", "value": "***"}
    assert b"2.5" in kept


def test_a_body_without_variables_is_stored_byte_for_byte() -> None:
    body = b'{ "object_kind" : "push",\n "x": 1.0, "object_attributes": {"variables": []} }'

    assert accepted(receiver(tokens=["t"]).verify({"x-gitlab-token": "t"}, body, NOW)).body == body


HEADER_NAMES = ["x-gitlab-token", "webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key"]


@given(headers=st.dictionaries(st.sampled_from(HEADER_NAMES), st.text()), body=st.binary())
def test_no_headers_and_no_bytes_raise_or_pass_without_a_secret(headers: dict[str, str], body: bytes) -> None:
    one = receiver(SHOP, tokens=["a token nobody guesses"], signing_tokens=[SIGNING_TOKEN])

    assert isinstance(one.verify(headers, body, NOW), Refused)


@given(body=st.binary())
def test_any_authentic_bytes_are_accepted_or_outside_the_scope(body: bytes) -> None:
    verdict = receiver(APP, signing_tokens=[SIGNING_TOKEN]).verify(signed_by_gitlab(body), body, NOW)

    assert isinstance(verdict, Verified) or verdict.code == "outside_scope"


def test_without_any_secret_everything_is_refused() -> None:
    assert code(GitlabReceiver([]).verify({"x-gitlab-token": ""}, about("a/b"), NOW)) == "bad_token"


@pytest.mark.parametrize("text", ["", "instance:x", "group", "group:", "project:app", "team:x", "project:"])
def test_a_scope_that_binds_to_nothing_is_refused_at_start(text: str) -> None:
    with pytest.raises(PermanentError, match="no scope"):
        parse_scope(text)


@pytest.mark.parametrize("text", ["instance", "group:shop/team", "project:shop/app"])
def test_a_scope_reads_back_as_it_was_written(text: str) -> None:
    assert str(parse_scope(text)) == text


def test_secrets_are_not_shown_where_settings_are_printed() -> None:
    shown = repr(GitlabSecret(scope=APP, tokens=["s3cret"], signing_tokens=[SIGNING_TOKEN]))

    assert "s3cret" not in shown
    assert SIGNING_TOKEN not in shown
