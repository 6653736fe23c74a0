"""GitLab's environment page tells the truth: one deployment per (environment, commit, promotion), in the right state.

https://docs.gitlab.com/api/deployments/ and /api/environments/ (18.x). A deployment leaves its final state only for
another final one, so a second promotion of the same commit is a deployment of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import Deployment, DeploymentState, Environment
from bot.clients.gitlab.reads import deployments, environments, own_user

CLOCK_SKEW = timedelta(minutes=2)
"""How far GitLab's clock may be from ours when a deployment is told apart from an earlier promotion's."""

LOOKED_AT = 100
"""How many of an environment's newest deployments are searched for the commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDeployment:
    """A deployment as it should be.

    since: when this promotion began; an older deployment of the same commit belongs to an earlier promotion.
    known_id: the external id of a run before, which spares the search.
    """

    environment: str
    sha: str
    ref: str
    tag: bool
    status: DeploymentState
    since: datetime
    known_id: int | None = None


async def ensure_deployment(api: GitLabAPI, project: ProjectId, wanted: WantedDeployment) -> Ensured[Deployment]:
    """The promotion's deployment is in the wanted state. Told late that it runs, a finished one stays finished."""
    async with api.lock(f"deployment:{project}:{wanted.environment}"):
        found = await _find(api, project, wanted)
        if found is None:
            return _ensured(await _create(api, project, wanted), wrote=True)
        if found.status == wanted.status or wanted.status == "running":
            return _ensured(found, wrote=False)
        path = of_project(project, "deployments", found.id)
        changed = await api.write("PUT", path, Deployment, feature="deployments", data={"status": wanted.status})
        return _ensured(changed, wrote=True)


async def ensure_environment(
    api: GitLabAPI, project: ProjectId, name: str, *, tier: str | None = None, external_url: str | None = None
) -> Ensured[Environment]:
    """The environment exists, with the tier and address if given.

    tier: production, staging, testing, development or other.
    """
    wanted = {key: value for key, value in (("tier", tier), ("external_url", external_url)) if value is not None}
    found = await _environment(api, project, name)
    if found is None:
        return await _create_environment(api, project, name, wanted)
    changes: dict[str, object] = {key: value for key, value in wanted.items() if getattr(found, key) != value}
    if not changes:
        return Ensured(value=found, external_id=str(found.id), wrote=False)
    path = of_project(project, "environments", found.id)
    changed = await api.write("PUT", path, Environment, feature="environments", data=changes)
    return Ensured(value=changed, external_id=str(changed.id), wrote=True)


async def _find(api: GitLabAPI, project: ProjectId, wanted: WantedDeployment) -> Deployment | None:
    if wanted.known_id is not None:
        path = of_project(project, "deployments", wanted.known_id)
        known = await api.find(path, Deployment, feature="deployments")
        if known is not None:
            return known
    me = await own_user(api)
    found = await deployments(api, project, environment=wanted.environment, sha=wanted.sha, limit=LOOKED_AT)
    return next((one for one in found if one.user is not None and one.user.id == me.id and _recent(one, wanted)), None)


def _recent(found: Deployment, wanted: WantedDeployment) -> bool:
    return found.created_at is not None and found.created_at >= wanted.since - CLOCK_SKEW


async def _create(api: GitLabAPI, project: ProjectId, wanted: WantedDeployment) -> Deployment:
    data = {
        "environment": wanted.environment,
        "sha": wanted.sha,
        "ref": wanted.ref,
        "tag": wanted.tag,
        "status": wanted.status,
    }
    return await api.write("POST", of_project(project, "deployments"), Deployment, feature="deployments", data=data)


async def _environment(api: GitLabAPI, project: ProjectId, name: str) -> Environment | None:
    return next((one for one in await environments(api, project, name=name) if one.name == name), None)


async def _create_environment(
    api: GitLabAPI, project: ProjectId, name: str, wanted: dict[str, str]
) -> Ensured[Environment]:
    path = of_project(project, "environments")
    try:
        made = await api.write("POST", path, Environment, feature="environments", data={"name": name, **wanted})
    except GitLabRefusal as error:
        found = await _environment(api, project, name) if error.status in (400, 409) else None
        if found is None:
            raise
        return Ensured(value=found, external_id=str(found.id), wrote=False)
    return Ensured(value=made, external_id=str(made.id), wrote=True)


def _ensured(found: Deployment, *, wrote: bool) -> Ensured[Deployment]:
    return Ensured(value=found, external_id=str(found.id), wrote=wrote)
