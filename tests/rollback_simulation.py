"""A pure world in which releases fail and are taken back, image automation selects anew, and events get lost.

It counts what must never happen: a denied digest that runs again, a second rollback without a person's word, and a
second commit of ours against one of somebody else's.
"""

from dataclasses import dataclass, field, replace

from rule_simulation import KEYS, Cluster, Simulation
from rule_worlds import IMAGE, PRODUCTION, canary_of, cluster, merge_request, policy_of, request_of

from bot.actions import (
    Action,
    LiftPin,
    MergePromotion,
    MergeRollback,
    OpenIncident,
    PlaceTag,
    RevokeDenial,
    RollBack,
    SettleRequest,
    TellPromotion,
    TellSource,
    digest,
)
from bot.keys import EnvironmentKey
from bot.observing import (
    ClusterSeen,
    Denial,
    EnvironmentSeen,
    FailureKind,
    FailureMark,
    Health,
    Pin,
    Promotion,
    Release,
    SelectionSeen,
    TagSeen,
    compare_versions,
)
from bot.releases import Image
from config.policy import Policy

SAID: dict[FailureKind, tuple[str, ...]] = {
    "measured": ("Halt demo-service.demo advancement success rate 50.00% < 99%",),
    "no-data": ("Halt advancement no values found for metric request-success-rate",),
    "unknown": (),
}
"""What Flagger says of an analysis that ended so."""


def returning(way: str = "commit", *, automated: bool = False, retry_after: str = "0s") -> Policy:
    """Staging and production take failed canaries back; production may be written by image automation."""
    rollback = {"way": way, "retry_after": retry_after, "brake": {"failures": 50}}
    production: dict[str, object] = {"rollback": rollback}
    if automated:
        production |= {"delivery": "image_automation", "tag": "{version}-prod"}
    return policy_of(staging={"rollback": rollback}, production=production)


