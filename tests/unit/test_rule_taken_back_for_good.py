"""All rules together: a bad release goes back and stays back while Flux scans on, and a fixed one lifts the pin."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from rule_simulation import Cluster, Simulation
from rule_worlds import APPLICATION, DEV, NEW, OLD, PRODUCTION, STAGING, policy_of, release

from bot.actions import (
    Action,
    LiftPin,
    OpenIncident,
    PlaceTag,
    RecordCanaryGates,
    RollBack,
    SettleRequest,
    TellPromotion,
    TellSource,
    digest,
)
from bot.keys import EnvironmentKey
from bot.observing import (
    CanarySeen,
    Denial,
    EnvironmentSeen,
    Image,
    Pin,
    Promotion,
    Release,
    SelectionSeen,
    TagSeen,
    compare_versions,
)
from config.policy import Policy

FIXED = release("1.1.1")
BAD = NEW
POLICY = policy_of(production={"delivery": "image_automation", "tag": "{version}-prod"})
MEASURED = "Halt web.shop advancement success 50.00 < 99"


@dataclass(kw_only=True)
class Automated(Simulation):
    """Production's positions are written by Flux, which selects the newest tag and writes it a round later."""

    policy: Policy = POLICY
    positions: Release = OLD
    placed_tags: dict[str, Release] = field(default_factory=lambda: {OLD.version: OLD})
    selected: Release = OLD
    pin: Pin | None = None
    denials: tuple[Denial, ...] = ()
    messages: tuple[str, ...] = (MEASURED,)
    stood: list[Release] = field(default_factory=list)

    def pass_time(self) -> None:
        """Flux's automation writes what its policy selected a round ago, unless the marker is pinned."""
        if self.pin is None:
            self.positions = self.selected
        self.selected = self.newest_tag()
        self.stood.append(self.positions)
        super().pass_time()

    def newest_tag(self) -> Release:
        """What a semver policy selects."""
        newest = OLD
        for what in self.placed_tags.values():
            newest = what if compare_versions(what.version, newest.version) == "newer" else newest
        return newest

    def _follow(self, key: EnvironmentKey, here: Cluster) -> None:
        if key != PRODUCTION:
            return super()._follow(key, here)
        declared, self.git[key] = self.git[key], self.positions
        super()._follow(key, here)
        self.git[key] = declared
        return None

    def _carry_out(self, action: Action) -> None:
        match action:
            case RollBack():
                self.roll_back(action)
            case LiftPin(release=what):
                assert self.pin is not None, "lifted what is not set"
                self.pin, self.positions = None, what
            case PlaceTag(image=image):
                declared = self.git[PRODUCTION]
                assert declared is not None
                assert image.digest == declared.images[0].digest, "a tag before its merge"
                assert not any(d.image.digest == image.digest for d in self.denials), "a denied tag"
                self.placed_tags[declared.version] = declared
            case OpenIncident() | TellPromotion() | TellSource():
                assert self.effects.get(action.effect_key) != digest(action), "told twice"
                self.effects[action.effect_key] = digest(action)
            case RecordCanaryGates() | SettleRequest():
                return
            case _:
                super()._carry_out(action)

    def roll_back(self, action: RollBack) -> None:
        """One commit: release file, positions, pin, and the denial of what was measured."""
        assert action.way == "commit"
        assert self.git[PRODUCTION] == action.release, "Git says something else"
        self.git[PRODUCTION] = self.positions = action.back_to
        self.pin = Pin(
            release=action.back_to,
            instead_of=action.release,
            failure=action.failure.kind,
            since=action.since,
            because=action.because,
            by=action.by,
        )
        if action.deny:
            (image,) = action.release.images
            incident = f"production/{APPLICATION}/{action.release.version}"
            self.denials += (
                Denial(
                    image=image,
                    version=action.release.version,
                    since=action.since,
                    because=action.because,
                    incident=incident,
                ),
            )

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        seen = await super().environment(key)
        if key != PRODUCTION:
            return replace(seen, standing=seen.declared)
        (here,) = seen.clusters
        if here.health == "failed":
            canary = CanarySeen(
                name="production/demo-service",
                phase="Failed",
                images=(),
                carries=True,
                serves=False,
                spec="failed at noon",
                messages=self.messages,
            )
            here = replace(here, failing="canary", canary=canary)
        return replace(
            seen,
            clusters=(here,),
            standing=self.positions,
            written=(f"{self.positions.version}-prod",),
            agrees=True,
            marking="pinned" if self.pin else "active",
            pin=self.pin,
            denials=self.denials,
            selections=(self.selection(),),
        )

    def selection(self) -> SelectionSeen:
        """What the image policy says now."""
        image = replace(self.selected.images[0], tag=f"{self.selected.version}-prod")
        return SelectionSeen(cluster="one", policy="flux-system:demo", image=image, observed=True)

    async def placed(self, key: EnvironmentKey, release: Release) -> tuple[TagSeen, ...]:
        known = self.placed_tags.get(release.version)
        image = Image(name=release.images[0].name, digest=release.images[0].digest, tag=f"{release.version}-prod")
        return (TagSeen(image=image, digest=known.images[0].digest if known else None),)

    def last(self, what: Release) -> Promotion:
        """The newest promotion of a release into production."""
        return next(p for p in self.known_promotions if p.key == PRODUCTION and p.release == what)


