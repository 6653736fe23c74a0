"""A release that may have to be taken back: which one, why, for whom, and where the way back leads."""

from dataclasses import dataclass
from typing import Literal

from bot.actions import OpenIncident, RollBack, Way
from bot.events import EnvironmentKey
from bot.observing import EnvironmentSeen, Failure, Promotion, Release, Request
from handlers.undone import kept_out, tries_of, way_back
from handlers.uninvited import beside, written_again

Came = Literal["merged", "beside", "again"]
"""merged: Git declares it. beside: image automation wrote it, and no release file declares it. again: it did so with
what a denial, a pin or a rollback keeps out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A release that failed or stays out, or that a person wants to be rid of.

    promotion: the newest that Git declared of it, or what records that image automation wrote it.
    """

    key: EnvironmentKey
    bad: Release
    failure: Failure
    promotion: Promotion | None
    request: Request | None
    back_to: Release | None
    came: Came = "merged"

    @property
    def decided(self) -> str:
        """Why it goes back whatever holds automation back: a person asked, or it was decided before; else empty."""
        if self.request is not None:
            return f"{self.request.principal} asked for it"
        return f"it only restores what was decided before: {self.failure.because}" if self.came == "again" else ""

    @property
    def deny(self) -> bool:
        """Only what was measured, or what a person asked for, is denied (design section 6)."""
        return self.failure.kind == "measured" or (self.request is not None and self.request.deny)

    @property
    def story(self) -> str:
        """What happened, in a sentence without its full stop."""
        place = f"{self.bad.name} in {self.key.environment}"
        if self.request is None and self.came == "again":
            return f"{self.bad.name} stands in {self.key.environment} again: {self.failure.because}"
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
    key: EnvironmentKey,
    seen: EnvironmentSeen,
    here: tuple[Promotion, ...],
    request: Request | None,
    *,
    automated: bool = False,
) -> Case | None:
    """What a person asked to take back, else what image automation wrote, else what Git declares if it failed.

    here: the promotions of this environment, newest first. automated: image automation writes the positions.
    """
    written = beside(seen) if automated else None
    if request is not None:
        bad = named(request.version, seen, here)
        return asked_for(key, bad, came(bad, written, key, seen, here), seen, here, request) if bad else None
    found = uninvited(key, written, seen, here) if written else None
    return found or (failed(key, seen.declared, "merged", seen, here) if seen.declared else None)


def failed(
    key: EnvironmentKey, bad: Release, how: Came, seen: EnvironmentSeen, here: tuple[Promotion, ...]
) -> Case | None:
    """The release as a case if it failed."""
    promotion = newest_there(key, bad, here)
    if promotion is None or promotion.state != "failed" or promotion.failure is None:
        return None
    return Case(
        key=key,
        bad=bad,
        failure=promotion.failure,
        promotion=promotion,
        request=None,
        back_to=way_back(bad, seen, here),
        came=how,
    )


def uninvited(key: EnvironmentKey, bad: Release, seen: EnvironmentSeen, here: tuple[Promotion, ...]) -> Case | None:
    """What image automation wrote beside the release file, if it stays out or failed; None until that is recorded."""
    record = newest_there(key, bad, here)
    if record is None or record.state not in ("bypassed", "failed"):
        return None
    why = kept_out(bad, seen, key, here)
    if not why:
        return failed(key, bad, "beside", seen, here)
    return Case(
        key=key,
        bad=bad,
        failure=written_again(record, why, seen, tuple(tries_of(bad, key, here))),
        promotion=record,
        request=None,
        back_to=way_back(bad, seen, here),
        came="again",
    )


def asked_for(
    key: EnvironmentKey,
    bad: Release,
    how: Came,
    seen: EnvironmentSeen,
    here: tuple[Promotion, ...],
    request: Request,
) -> Case:
    """What a person wants to be rid of, failed or not."""
    promotion = newest_there(key, bad, here)
    known = promotion.failure if promotion and promotion.state == "failed" else None
    return Case(
        key=key,
        bad=bad,
        failure=asked(request, known),
        promotion=promotion,
        request=request,
        back_to=way_back(bad, seen, here),
        came=how,
    )


def came(
    bad: Release,
    written: Release | None,
    key: EnvironmentKey,
    seen: EnvironmentSeen,
    here: tuple[Promotion, ...],
) -> Came:
    """How a release came into Git. written: what image automation wrote beside the release file."""
    if written is None or written.id != bad.id:
        return "merged"
    return "again" if kept_out(bad, seen, key, here) else "beside"


def newest_there(key: EnvironmentKey, bad: Release, here: tuple[Promotion, ...]) -> Promotion | None:
    """The newest promotion of a release that is more than a wish."""
    return next((p for p in tries_of(bad, key, here) if p.state not in ("waiting", "ready")), None)


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
