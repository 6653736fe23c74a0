"""Projects, branches and protection rules as the API shows them."""

from collections.abc import Mapping

from bot.sandbox.gitlab.access import may_push
from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project, ProtectedRef
from bot.sandbox.gitlab.repository import Commit
from bot.sandbox.gitlab.views.commits import commit_view

_LEVEL_WORDS: Mapping[AccessLevel, str] = {
    AccessLevel.NO_ACCESS: "No one",
    AccessLevel.DEVELOPER: "Developers + Maintainers",
    AccessLevel.MAINTAINER: "Maintainers",
}


def project_view(lab: Instance, project: Project, user: User | None) -> Json:
    web = f"{lab.url}/{project.path_with_namespace}"
    own = project.members.get(user.id) if user else None
    inherited = project.group.members.get(user.id) if user and project.group else None
    return {
        "id": project.id,
        "description": project.description,
        "name": project.name,
        "name_with_namespace": project.path_with_namespace.replace("/", " / "),
        "path": project.path,
        "path_with_namespace": project.path_with_namespace,
        "created_at": stamp(project.created_at),
        "default_branch": project.default_branch if project.repository.branches() else None,
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@{lab.url.split('//')[-1]}:{project.path_with_namespace}.git",
        "http_url_to_repo": f"{web}.git",
        "web_url": web,
        "avatar_url": None,
        "namespace": _namespace(lab, project),
        "last_activity_at": stamp(project.created_at),
        "visibility": project.visibility,
        "archived": project.archived,
        "empty_repo": not project.repository.branches(),
        "issues_enabled": project.issues_enabled,
        "issues_access_level": "enabled" if project.issues_enabled else "disabled",
        "merge_requests_enabled": True,
        "jobs_enabled": True,
        "creator_id": project.creator.id,
        "ci_config_path": project.ci_config_path if project.ci_config_path != ".gitlab-ci.yml" else None,
        "only_allow_merge_if_pipeline_succeeds": project.only_allow_merge_if_pipeline_succeeds,
        "allow_merge_on_skipped_pipeline": project.allow_merge_on_skipped_pipeline,
        "only_allow_merge_if_all_discussions_are_resolved": project.only_allow_merge_if_all_discussions_are_resolved,
        "remove_source_branch_after_merge": project.remove_source_branch_after_merge,
        "merge_method": project.merge_method,
        "squash_option": project.squash_option,
        "permissions": {"project_access": _access(own), "group_access": _access(inherited)},
        **_paid_settings(lab, project),
    }


async def branch_view(lab: Instance, project: Project, name: str, commit: Commit, user: User | None) -> Json:
    default = project.repository.branch(project.default_branch)
    merged = default is not None and await project.repository.is_ancestor(commit.sha, default)
    rules = project.protection(name)
    return {
        "name": name,
        "commit": commit_view(lab, project, commit),
        "merged": name != project.default_branch and merged,
        "protected": bool(rules),
        "developers_can_push": any(rule.push == AccessLevel.DEVELOPER for rule in rules),
        "developers_can_merge": any(rule.merge == AccessLevel.DEVELOPER for rule in rules),
        "can_push": user is not None and may_push(lab, user, project, name),
        "default": name == project.default_branch,
        "web_url": f"{lab.url}/{project.path_with_namespace}/-/tree/{name}",
    }


def protected_branch_view(rule: ProtectedRef) -> Json:
    return {
        "id": rule.id,
        "name": rule.name,
        "push_access_levels": _levels(rule, rule.push, rule.push_users),
        "merge_access_levels": _levels(rule, rule.merge, rule.merge_users),
        "unprotect_access_levels": [],
        "allow_force_push": rule.allow_force_push,
        "code_owner_approval_required": False,
    }


def tag_view(lab: Instance, project: Project, name: str, commit: Commit, message: str) -> Json:
    return {
        "name": name,
        "message": message,
        "target": project.repository.tag_objects.get(f"refs/tags/{name}", commit.sha),
        "commit": commit_view(lab, project, commit),
        "release": next(
            (
                {"tag_name": one.tag_name, "description": one.description}
                for one in project.releases
                if one.tag_name == name
            ),
            None,
        ),
        "protected": bool(project.tag_protection(name)),
        "created_at": None,
    }


def _levels(rule: ProtectedRef, level: AccessLevel, users: set[int]) -> list[Json]:
    words = _LEVEL_WORDS.get(level, level.name.capitalize())
    shown: Json = {"id": rule.id * 10, "access_level": int(level), "access_level_description": words}
    named: list[Json] = [
        {"id": rule.id * 10 + 1, "access_level": None, "user_id": user, "access_level_description": f"user {user}"}
        for user in sorted(users)
    ]
    return [{**shown, "user_id": None, "group_id": None, "deploy_key_id": None}, *named]


def _access(level: AccessLevel | None) -> Json | None:
    return None if level is None else {"access_level": int(level), "notification_level": 3}


def _namespace(lab: Instance, project: Project) -> Json:
    path = project.namespace_path
    return {
        "id": project.namespace_id,
        "name": project.group.name if project.group else path,
        "path": path.rsplit("/", 1)[-1],
        "kind": "group" if project.group else "user",
        "full_path": path,
        "parent_id": None,
        "avatar_url": None,
        "web_url": f"{lab.url}/groups/{path}" if project.group else f"{lab.url}/{path}",
    }


def _paid_settings(lab: Instance, project: Project) -> Json:
    if lab.edition == "free":
        return {}
    return {
        "approvals_before_merge": project.approvals_before_merge,
        "merge_pipelines_enabled": project.merge_pipelines_enabled,
        "merge_trains_enabled": False,
    }
