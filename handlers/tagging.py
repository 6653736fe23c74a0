"""Where Flux writes the positions, the tag it waits for is placed once the release file was merged, and not before."""

from dataclasses import dataclass
from datetime import datetime

from bot.actions import Decision, PlaceTag, act, skip, wait, would
from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    Installation,
    Observer,
    Promotion,
    Release,
    Request,
    Rule,
    TagSeen,
)
from config.policy import EnvironmentPolicy, Policy
from handlers.modes import muted
from handlers.selecting import LOOK_AGAIN, in_words
from handlers.standing import is_release
from handlers.undone import still_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFacts:
    """A merged release on its way into an environment, and what its tags there name now.

    promotion: of what Git declares, None where nothing waits for a tag; then no registry was asked.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    requests: tuple[Request, ...]
    promotion: Promotion | None = None
    tags: tuple[TagSeen, ...] = ()


async def observe(key: EnvironmentKey, observer: Observer) -> TagFacts:
    """Read Git and the journal; the registry only while a merged release waits for its tags."""
    seen = await observer.environment(key)
    here = tuple(promotion for promotion in await observer.promotions(key.owner) if promotion.key == key)
    automated = observer.policy.environment(key.application, key.environment).delivery == "image_automation"
    waiting = waits(seen, here) if automated else None
    return TagFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=seen,
        promotions=here,
        requests=await observer.requests(key) if waiting else (),
        promotion=waiting,
        tags=await observer.placed(key, waiting.release) if waiting else (),
    )


def waits(seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Promotion | None:
    """The promotion of the declared release while its positions say something else. here: newest first."""
    if seen.declared is None or is_release(seen.standing, seen.declared):
        return None
    newest = next((promotion for promotion in here if is_release(seen.declared, promotion.release)), None)
    under_way = newest is not None and newest.state in ("merging", "applied", "bypassed", "downgraded")
    return newest if under_way and newest is not None and not newest.baseline else None


def decide(facts: TagFacts, policy: Policy, now: datetime) -> Decision:
    """Place what is absent; a tag that names another digest is never overwritten."""
    environment = policy.environment(facts.key.application, facts.key.environment)
    if environment.delivery != "image_automation":
        return skip(because=f"Flux does not write the image positions of {facts.key.environment}")
    if facts.promotion is None:
        return skip(because=f"no merged release waits for its tag in {facts.key.environment}")
    release = facts.promotion.release
    if why := refused(facts, facts.promotion):
        return Decision(kind="hold", because=f"the tag of {release.name} is not placed: {why}")
    absent = [tag for tag in facts.tags if tag.digest is None]
    if not absent:
        return wait(because=waiting_for_flux(facts, release), look_again=LOOK_AGAIN)
    if why := muted(environment, facts.installation):
        return would(because=f"would place {names(absent)} for {release.name}, but {why}")
    return place(facts, environment, facts.promotion, absent)


def refused(facts: TagFacts, promotion: Promotion) -> str:
    """What stands against the tag; empty when nothing does."""
    release, pin = promotion.release, facts.seen.pin
    if promotion.state in ("bypassed", "downgraded"):
        return f"it came into Git past its gates ({promotion.state}); revert that merge, or promote it anew"
    if denial := facts.seen.denied(release):
        return f"it is denied in {facts.key.environment} since {denial.since:%Y-%m-%d %H:%M} UTC, {denial.because}"
    pinned = pin is not None and is_release(release, pin.instead_of)
    if pin and pinned and still_counts(pin.since, release, facts.key, facts.promotions):
        return f"the pin of {facts.key.environment} keeps it out since it was taken back, {pin.because}"
    if asked := next((one for one in facts.requests if takes_back(one, release)), None):
        return f"{asked.principal} asked to take it back"
    return "; ".join(map(taken, [tag for tag in facts.tags if tag.digest not in (None, tag.image.digest)]))


def takes_back(request: Request, declared: Release) -> bool:
    """Whether a request is to take back what Git declares."""
    return request.kind == "rollback" and request.version in ("", declared.version, declared.name)


def taken(tag: TagSeen) -> str:
    """A tag that is in use already."""
    return (
        f"{tag.image.name}:{tag.image.tag} names {(tag.digest or '')[:19]} and not {tag.image.digest[:19]}, "
        "and a tag is never moved; remove it, or release under another version"
    )


def waiting_for_flux(facts: TagFacts, release: Release) -> str:
    """Everything is placed, and Flux has not written it."""
    return f"the tag of {release.name} is placed, and Flux has not written it yet: {in_words(facts.seen)}"


def place(facts: TagFacts, environment: EnvironmentPolicy, promotion: Promotion, absent: list[TagSeen]) -> Decision:
    """The tags that are absent; the merge was the approval, whoever merged."""
    merged = f"!{promotion.merge_request} is merged" if promotion.merge_request else "its release file is merged"
    approved = ", which was the approval" if environment.mode == "propose" else ""
    because = f"{merged}{approved}: {names(absent)} lets Flux bring {promotion.release.name}"
    tags = [PlaceTag(key=facts.key, image=tag.image, because=because) for tag in absent]
    return act(*tags, because=because, look_again=LOOK_AGAIN)


def names(tags: list[TagSeen]) -> str:
    """Tags with their repositories."""
    return ", ".join(f"{tag.image.name}:{tag.image.tag}" for tag in tags)


RULE = Rule(name="tagging", about=EnvironmentKey, facts=TagFacts, observe=observe, decide=decide)
