"""The paths by which people roll back, allow again and hold: names are checked here, conditions by the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.api import commands, naming, queries, versions
from bot.api.access import PRINCIPAL
from bot.api.forms import CommandStoryForm, HeldForm, HoldsForm
from bot.api.problems import Problem, answer, bad_request, not_found
from bot.api.undoing_forms import AllowForm, HoldForm, Place, RollbackForm, UnholdForm
from bot.clock import Clock
from bot.errors import PermanentError
from bot.journal import Journal
from bot.journal.commands import Order, StoredCommand
from bot.keys import EnvironmentKey
from bot.records import Hold
from bot.tenants import Tenants
from config.words import parse_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """Answers requests."""

    journal: Journal
    tenants: Tenants
    clock: Clock

    async def rollback(self, request: web.Request) -> web.Response:
        """Ask for a release to be taken back; without a version, the one that Git was last seen to declare."""
        form = await queries.body(request, RollbackForm)
        key = await self._acted_on(form)
        there = await versions.past(self.journal, key)
        version = versions.check(there, form.version) if form.version else there.git.version
        said: dict[str, str | bool] = {"reason": one_line(form.reason), "version": version, "deny": form.deny}
        order = _order(request, "rollback", key, " --deny" if form.deny else "", said)
        because = (
            f"{key.environment} is looked at now: unless a rule stands against it, Git goes back from "
            f"{version or 'what it declares'} to the release that was healthy there before, and a pin keeps it there"
        )
        return answer(await commands.ask(self.journal, order, because), status=202)

    async def allow(self, request: web.Request) -> web.Response:
        """Ask for a release that was taken back to be let in again."""
        form = await queries.body(request, AllowForm)
        key = await self._acted_on(form)
        version = versions.check(await versions.past(self.journal, key), form.version)
        order = _order(request, "allow", key, "", {"reason": one_line(form.reason), "version": version})
        because = (
            f"{key.environment} is looked at now: the denial of {version} is revoked in Git, "
            "and it may be chosen again if every other gate is green"
        )
        return answer(await commands.ask(self.journal, order, because), status=202)

    async def hold(self, request: web.Request) -> web.Response:
        """Hold an environment from now on."""
        form = await queries.body(request, HoldForm)
        key = self._known(form)
        until, reason, principal = _until(form, self.clock.now()), one_line(form.reason), request[PRINCIPAL]
        said = {"reason": reason, "until": until.isoformat() if until else ""}
        order = _order(request, "hold", key, f" --until {until:%Y-%m-%dT%H:%M:%SZ}" if until else "", said)

        async def deed() -> str:
            await self.journal.hold(key, principal, reason, until)
            end = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until somebody lifts it"
            return self._held(key, end)

        return answer(await commands.run(self.journal, order, deed), status=202)

    def _held(self, key: EnvironmentKey, end: str) -> str:
        place = key.environment
        if self.tenants.policy(key.tenant).environment(key.application, place).delivery == "observe":
            return f"canaries of {place} are held {end}; it follows its build by itself, which no hold stops"
        return f"nothing is promoted into {place} {end}; what has failed is still taken back"

    async def unhold(self, request: web.Request) -> web.Response:
        """Lift every hold of an environment."""
        form = await queries.body(request, UnholdForm)
        key, principal = self._known(form), request[PRINCIPAL]
        if not any(hold.key == key for hold in await self.journal.standing_holds()):
            what = f"Nobody holds {key.application} in {key.environment}."
            do = "`sluice status` shows what is held (GET holds)."
            raise not_found(what, "It was never held, was lifted, or has run out.", do)
        order = _order(request, "unhold", key, "", {"reason": one_line(form.reason)})

        async def deed() -> str:
            lifted = await self.journal.lift_hold(key, principal)
            holders = ", ".join(sorted({hold.principal for hold in lifted})) or "nobody any more"
            return f"{key.environment} is no longer held (by {holders}), and looked at now"

        return answer(await commands.run(self.journal, order, deed), status=202)

    async def holds(self, request: web.Request) -> web.Response:
        """What is held now."""
        tenant, application = request.query.get("tenant", ""), request.query.get("application", "")
        if application:
            naming.known_application(self.tenants, application, tenant)
        elif tenant:
            naming.known_tenant(self.tenants, tenant)
        found = await self.journal.standing_holds()
        wanted = (h for h in found if tenant in ("", h.key.tenant) and application in ("", h.key.application))
        return answer(HoldsForm(holds=tuple(held_form(hold) for hold in wanted)))

    async def command(self, request: web.Request) -> web.Response:
        """One command and what came of it."""
        number = request.match_info["id"]
        try:
            found = await self.journal.command(number)
        except PermanentError as error:
            do = "The answer to a command names its id."
            raise not_found(f"There is no command {number!r}.", "It was never given here.", do) from error
        return answer(story(found))

    def _known(self, form: Place) -> EnvironmentKey:
        return naming.known_environment(self.tenants, form.application, form.environment, form.tenant)

    async def _acted_on(self, form: Place) -> EnvironmentKey:
        """The environment, if the bot may act there: a request must not wait for that and strike much later."""
        key = self._known(form)
        record = await self.journal.tenant(key.tenant)
        if record is None or record.install != self.journal.installation_id:
            why = f"This installation only observes {key.tenant}."
            raise _person(key, why, f"`sluice adopt {key.tenant}` lets it act.")
        if self.tenants.policy(key.tenant).environment(key.application, key.environment).mode == "observe":
            why = "The policy says mode: observe for it."
            raise _person(key, why, "Set mode: propose or act in the policy, or change Git yourself.")
        return key


def story(found: StoredCommand) -> CommandStoryForm:
    """A command in the API's form."""
    order = found.order
    return CommandStoryForm(
        command=found.id,
        kind=order.kind,
        text=order.text,
        principal=order.principal,
        door=order.door,
        bound_to=order.bound_to,
        reason=str(order.arguments.get("reason", "")),
        state=found.state,
        because=found.because,
        at=found.at,
        settled_at=found.settled_at,
    )


