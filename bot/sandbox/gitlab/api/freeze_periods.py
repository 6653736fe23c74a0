"""Deploy freezes: all tiers, cron windows with a time zone (GitLab docs: api/freeze_periods)."""

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_request, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import FreezePeriod
from bot.sandbox.gitlab.routing import RouteTable

ROUTES = RouteTable()
LIST, ONE = "/projects/:id/freeze_periods", "/projects/:id/freeze_periods/:freeze_period_id"


@ROUTES.get(LIST)
async def list_freeze_periods(call: Call) -> Reply:
    return page(call, call.project(AccessLevel.REPORTER).freeze_periods, _view)


@ROUTES.get(ONE)
async def get_freeze_period(call: Call) -> Reply:
    return ok(_view(_period(call, call.project(AccessLevel.REPORTER))))


@ROUTES.post(LIST)
async def create_freeze_period(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    period = FreezePeriod(
        id=call.lab.next_id("freeze_period"),
        freeze_start=_cron(call.required("freeze_start"), "freeze_start"),
        freeze_end=_cron(call.required("freeze_end"), "freeze_end"),
        cron_timezone=call.text("cron_timezone", "UTC"),
        created_at=call.lab.now(),
        updated_at=call.lab.now(),
    )
    project.freeze_periods.append(period)
    return created(_view(period))


@ROUTES.put(ONE)
async def update_freeze_period(call: Call) -> Reply:
    period = _period(call, call.project(AccessLevel.MAINTAINER))
    period.freeze_start = _cron(call.text("freeze_start", period.freeze_start), "freeze_start")
    period.freeze_end = _cron(call.text("freeze_end", period.freeze_end), "freeze_end")
    period.cron_timezone, period.updated_at = call.text("cron_timezone", period.cron_timezone), call.lab.now()
    return ok(_view(period))


@ROUTES.delete(ONE)
async def delete_freeze_period(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    project.freeze_periods.remove(_period(call, project))
    return no_content()


def _period(call: Call, project: Project) -> FreezePeriod:
    found = next((one for one in project.freeze_periods if str(one.id) == call.path["freeze_period_id"]), None)
    if found is None:
        raise not_found("Freeze Period")
    return found


def _cron(text: str, name: str) -> str:
    if len(text.split()) != 5:
        raise bad_request({name: ["is invalid syntax"]})
    return text


def _view(period: FreezePeriod) -> Json:
    return {
        "id": period.id,
        "freeze_start": period.freeze_start,
        "freeze_end": period.freeze_end,
        "cron_timezone": period.cron_timezone,
        "created_at": stamp(period.created_at),
        "updated_at": stamp(period.updated_at),
    }
