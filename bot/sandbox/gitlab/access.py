"""Who may see, push, merge and delete what (GitLab docs: user/permissions, project/repository/branches/protected)."""

from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project, ProtectedRef


def may_see(lab: Instance, user: User | None, project: Project) -> bool:
    if project.visibility == "public" or (project.visibility == "internal" and user is not None):
        return True
    return lab.level(user, project) >= AccessLevel.GUEST


def may_read_code(lab: Instance, user: User | None, project: Project) -> bool:
    """Guests of a private project do not see its repository."""
    if project.visibility != "private":
        return may_see(lab, user, project)
    return lab.level(user, project) >= AccessLevel.REPORTER


def may_push(lab: Instance, user: User, project: Project, branch: str) -> bool:
    """Developers push anywhere that is not protected; on protected branches the most permissive rule decides.

    Someone with push access may also create the first branch of an empty project.
    """
    level = lab.level(user, project)
    if level < AccessLevel.DEVELOPER or project.archived:
        return False
    rules = project.protection(branch)
    if not rules:
        return True
    return any(_granted(level, user, rule.push, rule.push_users) for rule in rules)


def may_merge(lab: Instance, user: User, project: Project, branch: str) -> bool:
    """Whoever may push may merge as well."""
    if may_push(lab, user, project, branch):
        return True
    level = lab.level(user, project)
    if level < AccessLevel.DEVELOPER or project.archived:
        return False
    return any(_granted(level, user, rule.merge, rule.merge_users) for rule in project.protection(branch))


def may_update_ref(lab: Instance, user: User, project: Project, ref: str, *, tag: bool) -> bool:
    """Whether a pipeline of this ref may be updated: a protected ref wants push or merge rights on it."""
    if tag:
        return may_create_tag(lab, user, project, ref)
    return may_merge(lab, user, project, ref)


def may_create_tag(lab: Instance, user: User, project: Project, tag: str) -> bool:
    level = lab.level(user, project)
    if level < AccessLevel.DEVELOPER or project.archived:
        return False
    rules = project.tag_protection(tag)
    return not rules or any(_granted(level, user, rule.push, rule.push_users) for rule in rules)


def may_force_push(project: Project, branch: str) -> bool:
    rules: list[ProtectedRef] = project.protection(branch)
    return not rules or all(rule.allow_force_push for rule in rules)


def _granted(level: AccessLevel, user: User, needed: AccessLevel, users: set[int]) -> bool:
    return user.id in users or (needed != AccessLevel.NO_ACCESS and level >= needed)
