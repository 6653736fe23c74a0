"""The paths of the API: each reads a few values, asks one question or gives one command, and answers in one form."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from bot.api import commands, history, naming, queries, received
from bot.api.access import PRINCIPAL
from bot.api.forms import AdoptForm, ExplainedForm, GateForm, RunsForm, WhyForm
from bot.api.problems import answer, bad_request, not_found
from bot.api.status import read_status
from bot.clock import Clock
from bot.errors import PermanentError
from bot.explaining import Explained, Explainer
from bot.journal import Journal
from bot.journal.commands import Order
from bot.journal.stored import DeliveryStory
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey, Key, Subject, parse_key
from bot.tenants import Tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """Answers requests. gitlab_url: where merge requests are linked to; empty leaves the links out."""

    journal: Journal
    tenants: Tenants
    explainer: Explainer
    clock: Clock
    gitlab_url: str

    async def status(self, request: web.Request) -> web.Response:
        """The installation at a glance."""
        found = await read_status(
            self.journal,
            self.tenants,
            self.clock,
            gitlab_url=self.gitlab_url,
            tenant=request.query.get("tenant", ""),
            application=request.query.get("application", ""),
        )
        return answer(found)

    async def why(self, request: web.Request) -> web.Response:
        """Decided now, by the rules themselves."""
        application, environment = queries.required(request, "application"), queries.required(request, "environment")
        key = naming.known_environment(self.tenants, application, environment, request.query.get("tenant", ""))
        promotion, trace = await history.newest_promotion(self.journal, key)
        explained = await self.explainer.explain(key)
        return answer(why_form(key, explained, self.clock, promotion=promotion, trace=trace))

    async def deliveries(self, request: web.Request) -> web.Response:
        """What arrived."""
        phase, endpoint = queries.phase(request), request.query.get("endpoint") or None
        limit = queries.limit(request)
        return answer(await received.read_deliveries(self.journal, phase=phase, endpoint=endpoint, limit=limit))

    async def delivery(self, request: web.Request) -> web.Response:
        """One delivery and what became of it."""
        number = request.match_info["id"]
        await self._known_delivery(number)
        return answer(
            await received.read_delivery(self.journal, number, with_body=queries.flag(request, "body")),
        )

    async def redeliver(self, request: web.Request) -> web.Response:
        """Send a delivery through again."""
        number = request.match_info["id"]
        story = await self._known_delivery(number)

        async def deed() -> str:
            await self.journal.redeliver(number)
            return f"the delivery from {story.stored.endpoint} is parsed anew and its keys are looked at"

        return await self._command(request, f"redeliver {number}", number, deed, delivery=number)

    async def work(self, request: web.Request) -> web.Response:
        """Work that was given up."""
        return answer(await received.read_work(self.journal, queries.limit(request)))

    async def retry(self, request: web.Request) -> web.Response:
        """Look again at a key whose work was given up."""
        key = _key(request.match_info["key"])
        if all(dead.key != key for dead in await self.journal.dead_work(queries.MOST)):
            do = "`sluice status` shows what was given up (GET work)."
            raise not_found(f"{key} is not among the dead work.", "It lives, or was never given up.", do)

        async def deed() -> str:
            because = f"{request[PRINCIPAL]} asked to try again"
            await self.journal.dirty([key], because=because, urgent=True)
            return f"{key} is looked at again"

        return await self._command(request, f"retry {key}", str(key), deed)

    async def adopt(self, request: web.Request) -> web.Response:
        """Tie this installation to a config repository."""
        tenant = naming.known_tenant(self.tenants, (await queries.body(request, AdoptForm)).tenant)
        key = ConfigKey(tenant)
        principal = request[PRINCIPAL]

        async def deed() -> str:
            record = await self.journal.tenant(tenant)
            if record is not None and record.install == self.journal.installation_id:
                return f"{tenant} is adopted already: its .sluice/install names this installation"
            await self.journal.ask_adoption(tenant, principal)
            await self.journal.dirty([key], because=f"{principal} asked to adopt it", urgent=True)
            return f"{tenant} is adopted as soon as .sluice/install names this installation; until then it is observed"

        return await self._command(request, f"adopt {tenant}", str(key), deed)

    async def runs(self, request: web.Request) -> web.Response:
        """What was decided."""
        subject = request.query.get("subject", "")
        found = await self.journal.runs(
            subject=_subject(subject) if subject else None,
            handler=request.query.get("handler") or None,
            limit=queries.limit(request),
        )
        return answer(RunsForm(runs=tuple(history.run_form(run) for run in found)))

    async def _known_delivery(self, number: str) -> DeliveryStory:
        try:
            return await self.journal.delivery(number)
        except PermanentError as error:
            do = "`sluice events list` shows those that are kept; GitLab can resend one from the hook's page."
            raise not_found(f"There is no delivery {number!r}.", "It was never stored, or is dropped.", do) from error

    async def _command(
        self,
        request: web.Request,
        text: str,
        bound_to: str,
        deed: Callable[[], Awaitable[str]],
        *,
        delivery: str | None = None,
    ) -> web.Response:
        order = Order(
            kind=text.partition(" ")[0],
            principal=request[PRINCIPAL],
            door=commands.DOOR,
            text=text,
            bound_to=bound_to,
            delivery=delivery,
        )
        return answer(await commands.run(self.journal, order, deed), status=202)


def why_form(key: EnvironmentKey, found: Iterable[Explained], clock: Clock, *, promotion: str, trace: str) -> WhyForm:
    """What the rules decided, in the API's form."""
    return WhyForm(
        tenant=key.tenant,
        application=key.application,
        environment=key.environment,
        live=True,
        at=clock.now(),
        explained=tuple(
            ExplainedForm(
                rule=one.rule,
                subject=one.subject,
                kind=one.kind,
                because=one.because,
                gates=tuple(GateForm(name=g.name, verdict=g.verdict, because=g.because) for g in one.gates),
                actions=one.actions,
            )
            for one in found
        ),
        promotion=promotion,
        trace=trace,
    )


def _key(text: str) -> Key:
    try:
        return parse_key(text)
    except PermanentError as error:
        raise bad_request("The key cannot be understood.", f"{error}", "Take one from GET work.") from error


def _subject(text: str) -> Subject:
    """A key, or `app:TENANT/APPLICATION@ENVIRONMENT`."""
    owner, at, environment = text.partition("@")
    key = _key(owner)
    if not at:
        return key
    if isinstance(key, ApplicationKey) and environment:
        return EnvironmentKey(key.tenant, key.application, environment)
    raise bad_request("The subject cannot be understood.", "Only applications have an @ENVIRONMENT.", "Leave it out.")
