"""What a promotion is decided on: an environment, what could be promoted into it, and its merge request."""

from dataclasses import dataclass, replace

from bot.events import EnvironmentKey
from bot.observing import (
    Approval,
    Comparison,
    Denial,
    EnvironmentSeen,
    Freeze,
    FreezeWindow,
    Hold,
    Installation,
    Involved,
    MergeRequestSeen,
    Observer,
    PersonRole,
    Promotion,
    Release,
    ReleaseRecord,
    Request,
)
from config.policy import ApprovalsForm, Policy
from handlers.asked import Ground, ending, joined, meant, pinning
from handlers.choosing import choose, kept_out, turned_away
from handlers.showing import publish, show
from handlers.standing import look

NOBODY = Involved()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionFacts:
    """An environment, what could be promoted into it, and the merge request that is or was open.

    promotions: all environments of the application, newest first. named: the release of the request that counts.
    target: that, if it can land (by_request); else what `choose` found.
    written: effect key → digest of what was last written under it. holds and requests: what people want here.
    denied_before: the target's denials in the environments before, by environment. freezes and windows: what people
    and calendars froze. approvals: of this promotion, by command and in GitLab; involved: in it; both only read where
    the policy asks for approvals and the merge request is open.
    """

    key: EnvironmentKey
    installation: Installation
    seen: EnvironmentSeen
    promotions: tuple[Promotion, ...]
    target: Release | None
    comparison: Comparison | None
    merge_request: MergeRequestSeen | None
    written: tuple[tuple[str, str], ...] = ()
    holds: tuple[Hold, ...] = ()
    requests: tuple[Request, ...] = ()
    denied_before: tuple[tuple[str, Denial], ...] = ()
    named: Release | None = None
    by_request: bool = False
    freezes: tuple[Freeze, ...] = ()
    windows: tuple[FreezeWindow, ...] = ()
    approvals: tuple[Approval, ...] = ()
    involved: Involved = NOBODY

    @property
    def change(self) -> str:
        """What the open merge request changes, while it is of the target."""
        request, target = self.open_request, self.target
        if request is None or request.proposes is None or target is None or request.proposes.id != target.id:
            return ""
        return request.change

    @property
    def pinned(self) -> tuple[Request, ...]:
        """The requests that pin the target, oldest first; none where nobody asked, or what was named cannot land."""
        return joined(self.requests, self.named) if self.by_request else ()

    @property
    def under_way(self) -> Promotion | None:
        """The promotion that is waiting or ready here."""
        return under_way(self.key, self.promotions)

    @property
    def open_request(self) -> MergeRequestSeen | None:
        """The merge request while it is open."""
        return self.merge_request if self.merge_request and self.merge_request.state == "opened" else None


async def observe(key: EnvironmentKey, observer: Observer) -> PromotionFacts:
    """Read Git, the journal and the merge request; compare commits only when there is something to promote."""
    promotions, releases = await observer.promotions(key.owner), await observer.releases(key.owner)
    requests, last = await observer.requests(key), under_way(key, promotions)
    facts = PromotionFacts(
        key=key,
        installation=await observer.installation(key.tenant),
        seen=await look(key, observer, promotions),
        promotions=promotions,
        target=None,
        comparison=None,
        merge_request=await observer.merge_request(key, last.merge_request if last else None),
        holds=await observer.holds(key),
        requests=requests,
        named=meant(pinning(requests), releases),
    )
    pinned = pinning(requests)
    by_request = pinned is not None and ending(pinned, facts.named, ground(facts, observer.policy)) is None
    target = facts.named if by_request else next_one(facts, releases, observer.policy)
    return await aim(replace(facts, target=target, by_request=by_request), observer) if target else facts


def next_one(facts: PromotionFacts, releases: tuple[ReleaseRecord, ...], policy: Policy) -> Release | None:
    """What automation brings next."""
    key, seen, promotions = facts.key, facts.seen, facts.promotions
    barred = turned_away(key, promotions, facts.merge_request) | kept_out(key, seen, releases, promotions)
    return choose(seen, releases, promotions, policy.before(key.application, key.environment), barred)


def ground(facts: PromotionFacts, policy: Policy) -> Ground:
    """What requests are judged by."""
    return Ground(
        key=facts.key,
        environment=policy.environment(facts.key.application, facts.key.environment),
        installation=facts.installation,
        seen=facts.seen,
        promotions=facts.promotions,
    )


async def aim(facts: PromotionFacts, observer: Observer) -> PromotionFacts:
    """The same with what the gates ask about the target."""
    key, target, seen = facts.key, facts.target, facts.seen
    if target is None:
        return facts
    before = observer.policy.before(key.application, key.environment)
    facts = replace(
        facts,
        comparison=await observer.comparison(key.owner, seen.declared, target),
        denied_before=await denials_of(target, key, before, observer),
        written=await what_was_written(facts, observer),
        freezes=await observer.freezes(key.tenant, key.environment),
        windows=await observer.freeze_windows(key),
    )
    form = observer.policy.environment(key.application, key.environment).approvals
    return await ask_around(facts, form, observer) if form.required else facts


async def ask_around(facts: PromotionFacts, form: ApprovalsForm, observer: Observer) -> PromotionFacts:
    """The same with who approved and who is involved."""
    request = facts.open_request
    if request is None or not facts.change:
        return facts
    native = await observer.native_approvals(facts.key, request) if form.native else ()
    involved = await observer.involved(facts.key, facts.comparison, request)
    given = (*await observer.approvals(facts.key), *native)
    return replace(
        facts,
        approvals=tuple(approval for approval in given if is_of(approval, facts)),
        involved=with_requesters(involved, facts.pinned),
    )


def is_of(approval: Approval, facts: PromotionFacts) -> bool:
    """Whether it was given to this promotion: what came back after a rollback is approved anew."""
    promotion, target = facts.under_way, facts.target
    if promotion is None or target is None or promotion.release.id != target.id:
        return False
    return approval.release_id == target.id and approval.at >= promotion.opened_at


def with_requesters(involved: Involved, requests: tuple[Request, ...]) -> Involved:
    """The same people with those who asked for it."""
    asked: list[tuple[PersonRole, str]] = [("requester", one.account) for one in requests if one.account]
    names = [(one.account, one.principal) for one in requests if one.account]
    return replace(involved, people=(*involved.people, *asked), names=(*involved.names, *names))


async def denials_of(
    target: Release, key: EnvironmentKey, before: tuple[str, ...], observer: Observer
) -> tuple[tuple[str, Denial], ...]:
    """Where the target is denied among the environments before."""
    seen = [await observer.environment(replace(key, environment=name)) for name in before]
    denials = [(one.environment, one.denied(target)) for one in seen]
    return tuple((environment, denial) for environment, denial in denials if denial)


def under_way(key: EnvironmentKey, promotions: tuple[Promotion, ...]) -> Promotion | None:
    """The newest promotion that is waiting or ready in an environment."""
    return next((p for p in promotions if p.key == key and p.state in ("waiting", "ready")), None)


async def what_was_written(facts: PromotionFacts, observer: Observer) -> tuple[tuple[str, str], ...]:
    """The digests under the keys of the open merge request's status and note."""
    if facts.target is None or facts.merge_request is None:
        return ()
    effects = (publish(facts.key, facts.merge_request, ()), show(facts.key, facts.merge_request, facts.target, "", ()))
    return tuple([(effect.effect_key, await observer.written(effect.effect_key)) for effect in effects])
