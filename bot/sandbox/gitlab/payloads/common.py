"""The pieces that several webhook payloads share."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Label
from bot.sandbox.gitlab.repository import Commit

_VISIBILITY: Mapping[str, int] = {"private": 0, "internal": 10, "public": 20}


def hook_time(at: datetime | None) -> str | None:
    """Webhook time: `2026-01-31 12:00:00 UTC`."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def hook_user(user: User) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": None,
        # GitLab hides the address unless the user made it public.
        "email": "[REDACTED]",
    }


def hook_project(lab: Instance, project: Project) -> Json:
    web = f"{lab.url}/{project.path_with_namespace}"
    ssh = f"git@{lab.url.split('//')[-1]}:{project.path_with_namespace}.git"
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "web_url": web,
        "avatar_url": None,
        "git_ssh_url": ssh,
        "git_http_url": f"{web}.git",
        "namespace": project.group.name if project.group else project.namespace_path,
        "visibility_level": _VISIBILITY[project.visibility],
        "path_with_namespace": project.path_with_namespace,
        "default_branch": project.default_branch,
        "ci_config_path": project.ci_config_path,
        "homepage": web,
        "url": ssh,
        "ssh_url": ssh,
        "http_url": f"{web}.git",
    }


def hook_repository(lab: Instance, project: Project) -> Json:
    web = f"{lab.url}/{project.path_with_namespace}"
    return {
        "name": project.name,
        "url": f"git@{lab.url.split('//')[-1]}:{project.path_with_namespace}.git",
        "description": project.description,
        "homepage": web,
    }


def hook_repository_full(lab: Instance, project: Project) -> Json:
    """The repository of push and job hooks, which also tells the clone addresses."""
    web = f"{lab.url}/{project.path_with_namespace}"
    return {
        **hook_repository(lab, project),
        "git_http_url": f"{web}.git",
        "git_ssh_url": f"git@{lab.url.split('//')[-1]}:{project.path_with_namespace}.git",
        "visibility_level": _VISIBILITY[project.visibility],
    }


def hook_commit(lab: Instance, project: Project, commit: Commit) -> Json:
    return {
        "id": commit.sha,
        "message": commit.message,
        "title": commit.title,
        "timestamp": commit.committed_at,
        "url": f"{lab.url}/{project.path_with_namespace}/-/commit/{commit.sha}",
        "author": {"name": commit.author_name, "email": commit.author_email},
    }


def hook_labels(project: Project, names: Sequence[str]) -> list[Json]:
    return [_label(project, project.label(name) or Label(id=0, name=name)) for name in names]


def hook_changes(before: Mapping[str, object], after: Mapping[str, object]) -> Json:
    """The `changes` map of an update: only what differs."""
    return {
        name: {"previous": before.get(name), "current": after[name]}
        for name in after
        if before.get(name) != after[name]
    }


def _label(project: Project, label: Label) -> Json:
    return {
        "id": label.id,
        "title": label.name,
        "color": label.color,
        "project_id": project.id,
        "created_at": stamp(project.created_at),
        "updated_at": stamp(project.created_at),
        "template": False,
        "description": label.description,
        "type": "ProjectLabel",
        "group_id": None,
    }
