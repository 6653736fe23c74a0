"""Project webhooks: registered, changed, tried out, and their deliveries read and sent again."""

import json

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.payloads.push import push_payload
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_parameter, not_found, unprocessable
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Hook
from bot.sandbox.gitlab.registration import DEFAULT_EVENTS, new_hook
from bot.sandbox.gitlab.repository import ZERO_SHA, RefChange
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.webhook_queue import HEADER_OF_EVENT, Delivery

ROUTES = RouteTable()
LIST, ONE = "/projects/:id/hooks", "/projects/:id/hooks/:hook_id"


@ROUTES.get(LIST)
async def list_hooks(call: Call) -> Reply:
    return page(call, call.project(AccessLevel.MAINTAINER).hooks, lambda hook: hook_view(call, hook))


@ROUTES.get(ONE)
async def get_hook(call: Call) -> Reply:
    return ok(hook_view(call, _hook(call, call.project(AccessLevel.MAINTAINER))))


@ROUTES.post(LIST)
async def create_hook(call: Call) -> Reply:
    project, url = call.project(AccessLevel.MAINTAINER), call.required("url")
    _check_url(url)
    call.natural_key = f"hook:{project.path_with_namespace}:{url}"
    events = {name for name in HEADER_OF_EVENT if call.flag(name, name in DEFAULT_EVENTS)}
    hook = new_hook(
        call.lab,
        project,
        url,
        token=call.optional_text("token"),
        signing_token=call.optional_text("signing_token"),
        events=events,
    )
    hook.enable_ssl_verification = call.flag("enable_ssl_verification", default=True)
    return created(hook_view(call, hook))


@ROUTES.put(ONE)
async def update_hook(call: Call) -> Reply:
    hook = _hook(call, call.project(AccessLevel.MAINTAINER))
    hook.url = call.text("url", hook.url)
    _check_url(hook.url)
    hook.events = frozenset(name for name in HEADER_OF_EVENT if call.flag(name, name in hook.events))
    hook.token = call.optional_text("token") if call.has("token") else hook.token
    hook.signing_token = call.optional_text("signing_token") if call.has("signing_token") else hook.signing_token
    return ok(hook_view(call, hook))


@ROUTES.delete(ONE)
async def delete_hook(call: Call) -> Reply:
    project = call.project(AccessLevel.MAINTAINER)
    project.hooks.remove(_hook(call, project))
    return no_content()


@ROUTES.post(f"{ONE}/test/:trigger")
async def try_hook(call: Call) -> Reply:
    """Sends a push event of the default branch's head; other triggers need data this sandbox does not make up."""
    project = call.project(AccessLevel.MAINTAINER)
    hook, head = _hook(call, project), project.repository.branch(project.default_branch)
    if call.path["trigger"] != "push_events":
        raise unprocessable("the sandbox tries out push_events only")
    if head is None:
        raise unprocessable("Ensure the project has at least one commit.")
    change = RefChange(ref=f"refs/heads/{project.default_branch}", before=ZERO_SHA, after=head)
    commits = await project.repository.log(head, limit=1)
    payload = await push_payload(call.lab, project, change, call.actor, commits, 1)
    call.lab.webhooks.send(hook, "push_events", json.dumps(payload).encode())
    return created({"message": "201 Created"})


@ROUTES.get(f"{ONE}/events")
async def list_hook_events(call: Call) -> Reply:
    """The deliveries of this hook, newest first; the token is redacted, the signature is not."""
    hook = _hook(call, call.project(AccessLevel.MAINTAINER))
    numbered = [(number, one) for number, one in enumerate(call.lab.webhooks.deliveries) if one.hook_id == hook.id]
    return page(call, numbered[::-1], lambda one: _delivery_view(one[0], one[1]))


@ROUTES.post(f"{ONE}/events/:hook_event_id/resend")
async def resend_hook_event(call: Call) -> Reply:
    """Sends the same body again under the same Idempotency-Key."""
    hook = _hook(call, call.project(AccessLevel.MAINTAINER))
    wanted, log = call.path["hook_event_id"], call.lab.webhooks.deliveries
    if not wanted.isdecimal() or int(wanted) >= len(log) or log[int(wanted)].hook_id != hook.id:
        raise not_found()
    delivery = log[int(wanted)]
    call.lab.webhooks.send(hook, delivery.event, delivery.body, key=delivery.idempotency_key)
    return created({"response_status": 200})


def hook_view(call: Call, hook: Hook) -> Json:
    """Secrets are write-only: the API tells only whether they are set."""
    if hook.disabled_for_good:
        alert = "disabled"
    else:
        alert = "temporarily_disabled" if hook.disabled_until and hook.disabled_until > call.lab.now() else "executable"
    return {
        "id": hook.id,
        "url": hook.url,
        "name": None,
        "description": None,
        "created_at": stamp(hook.created_at),
        **{name: name in hook.events for name in HEADER_OF_EVENT},
        "enable_ssl_verification": hook.enable_ssl_verification,
        "alert_status": alert,
        "disabled_until": stamp(hook.disabled_until),
        "url_variables": [],
        "custom_headers": [],
        "custom_webhook_template": None,
        "token_present": hook.token is not None,
        "signing_token_present": hook.signing_token is not None,
        "push_events_branch_filter": hook.branch_filter,
        "branch_filter_strategy": "wildcard",
        "project_id": hook.project_id,
    }


def _delivery_view(number: int, delivery: Delivery) -> Json:
    return {
        "id": number,
        "url": delivery.url,
        "trigger": delivery.event,
        "request_headers": dict(delivery.headers),
        "request_data": json.loads(delivery.body),
        "response_headers": {},
        "response_body": "",
        "execution_duration": 0.0,
        "response_status": str(delivery.status) if delivery.status is not None else "internal error",
        "created_at": stamp(delivery.at),
    }


def _hook(call: Call, project: Project) -> Hook:
    found = next((one for one in project.hooks if str(one.id) == call.path["hook_id"]), None)
    if found is None:
        raise not_found()
    return found


def _check_url(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise unprocessable("Invalid url given")
    if any(mark in url for mark in "\n\r "):
        raise bad_parameter("url is invalid")
