"""A stored GitLab delivery becomes events: pushes, tags, pipelines, merge requests, deployments, notes; else unheard.

Only named fields are read, so variables, e-mail addresses and descriptions never reach an event. The kind is the
body's `object_kind`. Source: GitLab "Webhook events" 19.x.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from bot.events import (
    BranchPushed,
    Delivery,
    DeploymentChanged,
    MergeRequestChanged,
    NoteWritten,
    Parsed,
    PipelineChanged,
    TagPushed,
    Understood,
    Unheard,
    Unreadable,
)
from bot.receivers.gitlab_bodies import named_subject
from bot.receivers.json_edges import Line, Name, decode, semantic_key, storable
from bot.receivers.scopes import parse_scope

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
NO_COMMIT = "0" * 40


class Project(msgspec.Struct):
    """The project a hook is about; for a merge request the target's."""

    path_with_namespace: Name


class Push(msgspec.Struct):
    """The fields of a Push Hook and a Tag Push Hook that are read."""

    project: Project
    ref: Name
    before: Name
    after: Name


class PipelineAttributes(msgspec.Struct):
    """`object_attributes` of a Pipeline Hook."""

    id: int
    ref: Name
    sha: Name
    status: Name


class Pipeline(msgspec.Struct):
    """The fields of a Pipeline Hook that are read."""

    project: Project
    object_attributes: PipelineAttributes


class MergeRequestAttributes(msgspec.Struct):
    """`object_attributes` of a Merge Request Hook; a test delivery has no `action`."""

    id: int
    iid: int
    source_branch: Name
    target_branch: Name
    action: Line = ""
    updated_at: Line = ""


class MergeRequest(msgspec.Struct):
    """The fields of a Merge Request Hook that are read."""

    project: Project
    object_attributes: MergeRequestAttributes


class Deployment(msgspec.Struct):
    """The fields of a Deployment Hook that are read."""

    project: Project
    environment: Name
    status: Name
    deployment_id: int
    status_changed_at: Line = ""


class NoteAuthor(msgspec.Struct):
    """`user`: who wrote the note, or who edited it."""

    id: int
    username: Name


class NoteAttributes(msgspec.Struct):
    """`object_attributes` of a Note Hook. `action` is sent since GitLab 16.5; before, only new notes were."""

    id: int
    note: str
    noteable_type: Line
    author_id: int
    created_at: Line
    updated_at: Line = ""
    discussion_id: Line = ""
    action: Line = "create"
    system: bool = False
    internal: bool | None = None
    confidential: bool | None = None


class NoteMergeRequest(msgspec.Struct):
    """The merge request that a note is on."""

    iid: int
    source_branch: Name
    source_project_id: int | None = None
    target_project_id: int | None = None


class NoteIssue(msgspec.Struct):
    """The issue that a note is on."""

    iid: int


class NoteBody(msgspec.Struct):
    """The fields of a Note Hook that are read."""

    project: Project
    user: NoteAuthor
    object_attributes: NoteAttributes
    merge_request: NoteMergeRequest | None = None
    issue: NoteIssue | None = None


def parse(delivery: Delivery) -> Parsed:
    """Say what a stored delivery means; never raises, whatever its body."""
    subject = named_subject(delivery.body)
    if isinstance(subject, Unreadable):
        return subject
    kind = storable(subject.object_kind or subject.event_name or "")
    if not kind:
        return Unreadable(reason="the body names neither object_kind nor event_name: is a custom template set?")
    reader = _READERS.get(kind)
    if reader is None or subject.object_kind is None or delivery.headers.get("x-gitlab-event") == "System Hook":
        return Unheard(kind=kind)
    if not subject.within(parse_scope(delivery.scope)):
        return Unreadable(reason="the body names a project outside of what its secret is bound to.")
    return reader(delivery.body)


def _push(body: bytes) -> Parsed:
    push = decode(_PUSH, body, "push")
    if isinstance(push, Unreadable):
        return push
    if not push.ref.startswith(BRANCHES):
        return Unheard(kind="push of no branch")
    project = push.project.path_with_namespace
    event = BranchPushed(project=project, branch=push.ref.removeprefix(BRANCHES), before=push.before, after=push.after)
    return _said(event, "push", project, push.ref, push.before, push.after)


