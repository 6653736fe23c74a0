"""How users, tokens, groups, projects and hooks come to exist, by the API or by the sandbox's own hand."""

import secrets
from collections.abc import Iterable
from dataclasses import fields
from typing import Literal

from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, Group, Token, User, UserKind
from bot.sandbox.gitlab.projects import Project, ProtectedRef
from bot.sandbox.gitlab.records import Hook
from bot.sandbox.gitlab.repository import Repository
from bot.sandbox.gitlab.webhook_queue import HEADER_OF_EVENT

DEFAULT_EVENTS = frozenset({"push_events"})
_SETTINGS = frozenset(one.name for one in fields(Project)) - {"id", "path_with_namespace", "repository", "members"}


def new_user(
    lab: Instance, username: str, name: str, *, email: str | None = None, admin: bool = False, kind: UserKind = "human"
) -> User:
    if lab.user_named(username) is not None:
        raise ValueError(f"the sandbox already has a user {username}: choose another username")
    user = User(
        id=lab.next_id("user"),
        username=username,
        name=name,
        email=email or f"{username}@noreply.example.com",
        admin=admin,
        kind=kind,
    )
    lab.users[user.id] = user
    return user


def new_token(
    lab: Instance,
    user: User,
    scopes: Iterable[str],
    *,
    kind: Literal["personal", "project"] = "personal",
    project: Project | None = None,
    name: str = "token",
) -> Token:
    """Make a token with a fresh value; a project token opens no other private project."""
    token = Token(
        id=lab.next_id("token"),
        user=user,
        value=f"glpat-{secrets.token_urlsafe(15)}",
        scopes=frozenset(scopes),
        kind=kind,
        project_id=project.id if project else None,
        name=name,
    )
    lab.tokens[token.value] = token
    return token


def new_group(lab: Instance, path: str, *, name: str | None = None) -> Group:
    group = Group(id=lab.next_id("namespace"), path=path, name=name or path)
    lab.groups[group.id] = group
    return group


def new_project(lab: Instance, path: str, *, creator: User, **settings: object) -> Project:
    """Make an empty project at a full path; its default branch is protected for maintainers."""
    namespace, _, last = path.rpartition("/")
    group = next((one for one in lab.groups.values() if one.path == namespace), None)
    unknown = settings.keys() - _SETTINGS
    if lab.project(path) is not None or not namespace or unknown:
        raise ValueError(
            f"cannot make the project {path}: it exists, has no namespace, or {sorted(unknown)} is unknown"
        )
    project_id = lab.next_id("project")
    directory = lab.data_dir / "repositories" / f"{project_id}.git"
    project = Project(
        id=project_id,
        path_with_namespace=path,
        name=str(settings.pop("name", last)),
        namespace_id=group.id if group else lab.next_id("namespace"),
        repository=Repository(directory),
        created_at=lab.now(),
        creator=creator,
        group=group,
    )
    for name, value in settings.items():
        setattr(project, name, value)
    project.repository.create(project.default_branch)
    project.protected_branches.append(ProtectedRef(id=lab.next_id("protected_ref"), name=project.default_branch))
    project.members.setdefault(creator.id, AccessLevel.OWNER)
    lab.projects[project.id] = project
    return project


def new_hook(
    lab: Instance,
    owner: Project | Group | None,
    url: str,
    *,
    token: str | None = None,
    signing_token: str | None = None,
    events: Iterable[str] | None = None,
) -> Hook:
    """Register a webhook of a project, a group or (owner None) the whole instance; `events` as the API names them."""
    wanted = frozenset(DEFAULT_EVENTS if events is None else events)
    if not wanted <= HEADER_OF_EVENT.keys():
        raise ValueError(f"unknown hook events {sorted(wanted - HEADER_OF_EVENT.keys())}: see HEADER_OF_EVENT")
    hook = Hook(
        id=lab.next_id("hook"),
        url=url,
        created_at=lab.now(),
        events=wanted,
        token=token,
        signing_token=signing_token,
        project_id=owner.id if isinstance(owner, Project) else None,
        group_id=owner.id if isinstance(owner, Group) else None,
    )
    match owner:
        case Project():
            owner.hooks.append(hook)
        case Group():
            lab.group_hooks.append(hook)
        case None:
            lab.system_hooks.append(hook)
    return hook
