"""The API as one aiohttp application, mounted by the composition root under `/api/v1`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from bot.api import undoing_table
from bot.api.access import Callers, guard
from bot.api.forms import (
    AdoptForm,
    CommandForm,
    DeliveriesForm,
    DeliveryStoryForm,
    RunsForm,
    StatusForm,
    WhyForm,
    WorkForm,
)
from bot.api.openapi import document
from bot.api.operations import Handler, Operation, Parameter
from bot.api.problems import answer, in_one_form
from bot.api.queries import MOST, PHASES, USUAL
from bot.api.routes import Api
from bot.api.undoing import Undoing
from bot.clock import Clock
from bot.explaining import Explainer
from bot.journal import Journal
from bot.tenants import Tenants

PREFIX = "/api/v1"

LIMIT = Parameter(
    name="limit",
    about="How many lines at most.",
    schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
)
TENANT = Parameter(name="tenant", about="A config repository by its name in the settings.")
APPLICATION = Parameter(name="application", about="An application by its name in the policy.")
ENVIRONMENT = Parameter(name="environment", about="An environment by its name in the policy.", required=True)
PHASE = Parameter(name="phase", about="Only deliveries in this phase.", schema={"type": "string", "enum": list(PHASES)})
ENDPOINT = Parameter(name="endpoint", about="Only deliveries of this sender, such as gitlab or flux/CLUSTER.")
DELIVERY = Parameter(name="id", about="A delivery's id.")
BODY = Parameter(name="body", about="Also its body, masked.", schema={"type": "boolean", "default": False})
KEY = Parameter(name="key", about="A key of work: src:CLUSTER/NAMESPACE/NAME, cfg:TENANT or app:TENANT/APPLICATION.")
SUBJECT = Parameter(name="subject", about="A key, or app:TENANT/APPLICATION@ENVIRONMENT.")
HANDLER = Parameter(name="handler", about="Only runs of this rule.")


def create_api(
    journal: Journal,
    tenants: Tenants,
    explainer: Explainer,
    tokens: Mapping[str, str],
    clock: Clock,
    *,
    gitlab_url: str = "",
) -> web.Application:
    """The application. tokens: secret by caller's name; gitlab_url: where merge requests are linked to, if given.

    PermanentError for an empty token, or one that two callers share.
    """
    api = Api(journal=journal, tenants=tenants, explainer=explainer, clock=clock, gitlab_url=gitlab_url)
    table = operations(api)
    app = web.Application(middlewares=[in_one_form, guard(Callers(tokens))])
    app.add_routes([operation.route() for operation in table])
    return app


def operations(api: Api) -> Sequence[Operation]:
    """Everything the API offers, the description of itself among it."""
    undoing = Undoing(journal=api.journal, tenants=api.tenants, clock=api.clock)
    asked = (*_questions(api), *undoing_table.questions(undoing, TENANT, APPLICATION))
    table = (*asked, *_commands(api), *undoing_table.commands(undoing))
    described = document((*table, _description()), PREFIX)

    async def openapi(_: web.Request) -> web.Response:
        return answer(described)

    return (*table, _description(openapi))


async def _undescribed(_: web.Request) -> web.Response:
    raise web.HTTPNotFound


def _description(handler: Handler = _undescribed) -> Operation:
    return Operation(
        method="GET",
        path="/openapi.json",
        name="openapi",
        about="This document.",
        handler=handler,
        answers=None,
    )


def _questions(api: Api) -> tuple[Operation, ...]:
    return (
        Operation(
            method="GET",
            path="/status",
            name="status",
            about="Every tenant, and every application in each of its environments.",
            handler=api.status,
            answers=StatusForm,
            parameters=(TENANT, APPLICATION),
        ),
        Operation(
            method="GET",
            path="/why",
            name="why",
            about="Why an environment is as it is: the rules decide now, and nothing is done.",
            handler=api.why,
            answers=WhyForm,
            parameters=(replace(APPLICATION, required=True), ENVIRONMENT, TENANT),
        ),
        Operation(
            method="GET",
            path="/deliveries",
            name="deliveries",
            about="What arrived, the newest first.",
            handler=api.deliveries,
            answers=DeliveriesForm,
            parameters=(PHASE, ENDPOINT, LIMIT),
        ),
        Operation(
            method="GET",
            path="/deliveries/{id}",
            name="delivery",
            about="One delivery: what it said, and what was decided because of it.",
            handler=api.delivery,
            answers=DeliveryStoryForm,
            parameters=(DELIVERY, BODY),
        ),
        Operation(
            method="GET",
            path="/work",
            name="work",
            about="Work that was given up and waits for a person.",
            handler=api.work,
            answers=WorkForm,
            parameters=(LIMIT,),
        ),
        Operation(
            method="GET",
            path="/runs",
            name="runs",
            about="What was decided, the newest first.",
            handler=api.runs,
            answers=RunsForm,
            parameters=(SUBJECT, HANDLER, LIMIT),
        ),
    )


def _commands(api: Api) -> tuple[Operation, ...]:
    return (
        Operation(
            method="POST",
            path="/deliveries/{id}/redeliver",
            name="redeliver",
            about="Send a delivery through again: it is parsed anew and counts even if it repeats another.",
            handler=api.redeliver,
            answers=CommandForm,
            status=202,
            parameters=(DELIVERY,),
        ),
        Operation(
            method="POST",
            path="/work/{key}/retry",
            name="retry",
            about="Look again at a key whose work was given up.",
            handler=api.retry,
            answers=CommandForm,
            status=202,
            parameters=(KEY,),
        ),
        Operation(
            method="POST",
            path="/adopt",
            name="adopt",
            about="Tie this installation to a config repository, so that it may act there.",
            handler=api.adopt,
            answers=CommandForm,
            status=202,
            body=AdoptForm,
        ),
    )