def _tag_push(body: bytes) -> Parsed:
    push = decode(_PUSH, body, "tag push")
    if isinstance(push, Unreadable):
        return push
    if not push.ref.startswith(TAGS) or push.after == NO_COMMIT:
        return Unheard(kind="deletion of a tag" if push.after == NO_COMMIT else "push of no tag")
    project = push.project.path_with_namespace
    event = TagPushed(project=project, tag=push.ref.removeprefix(TAGS), after=push.after)
    return _said(event, "tag_push", project, push.ref, push.before, push.after)


def _pipeline(body: bytes) -> Parsed:
    pipeline = decode(_PIPELINE, body, "pipeline")
    if isinstance(pipeline, Unreadable):
        return pipeline
    project, it = pipeline.project.path_with_namespace, pipeline.object_attributes
    event = PipelineChanged(project=project, pipeline_id=it.id, ref=it.ref, sha=it.sha, status=it.status)
    return _said(event, "pipeline", project, str(it.id), it.status)


def _merge_request(body: bytes) -> Parsed:
    merge_request = decode(_MERGE_REQUEST, body, "merge request")
    if isinstance(merge_request, Unreadable):
        return merge_request
    project, it = merge_request.project.path_with_namespace, merge_request.object_attributes
    event = MergeRequestChanged(
        project=project,
        iid=it.iid,
        action=it.action,
        source_branch=it.source_branch,
        target_branch=it.target_branch,
    )
    return _said(event, "merge_request", project, str(it.id), it.action, _one_spelling(it.updated_at))


def _deployment(body: bytes) -> Parsed:
    it = decode(_DEPLOYMENT, body, "deployment")
    if isinstance(it, Unreadable):
        return it
    project = it.project.path_with_namespace
    event = DeploymentChanged(project=project, environment=it.environment, status=it.status)
    return _said(event, "deployment", project, str(it.deployment_id), it.status, _one_spelling(it.status_changed_at))


def _note(body: bytes) -> Parsed:
    it = decode(_NOTE, body, "note")
    if isinstance(it, Unreadable):
        return it
    said, request = it.object_attributes, it.merge_request
    written = moment(said.created_at)
    if written is None:
        return Unreadable(reason="the note's created_at is no moment.")
    event = NoteWritten(
        project=it.project.path_with_namespace,
        noteable="merge_request" if request else "issue" if it.issue else "other",
        iid=request.iid if request else it.issue.iid if it.issue else 0,
        note=said.id,
        discussion=said.discussion_id,
        # An edit comes with its editor as `user`; whose note it is, the attributes say.
        author=said.author_id,
        username=it.user.username,
        text=said.note,
        action=_create_or_update(said),
        internal=bool(said.internal or said.confidential),
        system=said.system,
        written_at=written,
        branch=request.source_branch if request else "",
        fork=request is not None and request.source_project_id != request.target_project_id,
    )
    edit = _one_spelling(said.updated_at) if event.action == "update" else ""
    return _said(event, "note", event.project, str(event.note), event.action, edit)


def _create_or_update(said: NoteAttributes) -> Literal["create", "update"]:
    """Anything but a new note is an edit: what is not known to be new does not run."""
    return "create" if said.action == "create" else "update"


def moment(text: str) -> datetime | None:
    """A time as webhooks write it, in either spelling; None for anything else."""
    try:
        found = datetime.fromisoformat(_one_spelling(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _said(
    event: BranchPushed | TagPushed | PipelineChanged | MergeRequestChanged | DeploymentChanged | NoteWritten,
    *parts: str,
) -> Understood:
    return Understood(events=(event,), semantic_key=semantic_key("gitlab", *parts))


def _one_spelling(time: str) -> str:
    # Merge request times come as `…T…Z` and as `… … UTC` in different events (GitLab "Webhook events").
    return time.replace(" UTC", "Z").replace(" ", "T", 1)


_PUSH = msgspec.json.Decoder(Push)
_PIPELINE = msgspec.json.Decoder(Pipeline)
_MERGE_REQUEST = msgspec.json.Decoder(MergeRequest)
_DEPLOYMENT = msgspec.json.Decoder(Deployment)
_NOTE = msgspec.json.Decoder(NoteBody)
_READERS: dict[str, Callable[[bytes], Parsed]] = {
    "push": _push,
    "tag_push": _tag_push,
    "pipeline": _pipeline,
    "merge_request": _merge_request,
    "deployment": _deployment,
    "note": _note,
}
