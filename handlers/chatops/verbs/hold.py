"""`hold`: nothing is promoted into one environment of an application until it is lifted or runs out."""

from datetime import datetime

from bot.actions import KeepHold, Refused
from bot.observing import Command, Hold, Spoken, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, done, refused, would


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """What has failed is still taken back."""
    key, said = command.heard.key, command.heard.said
    if key is None or said is None:
        return refused(Refused(code="ask", rule="it must say which environment"))
    until = end_of(said, now)
    if until is not None and until <= now:
        return refused(over(until, now))
    held = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until somebody lifts it"
    if policy.environment(key.application, key.environment).delivery == "observe":
        because = f"canaries of {key.environment} are held {held}; it follows its build by itself, which no hold stops"
    else:
        because = f"nothing is promoted into {key.environment} {held}; what has failed is still taken back"
    if said.dry_run:
        return would(because)
    hold = Hold(key=key, principal=facts.speaker(command), because=said.reason, since=now, until=until)
    return done(because, KeepHold(hold=hold))


def end_of(said: Spoken, now: datetime) -> datetime | None:
    """When it ends; None: when somebody ends it."""
    return now + said.lasts if said.lasts is not None else said.until


def over(until: datetime, now: datetime) -> Refused:
    """The end lies behind us."""
    found = f"{until:%Y-%m-%d %H:%M} UTC is over: it is {now:%Y-%m-%d %H:%M} UTC"
    return Refused(code="bad_argument", rule="it must end later than now", found=found)


VERB = Verb(
    form=VerbForm(
        name="hold",
        usage='hold [APPLICATION] ENVIRONMENT [until TIME | for DURATION] --reason "…"',
        about="Promote nothing of this application into an environment for a while.",
        takes=frozenset({"application", "environment", "end"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="required",
    ),
    decide=decide,
)