@dataclass(kw_only=True)
class Returning(Simulation):
    """A simulation with pins, denials, tags and a Flux that writes positions.

    ends: how (environment, version) fails. tags: releases whose tag stands in the registry of production.
    selected: what image automation would write next; it lags one scan behind the tags, like the real one.
    foreign: releases (ids) that somebody wrote over a rollback. restored: those that we took away again.
    """

    ends: dict[tuple[str, str], FailureKind] = field(default_factory=dict)
    pins: dict[EnvironmentKey, Pin] = field(default_factory=dict)
    denials: dict[EnvironmentKey, tuple[Denial, ...]] = field(default_factory=lambda: dict.fromkeys(KEYS, ()))
    positions: dict[EnvironmentKey, Release | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    before: dict[EnvironmentKey, Release | None] = field(default_factory=lambda: dict.fromkeys(KEYS))
    placed_tags: list[Release] = field(default_factory=list)
    selected: Release | None = None
    rolled_back: list[tuple[EnvironmentKey, str]] = field(default_factory=list)
    lifted: int = 0
    pending: dict[EnvironmentKey, RollBack] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    answers: list[SettleRequest] = field(default_factory=list)

    def is_automated(self, key: EnvironmentKey) -> bool:
        """Whether Flux writes the positions there."""
        return self.policy.environment(key.application, key.environment).delivery == "image_automation"

    # What people do.

    def person_asks(self, key: EnvironmentKey, *, deny: bool) -> None:
        """`sluice rollback`, of what Git declares now, as the API binds it."""
        declared = self.git[key]
        self.asked += (request_of(key, version=declared.version if declared else "", deny=deny, at=self.now),)

    def person_allows(self, key: EnvironmentKey, version: str) -> None:
        """`sluice allow`."""
        self.asked += (request_of(key, "allow", version, at=self.now),)

    def write_over(self, what: Release) -> None:
        """Somebody's automation writes the positions of production, whatever marker stands there."""
        self.positions[PRODUCTION] = what
        self.foreign.append(what.id)

    # What time does.

    def pass_time(self) -> None:
        self.rescan()
        super().pass_time()
        for key, request in self.rollback_requests.items():
            self.rollback_requests[key] = replace(request, status="mergeable")
        failed = [p for p in self.known_promotions if p.state in ("failed", "rolled_back")]
        self.known_failures = tuple(
            FailureMark(key=p.key, at=p.failure.at, release=p.release.name) for p in failed if p.failure
        )

    def rescan(self) -> None:
        """Image automation writes what it selected before, then selects anew: the newest tag by semantic version."""
        if not self.is_automated(PRODUCTION):
            return
        if PRODUCTION not in self.pins and self.selected is not None:
            self.positions[PRODUCTION] = self.selected
        for tagged in self.placed_tags:
            if self.selected is None or compare_versions(tagged.version, self.selected.version) == "newer":
                self.selected = tagged

    def _follow(self, key: EnvironmentKey, here: Cluster) -> None:
        git = self.git[key]
        if self.is_automated(key):
            self.git[key] = self.positions[key]
        super()._follow(key, here)
        self.git[key] = git
        denied = {denial.image.digest for denial in self.denials[key]}
        if here.attempt is not None and here.rounds == 1 and here.attempt.id not in self.foreign:
            assert not denied & {image.digest for image in here.attempt.images}, "a denied digest came back"

    def _is_ill(self, key: EnvironmentKey, what: Release) -> bool:
        return (key.environment, what.version) in self.ends

    # What the executor does.

    def carry_out_more(self, action: Action) -> None:
        match action:
            case RollBack():
                self._roll_back(action)
            case MergeRollback(key=key):
                request = self.rollback_requests.pop(key)
                assert (request.sha, request.status, request.ours) == (action.sha, "mergeable", True)
                self._goes_back(self.pending.pop(key))
            case LiftPin(key=key, release=release):
                assert self.selected == release == self.git[key], "the pin was lifted too early"
                del self.pins[key]
                self.positions[key] = release
                self.lifted += 1
            case RevokeDenial(key=key, version=version):
                self.denials[key] = tuple(d for d in self.denials[key] if d.version != version)
                self.effects[action.effect_key] = digest(action)
            case PlaceTag(key=key):
                declared = self.git[key]
                assert declared is not None, "a tag for nothing"
                assert action.image.digest == declared.images[0].digest, "a tag before its merge"
                self.placed_tags.append(declared)
            case OpenIncident() | TellPromotion() | TellSource():
                self.effects[action.effect_key] = digest(action)
                self.told.append(action.effect_key)
            case SettleRequest(request=request):
                self.asked = tuple(one for one in self.asked if one != request)
                self.answers.append(action)
            case _:
                super().carry_out_more(action)

    def _roll_back(self, action: RollBack) -> None:
        self._check_rollback(action)
        self.effects[action.effect_key] = digest(action)
        if action.way == "commit":
            self._goes_back(action)
            return
        self.pending[action.key] = action
        self.rollback_requests[action.key] = merge_request(
            action.back_to, iid=900, release_id=action.release.id, status="checking"
        )

    def _check_rollback(self, action: RollBack) -> None:
        key, back_to = action.key, action.back_to
        assert action.release in (self.git[key], self.positions[key]), "taken back what Git does not say"
        assert back_to.id != action.release.id
        here = [p for p in self.known_promotions if p.key == key]
        assert any(p.healthy_at for p in here if p.release.id == back_to.id), "back to what was never healthy"
        assert not {i.digest for i in back_to.images} & {d.image.digest for d in self.denials[key]}, "back to denied"
        assert not action.deny or action.failure.kind == "measured" or action.by != "sluice", "denied unmeasured"
        if action.failure.cause == "automation":
            self.restored.append(action.release.id)
            assert self.restored.count(action.release.id) <= self.foreign.count(action.release.id), "a loop"
            return
        times = self.rolled_back.count((key, action.release.id))
        allowed = sum(1 for p in here if p.release.id == action.release.id and p.asked_again_at)
        assert times <= allowed, "taken back twice without a person's word"

    def _goes_back(self, action: RollBack) -> None:
        key = action.key
        if action.failure.cause != "automation":
            self.rolled_back.append((key, action.release.id))
        self.git[key] = self.positions[key] = action.back_to
        self.pins[key] = Pin(
            release=action.back_to,
            instead_of=action.release,
            failure=action.failure.kind,
            since=action.since,
            because=action.because,
            by=action.by,
        )
        if action.deny:
            images = [(image, action.release.version) for image in action.release.images]
            self.denials[key] += tuple(
                Denial(image=image, version=version, since=action.since, because=action.because, incident=version)
                for image, version in images
            )

    def _merge(self, action: MergePromotion) -> None:
        key = action.key
        self.before[key] = self.git[key]
        super()._merge(action)
        if not self.is_automated(key):
            self.pins.pop(key, None)
            self.positions[key] = self.git[key]

    def _remember(self, promotion: Promotion) -> None:
        if promotion.asked_again_at:
            again = (promotion.key, promotion.release.id)
            self.merged = [one for one in self.merged if one != again]
            self.refused.discard(again)
        super()._remember(promotion)

    def _check_proposal(self, key: EnvironmentKey, what: Release) -> None:
        super()._check_proposal(key, what)
        assert not {i.digest for i in what.images} & {d.image.digest for d in self.denials[key]}, "denied, and proposed"

    # What rules see.

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        automated, declared = self.is_automated(key), self.git[key]
        standing = self.positions[key] if automated else declared
        lagging = standing == self.before[key]
        found = replace(await super().environment(key), clusters=(self._cluster(key),))
        return replace(
            found,
            standing=standing,
            agrees=not automated or standing == declared or lagging,
            marking="none" if not automated else "pinned" if key in self.pins else "active",
            pin=self.pins.get(key),
            denials=self.denials[key],
            selections=self._selections() if automated else (),
        )

    def _cluster(self, key: EnvironmentKey) -> ClusterSeen:
        here = self.clusters[key]
        ill = here.attempt is not None and self._is_ill(key, here.attempt) and not here.rounds
        if ill and here.attempt:
            said = SAID[self.ends[(key.environment, here.attempt.version)]]
            canary = replace(canary_of("Failed", spec=f"{here.attempt.version}-{self.tries(key)}"), messages=said)
            return cluster(here.applied, "failed", attempt=here.attempt, canary=canary, failing="canary")
        same = here.attempt is not None and here.applied is not None and here.attempt.id == here.applied.id
        health: Health = "healthy" if same and not here.rounds else "progressing"
        return cluster(here.applied, health, attempt=here.attempt)

    def tries(self, key: EnvironmentKey) -> int:
        """How often a release of this environment was taken back, which makes another revision of the next."""
        return sum(1 for where, _ in self.rolled_back if where == key)

    def _selections(self) -> tuple[SelectionSeen, ...]:
        if self.selected is None:
            return ()
        newest = all(compare_versions(t.version, self.selected.version) != "newer" for t in self.placed_tags)
        image = Image(name=IMAGE, digest=self.selected.images[0].digest, tag=f"{self.selected.version}-prod")
        return (SelectionSeen(cluster="one", policy="flux-system:demo", image=image, observed=newest),)

    async def placed(self, key: EnvironmentKey, release: Release) -> tuple[TagSeen, ...]:
        there = {what.version: what.images[0].digest for what in self.placed_tags}
        image = replace(release.images[0], tag=f"{release.version}-prod")
        return (TagSeen(image=image, digest=there.get(release.version)),)

    # What a test asks in the end.

    def state_of(self, key: EnvironmentKey, what: Release) -> str:
        """The state of the newest promotion of a release."""
        return next(p.state for p in self.known_promotions if p.key == key and p.release.id == what.id)


def settled(world: Returning, first: Release) -> Returning:
    """Three environments that run a release, known as the baseline."""
    world.build(first)
    for key in KEYS:
        world.git[key] = world.positions[key] = world.before[key] = first
    world.placed_tags = [first]
    world.selected = first
    for _ in range(4):
        world.pass_time()
    world.round()
    world.round()
    return world
