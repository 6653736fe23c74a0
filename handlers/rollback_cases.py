"""A release that may have to be taken back: which one, why, for whom, and where the way back leads."""

from dataclasses import dataclass

from bot.actions import OpenIncident, RollBack, Way
from bot.events import EnvironmentKey
from bot.observing import EnvironmentSeen, Failure, Promotion, Release, Request
from handlers.undone import last_healthy, tries_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A release that failed, or that a person wants to be rid of. promotion: the newest that Git declared of it."""

    key: EnvironmentKey
    bad: Release
    failure: Failure
    promotion: Promotion | None
    request: Request | None
    back_to: Release | None

    @property
    def deny(self) -> bool:
        """Only what was measured, or what a person asked for, is denied (design section 6)."""
        return self.failure.kind == "measured" or (self.request is not None and self.request.deny)

    @property
    def story(self) -> str:
        """What happened, in a sentence without its full stop."""
        place = f"{self.bad.name} in {self.key.environment}"
        if self.request is None:
            return f"{self.bad.name} failed in {self.key.environment}: {self.failure.because}"
        return f"{self.request.principal} asked to take back {place}: {self.failure.because}"

    def rollback(self, back_to: Release, way: Way, people: tuple[str, ...]) -> RollBack:
        """The change to Git. people: those to be mentioned."""
        return RollBack(
            key=self.key,
            release=self.bad,
            back_to=back_to,
            failure=self.failure,
            deny=self.deny,
            by=self.request.principal if self.request else "sluice",
            way=way,
            people=people,
            because=f"{self.story}; it goes back to {back_to.name}",
        )

    def page(self, people: tuple[str, ...], because: str) -> OpenIncident:
        """The incident of a failure that waits for a person."""
        return OpenIncident(
            key=self.key,
            release=self.bad,
            back_to=self.back_to,
            failure=self.failure,
            taken_back=False,
            people=people,
            merge_request=self.promotion.merge_request if self.promotion else None,
            because=because,
        )


def case_of(
    key: EnvironmentKey, seen: EnvironmentSeen, here: tuple[Promotion, ...], request: Request | None
) -> Case | None:
    """What a person asked to take back, else what Git declares if it failed, else None.

    here: the promotions of this environment, newest first.
    """
    bad = named(request.version, seen, here) if request else seen.declared
    if bad is None:
        return None
    tries = tries_of(bad, key, here)
    promotion = next((p for p in tries if p.state not in ("waiting", "ready")), None)
    failure = promotion.failure if promotion and promotion.state == "failed" else None
    if request is not None:
        failure = asked(request, failure)
    if failure is None:
        return None
    back_to = last_healthy(bad, seen, here)
    return Case(key=key, bad=bad, failure=failure, promotion=promotion, request=request, back_to=back_to)


def named(version: str, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Release | None:
    """The release a person names by its version; without one, what Git declares."""
    declared = (seen.declared,) if seen.declared else ()
    known = (*declared, *(promotion.release for promotion in here))
    return next((release for release in known if version in ("", release.version, release.name)), None)


def asked(request: Request, failure: Failure | None) -> Failure:
    """A person's request as what ended the roll-out; what was measured before stays measured."""
    measured = f" ({failure.because})" if failure else ""
    return Failure(
        kind=failure.kind if failure else "unknown",
        cause="person",
        evidence=f"request {request.id}",
        because=f"{request.because or 'no reason was given'}{measured}",
        at=request.at,
    )
