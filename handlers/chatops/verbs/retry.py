"""`retry`: what ended badly without having been measured to be bad is tried again."""

from datetime import datetime

from bot.actions import Refused
from bot.observing import Command, PromotionState, VerbForm
from config.policy import Policy
from handlers.chatops.facts import CommandFacts
from handlers.chatops.verb import Ending, Verb, refused
from handlers.chatops.verbs.asking import not_acting, opened

AGAIN: frozenset[PromotionState] = frozenset({"failed", "declined", "withdrawn", "rolled_back", "superseded"})


def decide(facts: CommandFacts, command: Command, policy: Policy, now: datetime) -> Ending:
    """The newest promotion of the environment, if it ended and its release is not denied."""
    world = facts.world
    if world is None:
        return refused(Refused(code="ask", rule="it must say in which environment"))
    environment = policy.environment(world.key.application, world.key.environment)
    if refusal := not_acting(world, environment):
        return refused(refusal)
    last = next((promotion for promotion in world.promotions if promotion.key == world.key), None)
    if last is None or last.state not in AGAIN:
        found = f"the last promotion of {environment.name} is {last.state}" if last else "there was no promotion yet"
        return refused(Refused(code="nothing_to_do", rule="only what ended badly is tried again", found=found))
    if denial := world.seen.denied(last.release):
        help_ = f'`allow {world.key.application} {denial.version} in {environment.name} --reason "…"`'
        rule, found = "a denied release is not tried again", f"{last.release.name} is denied: {denial.because}"
        return refused(Refused(code="never_overridable", rule=rule, found=found, next=help_))
    return opened(command, world, f"{last.release.name} is tried again in {environment.name}")


VERB = Verb(
    form=VerbForm(
        name="retry",
        usage="retry [APPLICATION] ENVIRONMENT",
        about="Try again what failed, was declined or was withdrawn, unless it is denied.",
        takes=frozenset({"application", "environment"}),
        needs=frozenset({"application", "environment"}),
        flags=frozenset({"--dry-run"}),
        reason="optional",
    ),
    decide=decide,
)
