"""Commit statuses written, pipelines and jobs read."""

from bot.sandbox.gitlab.answers import Reply, created, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_parameter, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Pipeline
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.statuses import write_status
from bot.sandbox.gitlab.views.pipelines import job_view, pipeline_basic, pipeline_view, status_view

ROUTES = RouteTable()
_ORDERS = ("id", "status", "ref", "updated_at", "user_id")


@ROUTES.post("/projects/:id/statuses/:sha")
async def create_status(call: Call) -> Reply:
    project, sha = call.project(AccessLevel.DEVELOPER), call.path["sha"]
    name = call.optional_text("name") or call.optional_text("context") or "default"
    call.natural_key = f"status:{project.path_with_namespace}:{sha}:{call.text('ref')}:{name}:{call.text('state')}"
    pipeline, job = await write_status(call, project, sha)
    return created(status_view(call.lab, project, pipeline, job))


@ROUTES.get("/projects/:id/pipelines")
async def list_pipelines(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    found = [one for one in project.pipelines if _wanted(call, one)]
    order = call.chosen("order_by", _ORDERS, "id")
    found.sort(key=lambda one: _order(one, order), reverse=call.text("sort", "desc") == "desc")
    return page(call, found, lambda one: pipeline_basic(call.lab, project, one))


@ROUTES.get("/projects/:id/pipelines/latest")
async def get_latest_pipeline(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    ref = call.text("ref") or project.default_branch
    head = await project.repository.resolve(ref)
    found = [one for one in project.pipelines if one.ref == ref and one.sha == head]
    if not found:
        raise not_found("Pipeline")
    return ok(pipeline_view(call.lab, project, max(found, key=lambda one: one.id)))


@ROUTES.get("/projects/:id/pipelines/:pipeline_id")
async def get_pipeline(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    return ok(pipeline_view(call.lab, project, _pipeline(call, project)))


@ROUTES.get("/projects/:id/pipelines/:pipeline_id/jobs")
async def list_pipeline_jobs(call: Call) -> Reply:
    """CI jobs only: external statuses are commit statuses, not jobs of this list."""
    project = call.project(AccessLevel.REPORTER)
    pipeline = _pipeline(call, project)
    commit = await project.repository.commit(pipeline.sha)
    scope = call.listing("scope")
    jobs = [
        one
        for one in reversed(pipeline.jobs)
        if not one.external
        and (call.flag("include_retried") or not one.retried)
        and (scope is None or one.status in scope)
    ]
    return page(call, jobs, lambda one: job_view(call.lab, project, pipeline, one, commit))


@ROUTES.get("/projects/:id/jobs")
async def list_jobs(call: Call) -> Reply:
    project = call.project(AccessLevel.REPORTER)
    rows = [
        (pipeline, job)
        for pipeline in reversed(project.pipelines)
        for job in reversed(pipeline.jobs)
        if not job.external and not job.retried
    ]
    return page(call, rows, lambda row: job_view(call.lab, project, row[0], row[1], None))


def _pipeline(call: Call, project: Project) -> Pipeline:
    wanted = call.path["pipeline_id"]
    found = next((one for one in project.pipelines if str(one.id) == wanted), None)
    if found is None:
        raise not_found()
    return found


def _wanted(call: Call, pipeline: Pipeline) -> bool:
    told = (
        ("sha", pipeline.sha),
        ("ref", pipeline.ref),
        ("status", pipeline.status),
        ("source", pipeline.source),
        ("username", pipeline.user.username),
    )
    after, before = call.moment("updated_after"), call.moment("updated_before")
    scope = call.optional_text("scope")
    return (
        all(call.text(name, value) == value for name, value in told)
        and (after is None or pipeline.updated_at > after)
        and (before is None or pipeline.updated_at < before)
        and (scope is None or _in_scope(scope, pipeline))
    )


def _in_scope(scope: str, pipeline: Pipeline) -> bool:
    match scope:
        case "running" | "pending":
            return pipeline.status == scope
        case "finished":
            return pipeline.finished_at is not None
        case "branches":
            return not pipeline.tag
        case "tags":
            return pipeline.tag
        case _:
            raise bad_parameter("scope does not have a valid value")


def _order(pipeline: Pipeline, order: str) -> tuple[str, int]:
    keys = {
        "status": pipeline.status,
        "ref": pipeline.ref,
        "updated_at": pipeline.updated_at.isoformat(),
        "user_id": f"{pipeline.user.id:012}",
    }
    return keys.get(order, ""), pipeline.id
