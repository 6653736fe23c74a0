"""The tag Flux waits for is placed after the merge and never before, never moved, never for what is kept out."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    IMAGE,
    NEW,
    NEWER,
    NOW,
    OLD,
    STAGING,
    STRANGER,
    Memory,
    denial_of,
    done,
    of_type,
    only,
    outside,
    pin_of,
    policy_of,
    promotion,
    request_of,
    seen,
)

from bot.actions import Decision, PlaceTag
from bot.observing import EnvironmentSeen, Image, Promotion, PromotionState, Release, SelectionSeen, TagSeen
from handlers import tagging as rule

POLICY = policy_of(staging={"delivery": "image_automation", "tag": "{version}-staging"})
MERGED = promotion(STAGING, NEW, "merging", merge_request=3)
BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1))
ELSE = "sha256:" + "e" * 64


def kept(what: Release) -> Image:
    """A release's image under its tag in staging."""
    return replace(what.images[0], tag=f"{what.version}-staging")


def selection(what: Release, *, observed: bool = True) -> SelectionSeen:
    """What the image policy in the cluster selects."""
    return SelectionSeen(cluster="one", policy="flux-system:demo", image=kept(what), observed=observed)


def world(here: EnvironmentSeen, *promotions: Promotion, named: str | None = None) -> Memory:
    """1.1.0 is merged, positions say 1.0.0; `named` is the digest that the tag names."""
    tags = (TagSeen(image=kept(NEW), digest=named),)
    return Memory(policy=POLICY, environments={STAGING: here}, known_promotions=promotions, tags={STAGING: tags})


def lagging(declared: Release = NEW, standing: Release | None = OLD) -> EnvironmentSeen:
    """Git declares one release, and Flux has not written it."""
    here = seen(STAGING, declared)
    return replace(here, standing=standing, marking="active", selections=(selection(OLD),))


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(STAGING, memory)), memory.policy, NOW)


def test_the_tag_is_placed_once_the_release_file_is_merged() -> None:
    decision = decided(world(lagging(), MERGED, BEFORE))

    placed = only(decision, PlaceTag)
    assert (placed.key, placed.image, decision.look_again) == (STAGING, kept(NEW), timedelta(seconds=5))
    assert decision.because == f"!3 is merged: {IMAGE}:1.1.0-staging lets Flux bring 1.1.0"


def test_where_people_merge_their_merge_was_the_approval() -> None:
    form = {"delivery": "image_automation", "tag": "{version}-staging", "mode": "propose"}
    memory = replace(world(lagging(), MERGED, BEFORE), policy=policy_of(staging=form))

    decision = decided(memory)

    assert only(decision, PlaceTag).image == kept(NEW)
    assert decision.because.startswith("!3 is merged, which was the approval: ")


@pytest.mark.parametrize("mode", ["observe", "stranger"])
def test_where_only_observing_is_allowed_no_tag_is_placed(mode: str) -> None:
    form = {"delivery": "image_automation", "tag": "{version}-staging", "mode": "observe"}
    memory = world(lagging(), MERGED, BEFORE)
    memory = replace(memory, policy=policy_of(staging=form)) if mode == "observe" else replace(memory, adopted=STRANGER)

    decision = decided(memory)

    assert (decision.kind, decision.actions) == ("would", ())
    assert decision.because.startswith(f"would place {IMAGE}:1.1.0-staging for 1.1.0, but ")


def test_a_placed_tag_waits_for_flux_and_says_what_it_selects() -> None:
    decision = decided(world(lagging(), MERGED, BEFORE, named=NEW.images[0].digest))

    assert (decision.kind, decision.actions, decision.look_again) == ("wait", (), timedelta(seconds=5))
    assert decision.because.startswith(
        "the tag of 1.1.0 is placed, and Flux has not written it yet: "
        "image policy flux-system:demo in one selects 1.0.0-staging (sha256:"
    )


def test_a_tag_of_other_images_is_never_moved() -> None:
    decision = decided(world(lagging(), MERGED, BEFORE, named=ELSE))

    assert (decision.kind, decision.actions) == ("hold", ())
    assert f"{IMAGE}:1.1.0-staging names sha256:eeeeeeeeeeee and not " in decision.because


def test_nothing_is_placed_while_one_of_several_tags_is_taken() -> None:
    memory = world(lagging(), MERGED, BEFORE)
    memory.tags[STAGING] = (*memory.tags[STAGING], TagSeen(image=replace(kept(NEW), name="r/other"), digest=ELSE))

    assert (decided(memory).kind, decided(memory).actions) == ("hold", ())


