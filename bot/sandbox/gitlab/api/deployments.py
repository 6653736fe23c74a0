"""Environments, deployments and freeze periods."""

import re
from collections.abc import Mapping

from bot.sandbox.gitlab.access import may_push
from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.payloads.delivery import deployment_payload
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_parameter, bad_request, forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Deployment, Environment
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.commits import commit_view
from bot.sandbox.gitlab.views.merge_requests import merge_request_basic
from bot.sandbox.gitlab.views.people import user_basic

ROUTES = RouteTable()
ENVIRONMENTS, DEPLOYMENTS = "/projects/:id/environments", "/projects/:id/deployments"
TIERS = ("production", "staging", "testing", "development", "other")
STATES = ("running", "success", "failed", "canceled")
LISTED_STATES = ("created", *STATES, "blocked", "skipped")
_GUESSES: Mapping[str, str] = {
    "prod": "production",
    "live": "production",
    "stag": "staging",
    "test": "testing",
    "dev": "development",
}
_OPTIONAL = ("external_url", "description", "kubernetes_namespace", "flux_resource_path")


@ROUTES.get(ENVIRONMENTS)
async def list_environments(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    search = call.text("search")
    if search and len(search) < 3:
        raise bad_request("Search query is less than 3 characters")
    found = [
        one
        for one in project.environments
        if call.text("name", one.name) == one.name
        and search in one.name
        and call.text("states", one.state) == one.state
    ]
    return page(call, found, lambda one: environment_view(call, project, one))


@ROUTES.get(f"{ENVIRONMENTS}/:environment_id")
async def get_environment(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    return ok(environment_view(call, project, _environment(call, project)))


@ROUTES.post(ENVIRONMENTS)
async def create_environment(call: Call) -> Reply:
    project, name = call.project(AccessLevel.DEVELOPER), call.required("name")
    call.natural_key = f"environment:{project.path_with_namespace}:{name}"
    if not re.fullmatch(r"[\w\-/ .]+", name):
        raise bad_request({"name": ["can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces"]})
    if project.environment(name) is not None:
        raise bad_request({"name": ["has already been taken"]})
    environment = make_environment(call, project, name)
    _set(call, environment)
    return created(environment_view(call, project, environment))


@ROUTES.put(f"{ENVIRONMENTS}/:environment_id")
async def update_environment(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    environment = _environment(call, project)
    _set(call, environment)
    environment.updated_at = call.lab.now()
    return ok(environment_view(call, project, environment))


@ROUTES.post(f"{ENVIRONMENTS}/:environment_id/stop")
async def stop_environment(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    environment = _environment(call, project)
    environment.state, environment.updated_at = "stopped", call.lab.now()
    return ok(environment_view(call, project, environment))


@ROUTES.delete(f"{ENVIRONMENTS}/:environment_id")
async def delete_environment(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    environment = _environment(call, project)
    if environment.state != "stopped":
        raise forbidden()
    project.environments.remove(environment)
    return no_content()


@ROUTES.get(DEPLOYMENTS)
async def list_deployments(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    status = call.optional_text("status")
    if status is not None:
        call.required("status", LISTED_STATES)
    after, before = call.moment("updated_after"), call.moment("updated_before")
    order = call.chosen("order_by", ("id", "iid", "created_at", "updated_at", "finished_at", "ref"), "id")
    if (after or before) and order != "updated_at":
        raise bad_request("400 Bad request - `updated_at` filter requires `updated_at` sort")
    found = [
        one
        for one in project.deployments
        if call.text("environment", one.environment) == one.environment
        and status in (None, one.status)
        and call.text("sha", one.sha) == one.sha
        and (after is None or one.updated_at >= after)
        and (before is None or one.updated_at <= before)
    ]
    found.sort(
        key=lambda one: (one.updated_at.isoformat() if order == "updated_at" else "", one.id),
        reverse=call.chosen("sort", ("asc", "desc"), "asc") == "desc",
    )
    views = {one.id: await deployment_view(call, project, one) for one in found}
    return page(call, found, lambda one: views[one.id])


@ROUTES.get(f"{DEPLOYMENTS}/:deployment_id")
async def get_deployment(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    return ok(await deployment_view(call, project, _deployment(call, project)))


@ROUTES.post(DEPLOYMENTS)
async def create_deployment(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    name, sha, ref = call.required("environment"), call.required("sha"), call.required("ref")
    if call.value("tag") is None:
        raise bad_parameter("tag is missing")
    status = call.required("status", STATES)
    call.natural_key = f"deployment:{project.path_with_namespace}:{name}:{sha}:{status}"
    commit = await project.repository.commit(sha)
    if commit is None:
        raise bad_request({"sha": ["The commit does not exist"]})
    if await project.repository.resolve(ref) is None:
        raise bad_request({"ref": ["The branch or tag does not exist"]})
    environment = project.environment(name) or make_environment(call, project, name)
    environment.state = "available"
    deployment = Deployment(
        id=call.lab.next_id("deployment"),
        iid=len(project.deployments) + 1,
        environment=name,
        sha=commit.sha,
        ref=ref,
        tag=call.flag("tag"),
        user=call.actor,
        created_at=call.lab.now(),
        updated_at=call.lab.now(),
    )
    project.deployments.append(deployment)
    await _move(call, project, deployment, status)
    return created(await deployment_view(call, project, deployment))


@ROUTES.put(f"{DEPLOYMENTS}/:deployment_id")
async def update_deployment(call: Call) -> Reply:
    project = call.project(AccessLevel.DEVELOPER)
    deployment, status = _deployment(call, project), call.required("status", STATES)
    call.natural_key = f"deployment:{project.path_with_namespace}:{deployment.id}:{status}"
    if deployment.user is not call.actor and not may_push(call.lab, call.actor, project, deployment.ref):
        raise forbidden()
    await _move(call, project, deployment, status)
    return ok(await deployment_view(call, project, deployment))


@ROUTES.get(f"{DEPLOYMENTS}/:deployment_id/merge_requests")
async def list_deployment_merge_requests(call: Call) -> Reply:
    """Merged requests that came with this deployment: in its commit, not in the successful one before it."""
    project = call.project(AccessLevel.REPORTER)
    deployment = _deployment(call, project)
    earlier = [
        one
        for one in project.deployments
        if one.environment == deployment.environment and one.status == "success" and one.id < deployment.id
    ]
    flags = [f"^{earlier[-1].sha}"] if earlier else []
    shas = {one.sha for one in await project.repository.log(deployment.sha, *flags)}
    found = [
        mr
        for mr in project.merge_requests.values()
        if mr.state == "merged" and (mr.merge_commit_sha or mr.squash_commit_sha or mr.head_sha) in shas
    ]
    return page(call, found, lambda mr: merge_request_basic(call.lab, project, mr))


def make_environment(call: Call, project: Project, name: str) -> Environment:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24]
    tier = next((tier for word, tier in _GUESSES.items() if word in name.lower()), "other")
    environment = Environment(
        id=call.lab.next_id("environment"),
        name=name,
        slug=slug,
        tier=tier,
        created_at=call.lab.now(),
        updated_at=call.lab.now(),
    )
    project.environments.append(environment)
    return environment


def environment_view(call: Call, project: Project, environment: Environment) -> Json:
    return {
        "id": environment.id,
        "name": environment.name,
        "slug": environment.slug,
        "description": environment.description,
        "external_url": environment.external_url,
        "state": environment.state,
        "tier": environment.tier,
        "created_at": stamp(environment.created_at),
        "updated_at": stamp(environment.updated_at),
        "auto_stop_at": None,
        "cluster_agent": {"id": environment.cluster_agent_id} if environment.cluster_agent_id else None,
        "kubernetes_namespace": environment.kubernetes_namespace,
        "flux_resource_path": environment.flux_resource_path,
    }


async def deployment_view(call: Call, project: Project, deployment: Deployment) -> Json:
    environment = project.environment(deployment.environment)
    commit = await project.repository.commit(deployment.sha)
    return {
        "id": deployment.id,
        "iid": deployment.iid,
        "ref": deployment.ref,
        "sha": deployment.sha,
        "status": deployment.status,
        "created_at": stamp(deployment.created_at),
        "updated_at": stamp(deployment.updated_at),
        "user": user_basic(call.lab, deployment.user),
        "environment": environment_view(call, project, environment) if environment else None,
        "deployable": None,
        "commit": commit_view(call.lab, project, commit) if commit else None,
    }


async def _move(call: Call, project: Project, deployment: Deployment, status: str) -> None:
    """A deployment goes on to another state; the same state again or a step back to running is refused."""
    if deployment.status == status or (status == "running" and deployment.status != "created"):
        raise bad_request(f'{{:status=>["cannot transition via \\"{_event(status)}\\""]}}')
    deployment.status, deployment.updated_at = status, call.lab.now()
    deployment.finished_at = call.lab.now() if status != "running" else None
    commit = await project.repository.commit(deployment.sha)
    call.lab.webhooks.fire(project, "deployment_events", deployment_payload(call.lab, project, deployment, commit))


def _event(status: str) -> str:
    return {"running": "run", "success": "succeed", "failed": "drop", "canceled": "cancel"}[status]


def _environment(call: Call, project: Project) -> Environment:
    found = next((one for one in project.environments if str(one.id) == call.path["environment_id"]), None)
    if found is None:
        raise not_found("Environment")
    return found


def _deployment(call: Call, project: Project) -> Deployment:
    found = next((one for one in project.deployments if str(one.id) == call.path["deployment_id"]), None)
    if found is None:
        raise not_found("Deployment")
    return found


def _set(call: Call, environment: Environment) -> None:
    environment.tier = call.chosen("tier", TIERS, environment.tier)
    for name in _OPTIONAL:
        if call.has(name):
            setattr(environment, name, call.optional_text(name))
    environment.cluster_agent_id = call.integer("cluster_agent_id", environment.cluster_agent_id)
