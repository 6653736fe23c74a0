"""Push and tag push payloads."""

from collections.abc import Sequence

from bot.sandbox.gitlab.answers import Json
from bot.sandbox.gitlab.diffs import touched
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.payloads.common import hook_commit, hook_project, hook_repository_full
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.repository import ZERO_SHA, Commit, RefChange

COMMITS_SHOWN = 20
"""A push hook lists at most this many commits (GitLab docs: webhook events, push events)."""


async def push_payload(
    lab: Instance, project: Project, change: RefChange, user: User, commits: Sequence[Commit], total: int
) -> Json:
    """`commits` oldest first, at most twenty of `total`."""
    kind = "tag_push" if change.tag is not None else "push"
    listed = [{**hook_commit(lab, project, one), **await touched(project.repository, one)} for one in commits]
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": change.before,
        "after": _object_name(project, change),
        "ref": change.ref,
        "ref_protected": _protected(project, change),
        "checkout_sha": None if change.deleted else change.after,
        "message": None,
        "user_id": user.id,
        "user_name": user.name,
        "user_username": user.username,
        "user_email": "",
        "user_avatar": None,
        "project_id": project.id,
        "project": hook_project(lab, project),
        "commits": listed,
        "total_commits_count": total,
        "push_options": {},
        "repository": hook_repository_full(lab, project),
    }


def _object_name(project: Project, change: RefChange) -> str:
    """For an annotated tag `after` is the tag object; `checkout_sha` is its commit."""
    return ZERO_SHA if change.deleted else project.repository.tag_objects.get(change.ref, change.after)


def _protected(project: Project, change: RefChange) -> bool:
    if change.tag is not None:
        return bool(project.tag_protection(change.tag))
    return bool(project.protection(change.branch or ""))