def held_form(hold: Hold) -> HeldForm:
    """A hold in the API's form."""
    return HeldForm(
        tenant=hold.key.tenant,
        application=hold.key.application,
        environment=hold.key.environment,
        principal=hold.principal,
        because=hold.because,
        since=hold.since,
        until=hold.until,
    )


def one_line(reason: str) -> str:
    """A reason ends up in commit messages and tables: blanks of any kind become one."""
    return " ".join(reason.split())


def _order(
    request: web.Request, kind: str, key: EnvironmentKey, options: str, arguments: Mapping[str, str | bool]
) -> Order:
    version = arguments.get("version") or ""
    words = (word for word in (kind, key.application, key.environment, str(version)) if word)
    return Order(
        kind=kind,
        principal=request[PRINCIPAL],
        door=commands.DOOR,
        text=" ".join(words) + options,
        bound_to=str(key),
        key=key,
        arguments=arguments,
    )


def _until(form: HoldForm, now: datetime) -> datetime | None:
    if form.until is not None and form.lasts:
        raise bad_request("The end of the hold is not clear.", "Both until and for are given.", "Leave one out.")
    until = now + _length(form.lasts) if form.lasts else form.until
    if until is not None and until <= now:
        raise bad_request("The hold would be over already.", f"It is {now:%Y-%m-%d %H:%M:%S} UTC.", "Name a later end.")
    return until.astimezone(UTC) if until is not None else None


def _length(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except ValueError as error:
        what, why = f"The hold's length {text!r} cannot be used.", f"{str(error).capitalize()}."
        raise bad_request(what, why, "Mend it, or name the end by `until`.") from error
    return length if isinstance(length, timedelta) else timedelta()


def _person(key: EnvironmentKey, why: str, do: str) -> Problem:
    return Problem(409, "person_needed", what=f"Nothing is changed in {key.environment}.", why=why, do=do)
