"""`freeze`: nothing of any application is promoted into an environment; rollbacks go on."""

from datetime import datetime

from bot.actions import KeepFreeze, Refused
from bot.observing import Command, Freeze, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, done, refused, would
from handlers.chatops.verbs.hold import end_of, over


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The whole environment of the tenant."""
    heard, said = command.heard, command.heard.said
    if said is None or heard.environment not in policy.environments:
        return refused(Refused(code="ask", rule="it must say which environment"))
    if all(follows_its_build(name, heard.environment, policy) for name in policy.applications):
        rule, found = "releases must be promoted into it", f"{heard.environment} follows its builds by itself"
        return refused(Refused(code="nothing_to_do", rule=rule, found=found))
    until = end_of(said, now)
    if until is not None and until <= now:
        return refused(over(until, now))
    end = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until somebody thaws it"
    because = f"nothing is promoted into {heard.environment} {end}; what has failed is still taken back"
    if said.dry_run:
        return would(because)
    freeze = Freeze(
        tenant=heard.tenant,
        environment=heard.environment,
        principal=facts.speaker(command),
        because=said.reason,
        since=now,
        until=until,
    )
    return done(because, KeepFreeze(freeze=freeze))


def follows_its_build(application: str, environment: str, policy: Policy) -> bool:
    """Whether nothing of an application is promoted into an environment."""
    there = environment in policy.environments_of(application)
    return not there or policy.environment(application, environment).delivery == "observe"


VERB = Verb(
    form=VerbForm(
        name="freeze",
        usage='freeze ENVIRONMENT [until TIME | for DURATION] --reason "…"',
        about="Promote nothing of any application into an environment; rollbacks go on.",
        takes=frozenset({"environment", "end"}),
        needs=frozenset({"environment"}),
        flags=frozenset({"--dry-run"}),
        reason="required",
    ),
    decide=decide,
)
