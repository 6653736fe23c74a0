"""A pin goes when the clusters can bring back nothing but the release that follows, by the way that rights leave."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import (
    NEW,
    NEWER,
    NOW,
    OLD,
    STAGING,
    STRANGER,
    Memory,
    denial_of,
    done,
    merge_request,
    of_type,
    only,
    pin_of,
    policy_of,
    promotion,
    release,
    seen,
)

from bot.actions import Decision, LiftPin, MergeRollback, digest
from bot.observing import EnvironmentSeen, Promotion, Release, Rights, SelectionSeen
from config.policy import Policy
from handlers import lifting as rule

FORM: dict[str, object] = {"delivery": "image_automation", "tag": "{version}-staging"}
POLICY = policy_of(staging=FORM)
MAY_NOT = Rights(may_push=False, because="main is protected")
PIN = pin_of(OLD, NEW)
FIXED = promotion(STAGING, NEWER, "merging", merge_request=4, opened_at=NOW)
GONE = promotion(STAGING, NEW, "rolled_back", merge_request=3)
BEFORE = promotion(STAGING, OLD, opened_at=NOW - timedelta(days=1))


def selection(what: Release, *, observed: bool = True, cluster: str = "one", tag: str = "") -> SelectionSeen:
    """What an image policy selects."""
    image = replace(what.images[0], tag=tag or f"{what.version}-staging")
    return SelectionSeen(cluster=cluster, policy="flux-system:demo", image=image, observed=observed)


def pinned(declared: Release = NEWER, *selections: SelectionSeen) -> EnvironmentSeen:
    """An environment that was taken back from 1.1.0 to 1.0.0, and what its image policies select."""
    here = seen(STAGING, declared, pin=PIN, denials=(denial_of(NEW),), standing=OLD)
    return replace(here, marking="pinned", selections=selections or (selection(declared),))


def world(here: EnvironmentSeen, *promotions: Promotion, policy: Policy = POLICY) -> Memory:
    """A pinned environment with its promotions; ours to push."""
    known = promotions or (FIXED, GONE, BEFORE)
    return Memory(policy=policy, environments={STAGING: here}, known_promotions=known)


def decided(memory: Memory) -> Decision:
    """Observe and decide, now."""
    return rule.decide(done(rule.observe(STAGING, memory)), memory.policy, NOW)


def test_the_pin_is_lifted_when_flux_selects_the_fixed_release() -> None:
    decision = decided(world(pinned()))

    lifted = only(decision, LiftPin)
    assert (lifted.key, lifted.release, lifted.way, lifted.since) == (STAGING, NEWER, "commit", PIN.since)
    assert decision.because.startswith("the pin of staging is lifted: Git declares 1.2.0, image policy flux-")


@pytest.mark.parametrize(
    "selections",
    [
        (selection(NEW),),
        (selection(OLD),),
        (selection(NEWER, observed=False),),
        (selection(NEWER, tag="1.2.0"),),
        (selection(release("1.2.0", build="rebuilt")),),
        (selection(NEWER), selection(NEW, cluster="two")),
        (selection(NEWER), selection(NEWER, cluster="two", observed=False)),
    ],
)
def test_the_pin_stays_while_anything_else_may_be_written(selections: tuple[SelectionSeen, ...]) -> None:
    decision = decided(world(pinned(NEWER, *selections)))

    assert (decision.kind, decision.actions, decision.look_again) == ("wait", (), timedelta(seconds=5))
    assert decision.because.startswith("the pin of staging stays until Flux selects 1.2.0: image policy ")


def test_without_a_readable_policy_the_pin_stays() -> None:
    decision = decided(world(replace(pinned(), selections=())))

    assert (decision.kind, decision.actions) == ("wait", ())
    assert "no image policy of staging can be read" in decision.because


def test_a_policy_that_selects_nothing_says_so() -> None:
    empty = replace(selection(NEWER, observed=False), image=replace(NEWER.images[0], digest="", tag=""))

    assert "selects nothing that can be read" in decided(world(pinned(NEWER, empty))).because


@pytest.mark.parametrize(
    ("form", "rights", "way"),
    [
        ({}, None, "commit"),
        ({}, MAY_NOT, "merge_request"),
        ({"rollback": {"way": "merge_request"}}, None, "merge_request"),
        ({"rollback": {"way": "person", "people": ["maintainer"]}}, None, "merge_request"),
        ({"mode": "propose"}, None, "merge_request"),
    ],
)
def test_the_way_is_what_policy_and_rights_leave(form: dict[str, object], rights: Rights | None, way: str) -> None:
    memory = world(pinned(), policy=policy_of(staging={**FORM, **form}))
    memory.known_rights = rights or memory.known_rights

    assert only(decided(memory), LiftPin).way == way


@pytest.mark.parametrize("muted", ["observe", "stranger"])
def test_where_only_observing_is_allowed_no_pin_is_lifted(muted: str) -> None:
    memory = world(pinned(), policy=policy_of(staging={**FORM, "mode": "observe"} if muted == "observe" else FORM))
    memory = memory if muted == "observe" else replace(memory, adopted=STRANGER)

    decision = decided(memory)

    assert (decision.kind, decision.actions) == ("would", ())


@pytest.mark.parametrize(
    ("here", "because"),
    [
        (replace(pinned(), pin=None), "no pin is set in staging"),
        (pinned(OLD), "staging is pinned at 1.0.0 until a newer release than 1.1.0 comes"),
        (replace(pinned(), denials=(denial_of(NEWER),)), "the pin of staging stays: 1.2.0 is denied there"),
        (replace(pinned(NEW), denials=()), "the pin of staging stays: 1.1.0 is not newer than 1.1.0"),
        (pinned(release("1.0.5")), "the pin of staging stays: 1.0.5 is not newer than 1.1.0"),
    ],
)
def test_what_may_not_lift_the_pin_leaves_it(here: EnvironmentSeen, because: str) -> None:
    decision = decided(world(here))

    assert (decision.kind, decision.actions) == ("skip", ())
    assert decision.because.startswith(because)


def test_the_release_itself_lifts_the_pin_once_a_person_allowed_it() -> None:
    allowed = replace(GONE, asked_again_at=NOW)
    again = promotion(STAGING, NEW, "merging", attempt=1, opened_at=NOW)
    here = replace(pinned(NEW, selection(NEW)), denials=())

    assert only(decided(world(here, again, allowed, BEFORE)), LiftPin).release == NEW


def test_what_was_allowed_before_the_pin_was_set_does_not_lift_it() -> None:
    taken_back_again = promotion(STAGING, NEW, "rolled_back", attempt=1)
    allowed_before = replace(GONE, asked_again_at=PIN.since - timedelta(hours=1))
    by_hand = promotion(STAGING, NEW, "bypassed", attempt=2, opened_at=NOW)
    here = replace(pinned(NEW, selection(NEW)), denials=())

    decision = decided(world(here, by_hand, taken_back_again, allowed_before, BEFORE))

    assert (decision.kind, decision.actions) == ("skip", ())
    assert decision.because.startswith("the pin of staging stays: 1.1.0 is not newer than 1.1.0")


def test_where_the_merge_request_removes_the_pin_nothing_is_needed() -> None:
    decision = decided(world(pinned(), policy=policy_of()))

    assert (decision.kind, decision.actions) == ("skip", ())
    assert decision.because == "the merge request that brings 1.2.0 into staging removes the pin itself"


def by_merge_request(memory: Memory) -> LiftPin:
    """The lifting where main is protected."""
    memory.known_rights = MAY_NOT
    return only(decided(memory), LiftPin)


def test_a_lifting_by_merge_request_is_merged_as_soon_as_gitlab_allows() -> None:
    memory = world(pinned())
    change = by_merge_request(memory)
    memory.effects[change.effect_key] = digest(change)
    memory.rollback_requests[STAGING] = merge_request(NEWER, iid=9, status="checking")

    checking = decided(memory)
    memory.rollback_requests[STAGING] = merge_request(NEWER, iid=9)
    merged = only(decided(memory), MergeRollback)

    assert (checking.kind, checking.actions) == ("wait", ())
    assert (merged.merge_request, merged.sha, merged.release) == (9, "e" * 40, NEWER)


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ({"mode": "propose"}, {}),
        ({"rollback": {"way": "person", "people": ["maintainer"]}}, {}),
        ({}, {"ours": False}),
        ({}, {"draft": True}),
    ],
)
def test_a_person_merges_where_it_is_theirs(form: dict[str, object], changes: dict[str, object]) -> None:
    memory = world(pinned(), policy=policy_of(staging={**FORM, **form}))
    change = by_merge_request(memory)
    memory.effects[change.effect_key] = digest(change)
    memory.rollback_requests[STAGING] = merge_request(NEWER, **changes)

    assert (decided(memory).kind, decided(memory).actions) == ("wait", ())


def test_a_branch_that_cannot_be_merged_is_built_anew() -> None:
    memory = world(pinned())
    change = by_merge_request(memory)
    memory.effects[change.effect_key] = digest(change)
    memory.rollback_requests[STAGING] = merge_request(NEWER, status="conflict")

    assert only(decided(memory), LiftPin) == change


def test_a_lifting_that_was_written_is_not_written_again() -> None:
    memory = world(pinned())
    change = only(decided(memory), LiftPin)
    memory.effects[change.effect_key] = digest(change)

    decision = decided(memory)

    assert (decision.kind, decision.actions) == ("wait", ())


releases = st.sampled_from([OLD, NEW, NEWER])
selections = st.lists(st.builds(selection, releases, observed=st.booleans()), max_size=3)


@given(releases, selections, st.lists(releases, max_size=2), st.booleans())
def test_a_pin_never_goes_while_flux_could_write_anything_else(
    declared: Release, selected: list[SelectionSeen], denied: list[Release], allowed: bool
) -> None:
    here = replace(pinned(declared), selections=tuple(selected), denials=tuple(map(denial_of, denied)))
    gone = replace(GONE, asked_again_at=NOW if allowed else None)

    decision = decided(world(here, gone, BEFORE))

    for lifted in of_type(decision, LiftPin):
        assert lifted.release == declared
        assert declared not in denied
        assert declared == NEWER or (declared == NEW and allowed)
        assert all(s.observed and s.image.digest == declared.images[0].digest for s in selected)
        assert selected
