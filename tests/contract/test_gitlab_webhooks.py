"""Webhooks out: headers, secrets, shapes, and the protection against loops."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from contract.forge import (
    DEVELOPER,
    Forge,
    Heard,
    Listener,
    SandboxThread,
    commit,
    eventually,
    open_merge_request,
    refused,
    settled,
)
from gitlab.v4.objects import Project
from shared_payloads import load_payload, vectors

from bot.sandbox.gitlab.webhook_queue import HEADER_OF_EVENT, signed_headers

EVERYTHING = dict.fromkeys(HEADER_OF_EVENT, True)
CI = {".gitlab-ci.yml": "test:\n  script: [true]\n"}


@pytest.fixture
def hooked(project: Project, listener: Listener) -> Project:
    """The project with a webhook for everything."""
    project.hooks.create({"url": listener.url, "token": "the secret", **EVERYTHING})
    return project


def of(event: str, action: str | None = None) -> Any:
    return lambda one: one.event == event and (action is None or one.action == action)


@pytest.mark.rule("hook-headers", "hook-token")
def test_delivery_carries_gitlabs_headers(forge: Forge, hooked: Project, listener: Listener) -> None:
    commit(hooked, "main", {"x.txt": "x\n"}, "x")

    heard = listener.wait(of("Push Hook"))

    recorded = set(vectors("gitlab_delivery_headers")["from_17.4"])
    assert recorded <= heard.headers.keys()
    assert heard.headers["X-Gitlab-Token"] == "the secret"
    assert heard.headers["User-Agent"].startswith("GitLab/")
    assert heard.headers["X-Gitlab-Instance"] == forge.url
    assert not [name for name in heard.headers if name.startswith("webhook-")]


@pytest.mark.rule("hook-signed")
def test_signed_delivery_can_be_verified_on_its_raw_body(project: Project, listener: Listener) -> None:
    secret = base64.b64encode(bytes(range(32))).decode()
    project.hooks.create({"url": listener.url, "signing_token": f"whsec_{secret}", "push_events": True})
    commit(project, "main", {"x.txt": "x\n"}, "x")

    heard = listener.wait(of("Push Hook"))

    message = f"{heard.headers['webhook-id']}.{heard.headers['webhook-timestamp']}.".encode() + heard.raw
    digest = hmac.new(bytes(range(32)), message, hashlib.sha256).digest()
    assert heard.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert heard.headers["webhook-id"] == heard.headers["Idempotency-Key"]
    assert abs(int(heard.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60


@pytest.mark.rule("hook-signed")
def test_signature_agrees_with_the_recorded_vector() -> None:
    vector = vectors("signatures")["gitlab_signing_token"]

    made = signed_headers(
        vector["signing_token"], vector["webhook-id"], int(vector["webhook-timestamp"]), vector["body"].encode()
    )

    assert made["webhook-signature"] == vector["webhook-signature"]


@pytest.mark.rule("hook-secrets-write-only", "hook-maintainer-403")
def test_secrets_are_not_told_and_hooks_are_for_maintainers(forge: Forge, project: Project) -> None:
    hook = project.hooks.create({"url": "https://bot.example.com/h", "token": "hush", "push_events": True})

    told = project.hooks.get(hook.id).attributes

    assert "hush" not in str(told)
    assert told.get("token") is None
    assert (told["push_events"], told["note_events"]) == (True, False)
    with refused(403):
        forge.person(project, DEVELOPER).of(project).hooks.list(get_all=True)


@pytest.mark.rule("hook-presence-told")
def test_presence_of_secrets_is_told(sandbox: SandboxThread, project: Project) -> None:
    hook = project.hooks.create({"url": "https://bot.example.com/h", "token": "hush"})

    told = project.hooks.get(hook.id)

    assert (told.token_present, told.signing_token_present) == (True, False)


@pytest.mark.rule("hook-resend-same-key")
def test_resent_delivery_keeps_its_idempotency_key(forge: Forge, hooked: Project, listener: Listener) -> None:
    commit(hooked, "main", {"x.txt": "x\n"}, "x")
    first = listener.wait(of("Push Hook"))
    path = f"/projects/{hooked.id}/hooks/{hooked.hooks.list(get_all=True)[0].id}/events"
    event = eventually(lambda: next(iter(forge.admin.http_list(path, get_all=True)), None))

    forge.admin.http_post(f"{path}/{event['id']}/resend")

    again = listener.wait(lambda one: one is not first)
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]
    assert again.headers["X-Gitlab-Webhook-UUID"] != first.headers["X-Gitlab-Webhook-UUID"]
    assert again.raw == first.raw
    assert event["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"


@pytest.mark.rule("hook-recursion")
async def test_event_uuid_sent_back_blocks_the_same_hook(
    forge: Forge, hooked: Project, listener: Listener, sandbox: SandboxThread
) -> None:
    mr = open_merge_request(hooked)
    uuid = listener.wait(of("Merge Request Hook", "open")).headers["X-Gitlab-Event-UUID"]
    url = f"{forge.url}/api/v4/projects/{hooked.id}/merge_requests/{mr.iid}/notes"
    token = {"PRIVATE-TOKEN": forge.admin_token}

    async with aiohttp.ClientSession() as http:
        await http.post(url, json={"body": "in the chain"}, headers={**token, "X-Gitlab-Event-UUID": uuid})
        await http.post(url, json={"body": "on its own"}, headers=token)

    heard = listener.wait(of("Note Hook"))
    assert heard.body["object_attributes"]["note"] == "on its own"
    assert [blocked for _, blocked in sandbox.do(lambda: list(sandbox.lab.webhooks.blocked))] == [uuid]


@pytest.mark.rule("hook-auto-disable")
def test_failing_hook_is_paused_after_four_failures(
    sandbox: SandboxThread, hooked: Project, listener: Listener
) -> None:
    sandbox.do(lambda: setattr(sandbox.lab.webhooks, "auto_disable", True))
    listener.answer = 404
    hook = hooked.hooks.list(get_all=True)[0]

    for number in range(5):
        commit(hooked, "main", {f"{number}.txt": "x\n"}, "x")
        sandbox.run(sandbox.lab.settle())

    assert len(listener.heard) == 4
    assert hooked.hooks.get(hook.id).alert_status == "temporarily_disabled"
    assert hooked.hooks.get(hook.id).disabled_until is not None


@pytest.mark.rule("hook-no-retry")
def test_failed_delivery_is_not_retried(sandbox: SandboxThread, hooked: Project, listener: Listener) -> None:
    listener.answer = 500
    commit(hooked, "main", {"x.txt": "x\n"}, "x")
    sandbox.run(sandbox.lab.settle())

    assert len(listener.heard) == 1
    assert hooked.hooks.list(get_all=True)[0].alert_status == "executable"


@pytest.mark.rule("hook-push-twenty")
def test_push_lists_at_most_twenty_commits(
    sandbox: SandboxThread, forge: Forge, hooked: Project, listener: Listener
) -> None:
    base = hooked.branches.get("main").commit["id"]
    for number in range(22):
        commit(
            hooked, "side", {f"{number}.txt": "x\n"}, f"c{number}", **({"start_branch": "main"} if not number else {})
        )
    hooked.mergerequests.create({"source_branch": "side", "target_branch": "main", "title": "all"})
    mr = settled(hooked, 1)
    mr.merge()

    heard = listener.wait(lambda one: one.event == "Push Hook" and one.body["ref"] == "refs/heads/main")
    assert (heard.body["before"], len(heard.body["commits"]), heard.body["total_commits_count"]) == (base, 20, 23)


@pytest.mark.rule("hook-tag")
def test_tag_push_tells_the_commit_and_the_tag_object(hooked: Project, listener: Listener) -> None:
    head = hooked.branches.get("main").commit["id"]
    hooked.tags.create({"tag_name": "v1", "ref": "main", "message": "one"})

    body = listener.wait(of("Tag Push Hook")).body

    assert (body["ref"], body["checkout_sha"], body["before"]) == ("refs/tags/v1", head, "0" * 40)
    assert body["after"] == hooked.tags.get("v1").target != head


@pytest.mark.rule("hook-mr-oldrev", "hook-mr-changes")
def test_update_hook_tells_oldrev_only_when_commits_changed(hooked: Project, listener: Listener) -> None:
    mr = open_merge_request(hooked)
    mr.title = "renamed"
    mr.save()
    edited = listener.wait(of("Merge Request Hook", "update"))

    commit(hooked, "feature", {"more.txt": "x\n"}, "more")

    pushed = listener.wait(lambda one: one.action == "update" and one is not edited)
    assert edited.body["changes"]["title"] == {"previous": "Merge feature", "current": "renamed"}
    assert "oldrev" not in edited.body["object_attributes"]
    assert pushed.body["object_attributes"]["oldrev"] == mr.sha


@pytest.mark.rule("hook-mr-life")
def test_merge_request_hooks_follow_its_life(hooked: Project, listener: Listener) -> None:
    mr = open_merge_request(hooked)
    mr.state_event = "close"
    mr.save()
    mr.state_event = "reopen"
    mr.save()
    mr.approve()
    settled(hooked, mr.iid).merge()

    listener.wait(of("Merge Request Hook", "merge"))
    actions = {one.action for one in listener.heard if one.event == "Merge Request Hook"}
    assert actions == {"open", "close", "reopen", "approved", "merge"}


@pytest.mark.rule("hook-check-silent")
def test_end_of_the_mergeability_check_fires_no_hook(
    sandbox: SandboxThread, hooked: Project, listener: Listener
) -> None:
    mr = open_merge_request(hooked)
    settled(hooked, mr.iid)
    sandbox.run(sandbox.lab.settle())

    assert [one.action for one in listener.heard if one.event == "Merge Request Hook"] == ["open"]


@pytest.mark.rule("hook-note-action", "hook-note-internal")
def test_note_hooks_tell_create_and_update_and_internal_apart(hooked: Project, listener: Listener) -> None:
    mr = open_merge_request(hooked)
    note = mr.notes.create({"body": "first"})
    note.body = "second"
    note.save()
    mr.notes.create({"body": "among us", "internal": True})

    created = listener.wait(of("Note Hook", "create"))
    updated = listener.wait(of("Note Hook", "update"))
    internal = listener.wait(of("Confidential Note Hook"))

    assert (created.body["object_attributes"]["note"], updated.body["object_attributes"]["note"]) == ("first", "second")
    assert internal.body["object_attributes"]["internal"] is True
    assert internal.body["event_type"] == "confidential_note"


@pytest.mark.rule("hook-system-note-silent")
def test_system_notes_fire_no_hook(sandbox: SandboxThread, hooked: Project, listener: Listener) -> None:
    mr = open_merge_request(hooked)
    mr.state_event = "close"
    mr.save()
    sandbox.run(sandbox.lab.settle())

    assert [one for one in listener.heard if one.event == "Note Hook"] == []


@pytest.mark.rule("hook-pipeline-and-jobs")
def test_pipeline_and_job_hooks_tell_each_status(hooked: Project, listener: Listener) -> None:
    sha = commit(hooked, "main", CI, "with CI")

    done = listener.wait(lambda one: one.body.get("object_attributes", {}).get("status") == "success")
    job = listener.wait(lambda one: one.body.get("build_status") == "success")

    statuses = {one.body["object_attributes"]["status"] for one in listener.heard if one.event == "Pipeline Hook"}
    assert statuses == {"pending", "running", "success"}
    assert (done.body["object_attributes"]["sha"], done.body["object_attributes"]["variables"]) == (sha, [])
    assert (job.body["sha"], job.body["pipeline_id"]) == (sha, done.body["object_attributes"]["id"])


@pytest.mark.rule("hook-external-pipeline")
def test_commit_status_of_ours_fires_a_pipeline_hook(hooked: Project, listener: Listener) -> None:
    sha = hooked.branches.get("main").commit["id"]

    hooked.commits.get(sha).statuses.create({"state": "running", "name": "sluice/dev", "ref": "main"})

    assert listener.wait(of("Pipeline Hook")).body["object_attributes"]["source"] == "external"


@pytest.mark.rule("hook-deployment", "hook-emoji")
def test_deployments_and_emoji_are_told(hooked: Project, listener: Listener) -> None:
    sha = hooked.branches.get("main").commit["id"]
    hooked.deployments.create({"environment": "dev", "sha": sha, "ref": "main", "tag": False, "status": "success"})
    note = open_merge_request(hooked).notes.create({"body": "vote"})
    award = note.awardemojis.create({"name": "thumbsup"})
    award.delete()

    assert listener.wait(of("Deployment Hook")).body["status"] == "success"
    given, taken = listener.wait(of("Emoji Hook", "award")), listener.wait(of("Emoji Hook", "revoke"))
    assert given.body["object_attributes"]["awardable_id"] == note.id == taken.body["note"]["id"]


@pytest.mark.rule("hook-group")
def test_group_hook_and_project_hook_both_fire_under_different_keys(
    sandbox: SandboxThread, forge: Forge, listener: Listener
) -> None:
    group = forge.admin.groups.create({"name": "shop", "path": "shop"})
    project = forge.admin.projects.create({"name": "app", "namespace_id": group.id})
    project.hooks.create({"url": listener.url, "push_events": True})
    sandbox.do(
        lambda: sandbox.lab.add_hook(sandbox.lab.instance.groups[group.id], listener.url, events=["push_events"])
    )

    commit(project, "main", {"x.txt": "x\n"}, "x")
    sandbox.run(sandbox.lab.settle())

    first, second = listener.heard
    assert first.raw == second.raw
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


RECORDED = [
    ("push", "Push Hook", None),
    ("tag_push", "Tag Push Hook", None),
    ("merge_request", "Merge Request Hook", "open"),
    ("note_merge_request", "Note Hook", "create"),
    ("note_issue", "Note Hook", "create"),
    ("note_commit", "Note Hook", "create"),
    ("pipeline", "Pipeline Hook", None),
    ("job", "Job Hook", None),
    ("deployment", "Deployment Hook", None),
    ("emoji_merge_request", "Emoji Hook", "award"),
    ("emoji_note_merge_request", "Emoji Hook", "award"),
    ("issue", "Issue Hook", "open"),
]
# Fields of the recordings that GitLab sends only sometimes: with people, an edit, a downstream pipeline or a runner.
SOMETIMES = frozenset({"source_pipeline", "system_action", "runner", "human_time_estimate", "escalation_policy"})
SOMETIMES |= {"assignees", "assignee", "reviewers", "weight", "template"}


@pytest.mark.rule("hook-payload-fields")
@pytest.mark.parametrize(("recording", "event", "action"), RECORDED, ids=[one[0] for one in RECORDED])
def test_payload_has_the_fields_of_the_recorded_one(
    hooked: Project, listener: Listener, recording: str, event: str, action: str | None
) -> None:
    expected = load_payload(f"gitlab-client-go/webhooks/{recording}.json")
    _make_everything_happen(hooked)

    heard = listener.wait(lambda one: of(event, action)(one) and _same_subject(one, expected))

    assert _missing(expected, heard.body) == set()


def _make_everything_happen(project: Project) -> None:
    sha = commit(project, "main", CI, "with CI")
    project.tags.create({"tag_name": "v1", "ref": "main"})
    project.commits.get(sha).comments.create({"note": "on a commit"})
    project.deployments.create({"environment": "dev", "sha": sha, "ref": "main", "tag": False, "status": "success"})
    mr = open_merge_request(project, labels="one")
    note = mr.notes.create({"body": "on a merge request"})
    note.awardemojis.create({"name": "thumbsup"})
    mr.awardemojis.create({"name": "thumbsup"})
    project.issues.create({"title": "an issue", "labels": "one"}).notes.create({"body": "on an issue"})


def _same_subject(heard: Heard, expected: dict[str, Any]) -> bool:
    if expected["object_kind"] not in ("note", "emoji"):
        return True
    return all((kind in heard.body) == (kind in expected) for kind in ("merge_request", "issue", "commit", "note"))


def _missing(expected: Any, given: Any, path: str = "") -> set[str]:
    """Paths that the recording has and the sandbox's payload lacks; below nulls and empty lists nothing is compared."""
    if isinstance(expected, list):
        return _missing(expected[0], given[0], path) if expected and isinstance(given, list) and given else set()
    if not isinstance(expected, dict) or not isinstance(given, dict):
        return set()
    lacking = {f"{path}.{key}" for key in expected.keys() - given.keys() - SOMETIMES if path != ".changes"}
    for key in expected.keys() & given.keys():
        lacking |= _missing(expected[key], given[key], f"{path}.{key}")
    return lacking
