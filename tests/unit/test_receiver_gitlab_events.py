"""What a stored GitLab delivery means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import delivered
from shared_payloads import load_payload, payload_bytes, payload_files, payload_id

from bot.events import (
    BranchPushed,
    DeploymentChanged,
    Event,
    MergeRequestChanged,
    PipelineChanged,
    TagPushed,
    Understood,
    Unheard,
    Unreadable,
)
from bot.receivers.gitlab_events import NO_COMMIT
from bot.receivers.parsing import parse

RECORDED = payload_files("gitlab-client-go/**/*.json") + payload_files("gitlab-derived/*.json")
PROJECT = {"path_with_namespace": "shop/app"}


def only_event(body: Any, **headers: str) -> Event:
    parsed = parse(delivered(body, **headers))
    assert isinstance(parsed, Understood), parsed
    (event,) = parsed.events
    return event


def meaning(body: Any) -> str:
    parsed = parse(delivered(body))
    assert isinstance(parsed, Understood), parsed
    return parsed.semantic_key


def test_a_push_hook_is_a_moved_branch() -> None:
    assert only_event(load_payload("gitlab-client-go/webhooks/push.json")) == BranchPushed(
        project="mike/diaspora",
        branch="master",
        before="95790bf891e76fee5e1747ab589903a6a1f80f22",
        after="da1560886d4f094c3e6c9ef40349f7d38b5d27d7",
    )


def test_a_deleted_branch_is_a_push_to_no_commit() -> None:
    event = only_event(load_payload("gitlab-derived/push_branch_deleted.json"))

    assert isinstance(event, BranchPushed)
    assert event.after == NO_COMMIT


def test_a_tag_push_hook_is_a_pushed_tag() -> None:
    assert only_event(load_payload("gitlab-client-go/webhooks/tag_push.json")) == TagPushed(
        project="jsmith/example", tag="v1.0.0", after="82b3d5ae55f7080f1e6022629cdb57bfae7cccc7"
    )


def test_a_deleted_tag_is_unheard() -> None:
    body = load_payload("gitlab-client-go/webhooks/tag_push.json") | {"after": NO_COMMIT}

    assert parse(delivered(body)) == Unheard(kind="deletion of a tag")


def test_a_pipeline_hook_is_a_changed_pipeline() -> None:
    assert only_event(load_payload("gitlab-client-go/webhooks/pipeline.json")) == PipelineChanged(
        project="gitlab-org/gitlab-test",
        pipeline_id=31,
        ref="master",
        sha="bcbb5ec396a2c0f828686f14fac9b80b780504f2",
        status="success",
    )


def test_a_merge_request_hook_is_a_changed_merge_request() -> None:
    assert only_event(load_payload("gitlab-client-go/webhooks/merge_request.json")) == MergeRequestChanged(
        project="gitlabhq/gitlab-test",
        iid=1,
        action="open",
        source_branch="ms-viewport",
        target_branch="master",
    )


@pytest.mark.parametrize("action", ["approved", "approval", "unapproved", "unapproval"])
def test_approvals_keep_their_action(action: str) -> None:
    event = only_event(load_payload(f"gitlab-derived/merge_request_{action}.json"))

    assert isinstance(event, MergeRequestChanged)
    assert event.action == action


@pytest.mark.parametrize("status", ["blocked", "canceled", "failed", "running"])
def test_a_deployment_hook_is_a_changed_deployment(status: str) -> None:
    assert only_event(load_payload(f"gitlab-derived/deployment_{status}.json")) == DeploymentChanged(
        project="root/test-deployment-webhooks", environment="staging", status=status
    )


@pytest.mark.parametrize("kind", ["emoji_issue", "issue", "job", "wiki_page", "release", "member"])
def test_kinds_nobody_handles_are_unheard(kind: str) -> None:
    assert isinstance(parse(delivered(payload_bytes(f"gitlab-client-go/webhooks/{kind}.json"))), Unheard)


@pytest.mark.parametrize("name", ["push", "merge_request", "tag_push"])
def test_system_hooks_are_unheard(name: str) -> None:
    body = payload_bytes(f"gitlab-client-go/systemhooks/{name}.json")

    assert isinstance(parse(delivered(body, x_gitlab_event="System Hook")), Unheard)


@pytest.mark.parametrize("path", RECORDED, ids=payload_id)
def test_every_recorded_body_has_a_meaning(path: Any) -> None:
    parsed = parse(delivered(path.read_bytes()))

    # The one group example of GitLab's documentation has keys that end in a space.
    assert not isinstance(parsed, Unreadable) or path.name == "group_merge_request.json"


@pytest.mark.parametrize("path", RECORDED, ids=payload_id)
def test_no_event_carries_an_address_or_a_variable(path: Any) -> None:
    body = json.loads(path.read_bytes())
    body.setdefault("user", {})["email"] = "someone@example.com"
    body.setdefault("object_attributes", {})["variables"] = [{"key": "K", "value": "hunter2"}]

    said = repr(parse(delivered(body)))

    assert "@example.com" not in said
    assert "hunter2" not in said


def test_the_same_hook_on_project_and_group_means_the_same() -> None:
    body = load_payload("gitlab-client-go/webhooks/pipeline.json")
    later = body | {"object_attributes": body["object_attributes"] | {"status": "failed"}}

    assert meaning(body) == meaning(body | {"user": {"id": 1}})
    assert meaning(body) != meaning(later)


def test_two_spellings_of_one_update_time_mean_the_same() -> None:
    body = load_payload("gitlab-client-go/webhooks/merge_request.json")
    spelled = body | {"object_attributes": body["object_attributes"] | {"updated_at": "2013-12-03 17:23:34 UTC"}}
    later = body | {"object_attributes": body["object_attributes"] | {"updated_at": "2013-12-03 17:23:35 UTC"}}

    assert meaning(body) == meaning(spelled)
    assert meaning(body) != meaning(later)


def test_a_very_long_branch_name_still_has_a_short_meaning_of_its_own() -> None:
    bodies = [
        {"object_kind": "push", "project": PROJECT, "ref": "refs/heads/" + "x" * 900 + end, "before": "0", "after": "1"}
        for end in "ab"
    ]

    first, second = (meaning(body) for body in bodies)

    assert first != second
    assert len(first) < 300


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"object_kind": ["push"]}',
        b'{"object_kind": "push"}',
        b'{"object_kind": "push", "project": null, "ref": "refs/heads/a", "before": "0", "after": "1"}',
        b'{"object_kind": "push", "project": {"path_with_namespace": "a/b"}, "ref": 5, "before": "0", "after": "1"}',
        b'{"object_kind": "push", "project": {"path_with_namespace": "a/b"}, "ref": "refs/heads/\\u0000"}',
        b'{"object_kind": "pipeline", "object_attributes": NaN}',
        b'{"object_kind": "pipeline", "object_attributes": [1]}',
        b'{"object_kind": "push", "project": ' + b'{"x":' * 100_000,
        b"[" * 100_000,
        b'{"object_kind": "\\ud800"}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_odd_shapes_are_unreadable_with_a_reason(body: bytes) -> None:
    parsed = parse(delivered(body))

    assert isinstance(parsed, Unreadable)
    assert parsed.reason


def test_a_reason_does_not_repeat_what_was_sent() -> None:
    parsed = parse(delivered({"object_kind": "push", "project": {"path_with_namespace": "hunter2\n"}}))

    assert isinstance(parsed, Unreadable)
    assert "hunter2" not in parsed.reason


def test_a_stored_body_outside_of_its_scope_is_not_acted_upon() -> None:
    body = {"object_kind": "push", "project": PROJECT, "ref": "refs/heads/a", "before": "0", "after": "1"}

    assert isinstance(parse(delivered(body, scope="project:shop/app")), Understood)
    assert isinstance(parse(delivered(body, scope="project:shop/other")), Unreadable)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.sampled_from(
    ["object_kind", "project", "path_with_namespace", "object_attributes", "ref", "id", "after", "status"]
) | st.text(max_size=5)
VALUES = (
    st.sampled_from(["push", "tag_push", "pipeline", "merge_request", "deployment", "a/b", "refs/heads/x"]) | SCALARS
)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=8))


@given(body=JSON | st.binary())
def test_nothing_a_body_holds_makes_parsing_raise(body: Any) -> None:
    assert isinstance(parse(delivered(body)), Understood | Unheard | Unreadable)


def test_a_stored_endpoint_nobody_knows_is_unheard() -> None:
    assert parse(delivered(b"{}", endpoint="carrier-pigeon")) == Unheard(kind="endpoint carrier-pigeon")