@pytest.mark.parametrize(
    ("here", "known"),
    [
        (replace(lagging(), denials=(denial_of(NEW),)), (MERGED, BEFORE)),
        (replace(lagging(), pin=pin_of(OLD, NEW)), (MERGED, BEFORE)),
        (
            replace(lagging(), pin=pin_of(OLD, NEW)),
            (
                MERGED,
                promotion(STAGING, NEW, "rolled_back", attempt=1, asked_again_at=NOW - timedelta(hours=1)),
                BEFORE,
            ),
        ),
        (lagging(), (replace(MERGED, state="bypassed"), BEFORE)),
        (lagging(), (replace(MERGED, state="downgraded"), BEFORE)),
    ],
)
def test_what_is_kept_out_or_came_past_its_gates_gets_no_tag(
    here: EnvironmentSeen, known: tuple[Promotion, ...]
) -> None:
    decision = decided(world(here, *known))

    assert (decision.kind, decision.actions) == ("hold", ())
    assert decision.because.startswith("the tag of 1.1.0 is not placed: ")


def test_a_release_allowed_again_gets_its_tag() -> None:
    gone = promotion(STAGING, NEW, "rolled_back", asked_again_at=NOW)
    again = replace(promotion(STAGING, NEW, "merging", attempt=1), opened_at=NOW)

    decision = decided(world(replace(lagging(), pin=pin_of(OLD, NEW)), again, gone, BEFORE))

    assert only(decision, PlaceTag).image == kept(NEW)


def test_a_fixed_release_gets_its_tag_under_the_pin() -> None:
    here = replace(lagging(NEWER), pin=pin_of(OLD, NEW), denials=(denial_of(NEW),), marking="pinned")
    memory = world(here, promotion(STAGING, NEWER, "merging"), promotion(STAGING, NEW, "rolled_back"), BEFORE)
    memory.tags[STAGING] = (TagSeen(image=kept(NEWER), digest=None),)

    assert only(decided(memory), PlaceTag).image == kept(NEWER)


@pytest.mark.parametrize("version", ["", "1.1.0"])
def test_no_tag_is_placed_while_a_person_wants_it_back(version: str) -> None:
    memory = replace(world(lagging(), MERGED, BEFORE), asked=(request_of(STAGING, version=version),))

    assert (decided(memory).kind, decided(memory).actions) == ("hold", ())


@pytest.mark.parametrize("state", ["waiting", "ready", "done", "failed", "rolled_back", "superseded", "withdrawn"])
def test_only_a_merged_release_under_way_gets_a_tag(state: PromotionState) -> None:
    decision = decided(world(lagging(), replace(MERGED, state=state), BEFORE))

    assert (decision.kind, decision.actions) == ("skip", ())


def test_nothing_is_placed_for_the_baseline() -> None:
    assert decided(world(lagging(), replace(MERGED, baseline=True))).actions == ()


def test_what_flux_wrote_needs_no_tag() -> None:
    assert decided(world(lagging(NEW, NEW), MERGED, BEFORE)).kind == "skip"


def test_a_position_of_a_merge_request_needs_no_tag() -> None:
    decision = decided(replace(world(lagging(), MERGED, BEFORE), policy=policy_of()))

    assert (decision.kind, decision.because) == ("skip", "Flux does not write the image positions of staging")


releases = st.sampled_from([OLD, NEW, NEWER])
states = st.sampled_from(["ready", "merging", "applied", "done", "failed", "rolled_back", "bypassed"])
lives = st.lists(st.tuples(releases, states), max_size=4)


@given(releases, releases | st.none(), lives, st.lists(releases, max_size=2), st.sampled_from(["none", "own", "else"]))
def test_only_merged_undenied_releases_are_tagged_and_no_tag_is_ever_moved(
    declared: Release,
    standing: Release | None,
    lived: list[tuple[Release, PromotionState]],
    denied: list[Release],
    named: str,
) -> None:
    here = replace(lagging(declared, standing), denials=tuple(denial_of(what) for what in denied))
    known = tuple(promotion(STAGING, what, state, attempt=n) for n, (what, state) in enumerate(lived))
    memory = world(here, *known)
    digest = {"none": None, "own": declared.images[0].digest, "else": ELSE}[named]
    memory.tags[STAGING] = (TagSeen(image=kept(declared), digest=digest),)

    decision = decided(memory)

    assert len(of_type(decision, PlaceTag)) == len(outside(decision))
    for placed in of_type(decision, PlaceTag):
        assert (named, placed.image) == ("none", kept(declared))
        assert declared not in denied
        newest = next(p for p in known if p.release == declared)
        assert newest.state in ("merging", "applied")
