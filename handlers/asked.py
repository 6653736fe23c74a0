"""What people asked to promote: their request pins its release, until it is merged, refused, withdrawn or replaced.

Automation never supersedes it. A person may name an older or an incomparable release, which automation never would;
what is denied or kept out by a pin stays out until it is allowed (design section 5).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bot.actions import Code, SettleRequest
from bot.events import EnvironmentKey
from bot.observing import (
    EnvironmentSeen,
    Installation,
    Promotion,
    Release,
    ReleaseRecord,
    Request,
    compare_versions,
)
from config.policy import EnvironmentPolicy
from handlers.gates import not_denied, pin
from handlers.modes import muted

Answer = tuple[Literal["done", "refused"], Code, str]
"""How a request ends: the outcome, its stable code, and the sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The environment that a request is about. promotions: of the application, newest first."""

    key: EnvironmentKey
    environment: EnvironmentPolicy
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]


def pinning(requests: Iterable[Request]) -> Request | None:
    """The request to promote that counts: the newest that replaces, else the oldest."""
    asked = [request for request in requests if request.kind == "promote"]
    replacing = [request for request in asked if request.replace]
    return replacing[-1] if replacing else next(iter(asked), None)


def meant(request: Request | None, releases: Iterable[ReleaseRecord]) -> Release | None:
    """The release that a request names: the very one where its door said which, else by version."""
    known = (record.release for record in releases)
    return next((release for release in known if request is not None and is_meant(release, request)), None)


def is_meant(release: Release, request: Request) -> bool:
    """Whether a request is about a release."""
    if request.release_id:
        return request.release_id == release.id
    return request.version in (release.version, release.name)


def joined(requests: Iterable[Request], release: Release | None) -> tuple[Request, ...]:
    """All requests for the pinned release, oldest first: what each of them passes over is passed over."""
    asked = (request for request in requests if request.kind == "promote")
    return tuple(request for request in asked if release is not None and is_meant(release, request))


def ending(request: Request, release: Release | None, ground: Ground) -> Answer | None:
    """How a request to promote ends as things are; None while its release may still land."""
    key, seen = ground.key, ground.seen
    if release is None:
        return "refused", "unknown_name", f"{request.version or 'it'} is no release of {key.application} any more"
    if seen.declared is not None and seen.declared.id == release.id:
        return "done", "ok", f"Git declares {release.name} in {key.environment}"
    for gate in (not_denied.judge(key, release, seen), pin.judge(key, release, seen, ground.promotions)):
        if gate.verdict == "red":
            return "refused", "never_overridable", gate.because
    if (no := turned_down(request, release, ground)) is not None:
        return "refused", "declined", no.because
    return not_brought(release, ground)


def turned_down(request: Request, release: Release, ground: Ground) -> Promotion | None:
    """A person's no that came after the request."""
    here = (p for p in ground.promotions if p.key == ground.key and p.release.id == release.id)
    return next((p for p in here if p.state == "declined" and p.updated_at >= request.at), None)


def not_brought(release: Release, ground: Ground) -> Answer | None:
    """Why the bot brings nothing here, or not this release; the policy's word."""
    environment, declared = ground.environment, ground.seen.declared
    name = environment.name
    if environment.delivery == "observe":
        return "refused", "nothing_to_do", f"{name} follows its build by itself: nothing is promoted into it"
    if why := muted(environment, ground.installation):
        return "refused", "not_in_act_mode", f"{release.name} is not promoted into {name}: {why}"
    if environment.delivery != "image_automation" or declared is None:
        return None
    if compare_versions(release.version, declared.version) == "newer":
        return None
    because = f"Flux writes what {name} runs, and takes nothing that is not newer than {declared.name}"
    return "refused", "never_overridable", because


def answers(requests: tuple[Request, ...], named: Release | None, ground: Ground) -> tuple[SettleRequest, ...]:
    """The answers that are due: to those that lost to the pinned request, and at its end to all for its release."""
    pinned = pinning(requests)
    if pinned is None:
        return ()
    end = ending(pinned, named, ground)
    ended = settle(joined(requests, named) or (pinned,), end) if end else ()
    return (*outdone(requests, pinned, named, decided=end is None), *ended)


def settle(requests: Iterable[Request], answer: Answer) -> tuple[SettleRequest, ...]:
    """The same answer for several."""
    outcome, code, because = answer
    return tuple(SettleRequest(request=one, outcome=outcome, because=because, code=code) for one in requests)


def outdone(
    requests: Iterable[Request], pinned: Request, named: Release | None, *, decided: bool
) -> tuple[SettleRequest, ...]:
    """The answers to requests for another release. decided: the pinned one stands, so that those beside it do not."""
    found: list[SettleRequest] = []
    for request in requests:
        if request.kind != "promote" or request.id == pinned.id or (named is not None and is_meant(named, request)):
            continue
        wanted = named.name if named else pinned.version
        if pinned.replace and request.at <= pinned.at:
            found += settle([request], ("refused", "superseded", f"{pinned.principal} asked for {wanted} instead"))
        elif decided:
            because = f"{pinned.principal} asked for {wanted} first; add --replace to ask for another instead"
            found += settle([request], ("refused", "conflict", because))
    return tuple(found)


def story(request: Request) -> str:
    """Who asked and why, for a sentence."""
    return f"{request.principal} asked for it" + (f": {request.because}" if request.because else "")
