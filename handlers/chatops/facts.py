"""What a command is decided on: the command itself, who gave it, and what it is about, all as they are now."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.events import CommandKey, EnvironmentKey
from bot.observing import (
    Approval,
    Caller,
    Command,
    Comparison,
    EnvironmentSeen,
    Explanation,
    Freeze,
    Hold,
    Installation,
    Involved,
    MergeRequestSeen,
    NoteSeen,
    Observer,
    Promotion,
    Release,
    ReleaseRecord,
    Request,
    StandingLine,
)
from handlers.asked import joined
from handlers.promotion_facts import under_way, with_requesters

NOBODY = Involved()
NOTHING = Explanation()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a command about one application in one environment is about.

    target: the release of the promotion that is open. approvals: the journal's, not revoked. denied: versions.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    releases: tuple[ReleaseRecord, ...]
    merge_request: MergeRequestSeen | None
    requests: tuple[Request, ...]
    holds: tuple[Hold, ...]
    approvals: tuple[Approval, ...] = ()
    involved: Involved = NOBODY
    comparison: Comparison | None = None

    @property
    def open_promotion(self) -> Promotion | None:
        """The promotion that is waiting or ready."""
        return under_way(self.key, self.promotions)

    @property
    def change(self) -> str:
        """What the open merge request changes; empty without one."""
        request, promotion = self.merge_request, self.open_promotion
        if request is None or promotion is None or request.state != "opened" or request.proposes is None:
            return ""
        return request.change if request.proposes.id == promotion.release.id else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFacts:
    """One thread's next command. waiting: how many more are behind it. ended: requests whose end is not told yet.

    note: as GitLab shows it now, None when it is gone; only read for notes. The rest is read only for the verbs that
    need it.
    """

    key: CommandKey
    command: Command | None
    waiting: int
    ended: tuple[Command, ...] = ()
    caller: Caller | None = None
    note: NoteSeen | None = None
    world: World | None = None
    freezes: tuple[Freeze, ...] = ()
    standings: tuple[StandingLine, ...] = ()
    explained: Explanation = NOTHING
    code_lives: bool = False

    def speaker(self, command: Command) -> str:
        """The name of who gave it: GitLab's, as it is now, before what the message says."""
        return (self.caller.principal if self.caller else command.heard.principal).name


ABOUT_CHANGE = frozenset({"approve", "reject", "cancel", "promote", "retry"})
"""Verbs that need the open merge request and everybody involved."""
UNSEEN = frozenset({"help", "whoami", "who-can", "link", "status"})
"""Verbs that need no look at an environment."""


async def observe(key: CommandKey, observer: Observer) -> CommandFacts:
    """Read the journal first; GitLab, Git and clusters only as far as the command needs them."""
    command, waiting = await observer.command(key)
    facts = CommandFacts(key=key, command=command, waiting=waiting, ended=await observer.ended(key))
    if command is None:
        return facts
    facts = replace(facts, caller=await observer.caller(command))
    if command.heard.place.door == "note":
        facts = replace(facts, note=await observer.note(command.heard.place))
    said = command.heard.said
    if said is None or facts.caller is None or facts.caller.ours or command.heard.place.edited:
        return facts
    return await look_at(facts, command, said.verb, observer)


async def look_at(facts: CommandFacts, command: Command, verb: str, observer: Observer) -> CommandFacts:
    """What the verb is about."""
    heard = command.heard
    if verb == "link" and heard.said is not None:
        return replace(facts, code_lives=await observer.code_lives(heard.said.about))
    if verb == "status":
        return replace(facts, standings=await observer.standings(heard.tenant, heard.application))
    if verb in ("freeze", "thaw"):
        return replace(facts, freezes=await observer.freezes(heard.tenant, heard.environment))
    if heard.key is None or verb in UNSEEN:
        return facts
    if verb == "why":
        return replace(facts, explained=await observer.explained(heard.key))
    return replace(facts, world=await world_of(heard.key, command, verb, observer))


async def world_of(key: EnvironmentKey, command: Command, verb: str, observer: Observer) -> World:
    """An environment, and for verbs about its merge request also that and the people in it."""
    promotions = await observer.promotions(key.owner)
    world = World(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=await observer.environment(key),
        promotions=promotions,
        releases=await observer.releases(key.owner),
        merge_request=None,
        requests=await observer.requests(key),
        holds=await observer.holds(key),
    )
    promotion = world.open_promotion
    if verb == "diff":
        target = named(command, world) or (promotion.release if promotion else None)
        return replace(world, comparison=await compared(target, world, observer))
    if verb not in ABOUT_CHANGE or promotion is None:
        return world
    request = await observer.merge_request(key, promotion.merge_request)
    world = replace(world, merge_request=request, approvals=await observer.approvals(key))
    if verb != "approve" or request is None or not world.change:
        return world
    comparison = await compared(promotion.release, world, observer)
    involved = await observer.involved(key, comparison, request)
    return replace(world, involved=with_requesters(involved, joined(world.requests, promotion.release)))


def named(command: Command, world: World) -> Release | None:
    """The release that the command names, among those the journal knows; with or without the `v` before a version."""
    said = command.heard.said
    version = said.version.removeprefix("v") if said else ""
    names = (version, f"v{version}")
    known = (record.release for record in world.releases)
    return next((one for one in known if version and (one.version in names or one.name in names)), None)


async def compared(target: Release | None, world: World, observer: Observer) -> Comparison | None:
    """What the target brings and loses."""
    return await observer.comparison(world.key.owner, world.seen.declared, target) if target else None


def fresh(moment: datetime | None, now: datetime) -> bool:
    """Whether something that ends at a moment still stands."""
    return moment is None or now < moment
