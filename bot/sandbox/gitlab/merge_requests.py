"""The life of a merge request apart from its merge: opened, edited, closed, refreshed by pushes, told to hooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.mergeability import mark_unchecked, prepare
from bot.sandbox.gitlab.notes import add_system_note
from bot.sandbox.gitlab.payloads.common import hook_changes, hook_labels
from bot.sandbox.gitlab.payloads.merge_request import STATE_IDS, merge_request_payload
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.pipelines import merge_request_pipeline
from bot.sandbox.gitlab.problems import bad_request, conflict, unprocessable
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Label, MergeRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a new merge request is asked to be."""

    source_branch: str
    target_branch: str
    title: str
    description: str = ""
    labels: Sequence[str] = ()
    assignees: Sequence[User] = ()
    reviewers: Sequence[User] = ()
    squash: bool = False
    remove_source_branch: bool = False


async def open_merge_request(lab: Instance, project: Project, author: User, draft: Draft) -> MergeRequest:
    """Create a merge request that begins in `preparing`; raises ApiProblem when branches forbid it."""
    if draft.source_branch == draft.target_branch:
        raise unprocessable(["You can't use same project/branch for source and target"])
    head = project.repository.branch(draft.source_branch)
    if head is None:
        raise bad_request({"source_branch": ["does not exist"]})
    target = project.repository.branch(draft.target_branch)
    if target is None:
        raise bad_request({"target_branch": ["does not exist"]})
    for other in project.merge_requests.values():
        if other.state == "opened" and (other.source_branch, other.target_branch) == (
            draft.source_branch,
            draft.target_branch,
        ):
            raise conflict([f"Another open merge request already exists for this source branch: !{other.iid}"])
    mr = _new(lab, project, author, draft, head)
    project.merge_requests[mr.iid] = mr
    mr.base_sha = await project.repository.merge_base(target, head)
    async with project.repository.lock:
        await project.repository.set_ref(f"refs/merge-requests/{mr.iid}/head", head)
    prepare(lab, project, mr)
    await tell(lab, project, mr, author, action="open", changes=_opening_changes(mr))
    await merge_request_pipeline(lab, project, mr, author)
    return mr


async def tell(
    lab: Instance,
    project: Project,
    mr: MergeRequest,
    user: User,
    *,
    action: str | None,
    changes: Json | None = None,
    oldrev: str | None = None,
    system_action: str | None = None,
) -> None:
    """Fire the merge request hook."""
    commit = await project.repository.commit(mr.head_sha)
    payload = merge_request_payload(
        lab,
        project,
        mr,
        user,
        action=action,
        commit=commit,
        changes=changes or {},
        oldrev=oldrev,
        system=system_action is not None,
        system_action=system_action,
    )
    lab.webhooks.fire(project, "merge_requests_events", payload)


def snapshot(project: Project, mr: MergeRequest) -> Json:
    """The fields whose changes an update hook tells."""
    return {
        "title": mr.title,
        "description": mr.description,
        "draft": mr.draft,
        "target_branch": mr.target_branch,
        "state_id": STATE_IDS[mr.state],
        "labels": hook_labels(project, mr.labels),
        "assignees": [{"id": one.id, "username": one.username} for one in mr.assignees],
        "reviewers": [{"id": one.id, "username": one.username} for one in mr.reviewers],
        "squash": mr.squash,
        "updated_at": stamp(mr.updated_at),
    }


async def tell_update(
    lab: Instance, project: Project, mr: MergeRequest, user: User, before: Mapping[str, object]
) -> None:
    """Note what people see of an edit, and fire the update hook when something changed."""
    mr.updated_at = lab.now()
    changes = hook_changes(before, snapshot(project, mr))
    if set(changes) - {"updated_at"}:
        _note_edit(lab, project, mr, user, changes)
        await tell(lab, project, mr, user, action="update", changes=changes)


def set_labels(lab: Instance, project: Project, mr: MergeRequest, names: Sequence[str]) -> None:
    """Replace the labels; unknown names become project labels, as GitLab makes them for whoever may create labels."""
    for name in names:
        if project.label(name) is None:
            project.labels.append(Label(id=lab.next_id("label"), name=name))
    mr.labels = sorted(dict.fromkeys(names))