def begun() -> Automated:
    """1.0.0 runs everywhere at first sight: it is the baseline."""
    world = Automated(ill={("production", BAD.version)})
    world.git |= dict.fromkeys((DEV, STAGING, PRODUCTION), OLD)
    world.build(OLD)
    for _ in range(5):
        world.round()
    return world


def until(world: Automated, what: Release, rounds: int = 40) -> Automated:
    """A release is built, and time passes."""
    world.build(what)
    for _ in range(rounds):
        world.round()
    return world


def test_a_measured_failure_goes_back_and_stays_back_over_a_hundred_scans() -> None:
    world = until(begun(), BAD, 140)

    assert (world.git[PRODUCTION], world.positions, world.clusters[PRODUCTION].applied) == (OLD, OLD, OLD)
    assert (world.last(BAD).state, world.newest_tag(), len(world.denials)) == ("rolled_back", BAD, 1)
    assert len(world.all_of(RollBack)) == len(world.all_of(OpenIncident)) == 1
    runs = [number for number, what in enumerate(world.stood) if what == BAD]
    assert runs == list(range(runs[0], runs[-1] + 1)), "it came back"


def test_a_fixed_release_goes_through_and_lifts_the_pin() -> None:
    world = until(until(begun(), BAD), FIXED)

    assert (world.git[PRODUCTION], world.positions, world.clusters[PRODUCTION].applied) == (FIXED, FIXED, FIXED)
    assert (world.last(FIXED).state, world.last(BAD).state, world.pin) == ("done", "rolled_back", None)
    assert len(world.all_of(LiftPin)) == len(world.all_of(RollBack)) == 1


def test_a_settled_world_writes_nothing_more() -> None:
    world = until(until(begun(), BAD), FIXED)
    before = world.writes

    for _ in range(10):
        world.round()

    assert world.writes == before


def test_statuses_end_where_releases_ended() -> None:
    world = until(until(begun(), BAD), FIXED)

    said = {key.split(":")[2]: states for key, states in world.statuses.items() if key.endswith("sluice/production")}

    assert said[BAD.commit][-1] == "failed"
    assert said[FIXED.commit][-1] == "success"
    assert OLD.commit not in said


def test_an_inconclusive_failure_goes_back_without_a_denial() -> None:
    world = begun()
    world.messages = ("Halt advancement no values found for metric: errors",)

    until(world, BAD)

    assert (world.git[PRODUCTION], world.denials, world.last(BAD).state) == (OLD, (), "rolled_back")
    assert world.pin is not None
    assert world.pin.failure == "no-data"


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 25), st.integers(0, 25))
def test_the_bad_release_never_returns_whenever_the_next_is_built(first: int, second: int) -> None:
    world = until(begun(), BAD, first + 15)
    until(world, FIXED, second)
    for _ in range(30):
        world.round()

    runs = [number for number, what in enumerate(world.stood) if what == BAD]
    assert runs == list(range(runs[0], runs[-1] + 1)) if runs else True
    assert (world.positions, world.pin) == (FIXED, None)
    assert len(world.all_of(RollBack)) == (1 if runs else 0)
