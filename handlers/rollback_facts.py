"""What a rollback is decided on: an environment, how its release failed, and what people asked for."""

from dataclasses import dataclass, replace
from typing import Literal

from bot.actions import RevokeDenial
from bot.events import EnvironmentKey
from bot.observing import (
    Comparison,
    EnvironmentSeen,
    FailureMark,
    Installation,
    MergeRequestSeen,
    Observer,
    Promotion,
    Release,
    ReleaseRecord,
    Request,
    Rights,
    compare_versions,
)
from handlers.rollback_cases import Case, case_of
from handlers.standing import look

CROSSED = 20
"""How many releases in between are asked for their marks, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackFacts:
    """An environment and everything that speaks for or against taking its release back.

    promotions: of this environment, newest first. requests: to roll back or allow, oldest first. automated: image
    automation writes the positions, so that they may say what no release file declares. The rest is read only when
    there is a case or a request: failures of the tenant, from where it would go back to up to the release, marks of
    irreversibility with the release that carries them, the open merge request of the rollback branch, and the digests
    last written.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    requests: tuple[Request, ...]
    automated: bool = False
    rights: Rights | None = None
    failures: tuple[FailureMark, ...] = ()
    comparison: Comparison | None = None
    marks: tuple[str, ...] = ()
    merge_request: MergeRequestSeen | None = None
    written: tuple[tuple[str, str], ...] = ()

    def asked(self, kind: Literal["rollback", "allow"]) -> Request | None:
        """The first thing of a kind that a person asked for."""
        return next((request for request in self.requests if request.kind == kind), None)

    @property
    def case(self) -> Case | None:
        """The release that may have to be taken back."""
        return case_of(self.key, self.seen, self.promotions, self.asked("rollback"), automated=self.automated)

    def written_under(self, effect_key: str) -> str:
        """The digest last written there, empty when never."""
        return dict(self.written).get(effect_key, "")


async def observe(key: EnvironmentKey, observer: Observer) -> RollbackFacts:
    """Read Git, clusters and journal; everything else only when something failed or was asked for."""
    promotions = await observer.promotions(key.owner)
    facts = RollbackFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=await look(key, observer, promotions),
        promotions=tuple(promotion for promotion in promotions if promotion.key == key),
        requests=tuple(one for one in await observer.requests(key) if one.kind in ("rollback", "allow")),
        automated=observer.policy.environment(key.application, key.environment).delivery == "image_automation",
    )
    if facts.case is None and not facts.requests:
        return facts
    facts = replace(
        facts,
        rights=await observer.rights(key.tenant),
        merge_request=await observer.rollback_request(key),
        written=tuple([(name, await observer.written(name)) for name in effect_keys(facts)]),
    )
    return await look_at(facts, facts.case, observer) if facts.case else facts


async def look_at(facts: RollbackFacts, case: Case, observer: Observer) -> RollbackFacts:
    """What the guards ask about one case."""
    facts = replace(facts, failures=await observer.failures(facts.key.tenant))
    if case.back_to is None:
        return facts
    releases = crossed(case.bad, case.back_to, await observer.releases(facts.key.owner))
    comparison = await observer.comparison(facts.key.owner, case.back_to, case.bad)
    return replace(facts, comparison=comparison, marks=await marks_of(releases, facts.key, observer))


async def marks_of(releases: tuple[Release, ...], key: EnvironmentKey, observer: Observer) -> tuple[str, ...]:
    """Who is marked irreversible, with the mark."""
    found = [(release.name, await observer.irreversible(key, release)) for release in releases]
    return tuple(f"{name} ({mark})" for name, marks in found for mark in marks)


def crossed(bad: Release, back_to: Release, known: tuple[ReleaseRecord, ...]) -> tuple[Release, ...]:
    """The release and those between it and the one gone back to, whose changes it contains."""
    between = [
        record.release
        for record in known
        if compare_versions(record.release.version, back_to.version) == "newer"
        and compare_versions(record.release.version, bad.version) == "older"
    ]
    return (bad, *between[:CROSSED])


def effect_keys(facts: RollbackFacts) -> tuple[str, ...]:
    """The natural keys under which the next steps would be written."""
    keys: list[str] = []
    if (case := facts.case) is not None:
        keys += [case.page((), "").effect_key]
        keys += [case.rollback(case.back_to, "commit", ()).effect_key] if case.back_to else []
    if (request := facts.asked("allow")) is not None:
        keys += [revoke(request, request.version).effect_key]
    return tuple(keys)


def revoke(request: Request, version: str) -> RevokeDenial:
    """The change to Git that an allowed release needs, as a commit."""
    because = f"{request.principal} allowed {version} in {request.key.environment}: {request.because}"
    return RevokeDenial(key=request.key, version=version, request=request, way="commit", because=because)