async def close(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    if mr.state != "opened":
        return
    before = snapshot(project, mr)
    mr.state, mr.closed_at, mr.closed_by, mr.updated_at = "closed", lab.now(), user, lab.now()
    mr.auto_merge_by = None
    add_system_note(lab, mr, user, "closed")
    await tell(lab, project, mr, user, action="close", changes=hook_changes(before, snapshot(project, mr)))


async def reopen(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    """Open a closed merge request again; its branches must still exist and be free."""
    if mr.state != "closed":
        return
    head = project.repository.branch(mr.source_branch)
    if head is None:
        raise unprocessable(["Source branch does not exist"])
    for other in project.merge_requests.values():
        same = (other.source_branch, other.target_branch) == (mr.source_branch, mr.target_branch)
        if other.state == "opened" and same:
            raise conflict([f"Another open merge request already exists for this source branch: !{other.iid}"])
    before = snapshot(project, mr)
    mr.state, mr.closed_at, mr.closed_by, mr.updated_at, mr.head_sha = "opened", None, None, lab.now(), head
    add_system_note(lab, mr, user, "reopened")
    mark_unchecked(lab, project, mr)
    await tell(lab, project, mr, user, action="reopen", changes=hook_changes(before, snapshot(project, mr)))


async def refresh_head(lab: Instance, project: Project, mr: MergeRequest, head: str, user: User) -> None:
    """The source branch moved: new diff, approvals reset where the paid rules say so, a new check, a hook."""
    oldrev, mr.head_sha, mr.updated_at, mr.auto_merge_by = mr.head_sha, head, lab.now(), None
    target = project.repository.branch(mr.target_branch)
    mr.base_sha = await project.repository.merge_base(target, head) if target else None
    await project.repository.set_ref(f"refs/merge-requests/{mr.iid}/head", head)
    add_system_note(lab, mr, user, f"added commits\n\n{head[:8]}")
    mark_unchecked(lab, project, mr)
    await tell(lab, project, mr, user, action="update", oldrev=oldrev)
    await _reset_approvals(lab, project, mr, user)
    await merge_request_pipeline(lab, project, mr, user)


async def approve(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    """Record an approval: `approved` when the last needed one came, else `approval` (GitLab docs: webhook events)."""
    mr.approvals[user.id] = lab.now()
    mr.updated_at = lab.now()
    add_system_note(lab, mr, user, "approved this merge request")
    enough = lab.edition == "free" or len(mr.approvals) >= project.approvals_before_merge
    await tell(lab, project, mr, user, action="approved" if enough else "approval")


async def unapprove(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    enough = lab.edition == "free" or len(mr.approvals) >= project.approvals_before_merge
    del mr.approvals[user.id]
    mr.updated_at = lab.now()
    add_system_note(lab, mr, user, "unapproved this merge request")
    await tell(lab, project, mr, user, action="unapproved" if enough else "unapproval")


async def _reset_approvals(lab: Instance, project: Project, mr: MergeRequest, user: User) -> None:
    if lab.edition == "free" or not project.reset_approvals_on_push or not mr.approvals:
        return
    mr.approvals.clear()
    await tell(lab, project, mr, user, action="unapproved", system_action="approvals_reset_on_push")


def _new(lab: Instance, project: Project, author: User, draft: Draft, head: str) -> MergeRequest:
    mr = MergeRequest(
        id=lab.next_id("merge_request"),
        iid=len(project.merge_requests) + 1,
        title=draft.title,
        description=draft.description,
        source_branch=draft.source_branch,
        target_branch=draft.target_branch,
        author=author,
        head_sha=head,
        created_at=lab.now(),
        updated_at=lab.now(),
        assignees=list(draft.assignees),
        reviewers=list(draft.reviewers),
        squash=draft.squash or project.squash_option == "always",
        force_remove_source_branch=draft.remove_source_branch,
    )
    set_labels(lab, project, mr, draft.labels)
    return mr


def _opening_changes(mr: MergeRequest) -> Json:
    return {
        "merge_status": {"previous": "preparing", "current": "unchecked"},
        "iid": {"previous": None, "current": mr.iid},
    }


def _note_edit(lab: Instance, project: Project, mr: MergeRequest, user: User, changes: Json) -> None:
    if "draft" in changes:
        add_system_note(lab, mr, user, f"marked this merge request as **{'draft' if mr.draft else 'ready'}**")
    elif "title" in changes:
        add_system_note(lab, mr, user, f"changed title to **{mr.title}**")
    if "labels" in changes:
        add_system_note(lab, mr, user, "changed labels")
