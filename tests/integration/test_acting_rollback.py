"""A release is taken back on a real Git server: one commit says everything, and saying it twice says it once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from acting_cases import DENIALS, FAILED_AT, KEY, MARKER, PIN, PINNED, POSITION, RELEASE, Stage, failure, open_stage

from bot.actions import MergeRollback
from bot.clients.git import Fence
from bot.clients.git.commits import EFFECT_TRAILER
from bot.errors import PermanentError, StaleError
from bot.journal.commands import Order
from bot.releases import Image


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as made:
        yield made


async def test_one_commit_takes_back_pins_and_denies(stage: Stage) -> None:
    before = await stage.head()

    outcome = await stage.perform(stage.rollback())

    after = await stage.head()
    commit = await stage.mirror.commit(after)
    assert outcome.effects == (stage.rollback().effect_key,)
    assert commit.parents == (before,)
    assert commit.trailer(EFFECT_TRAILER) == stage.rollback().effect_key
    assert commit.subject == "Roll back shop 1.1.0 to 1.0.0 in production"
    assert await stage.mirror.changed_paths(before, after) == tuple(sorted((DENIALS, PIN, RELEASE, POSITION)))
    assert await stage.declared() == "1.0.0"
    assert await stage.text(POSITION) == stage.position("1.0.0")


async def test_the_commit_is_dated_by_the_failure_where_the_base_is_older(stage: Stage) -> None:
    base = await stage.mirror.commit(await stage.head())
    later = base.when + timedelta(minutes=5)
    wanted = stage.rollback()

    await stage.perform(replace(wanted, failure=replace(wanted.failure, at=later)))

    assert (await stage.mirror.commit(await stage.head())).when == later


async def test_the_pin_says_what_stays_and_why(stage: Stage) -> None:
    await stage.perform(stage.rollback())

    pin = await stage.pin()

    assert pin is not None
    assert (pin.release.id, pin.instead_of.id) == (stage.release("1.0.0").id, stage.release("1.1.0").id)
    assert (pin.failure, pin.since, pin.by) == ("measured", FAILED_AT, "sluice")
    assert pin.because == "the canary of 1.1.0 failed in production"


async def test_the_denial_names_the_bad_digest_alone(stage: Stage) -> None:
    await stage.perform(stage.rollback())

    (denial,) = await stage.denials()

    (bad,) = stage.release("1.1.0").images
    assert (denial.image.digest, denial.image.tag, denial.version) == (bad.digest, "1.1.0-prod", "1.1.0")
    assert (denial.since, denial.incident) == (FAILED_AT, "production/shop/1.1.0")


async def test_an_image_that_both_releases_share_is_not_denied(stage: Stage) -> None:
    shared = Image(name=f"{stage.image}-proxy", digest=f"sha256:{'a' * 64}", tag="1")
    bad, good = stage.release("1.1.0"), stage.release("1.0.0")
    both = [replace(one, images=(*one.images, shared)) for one in (bad, good)]
    stage.releases.update({"1.1.0": both[0], "1.0.0": both[1]})
    await stage.declare("1.1.0")

    await stage.perform(stage.rollback())

    assert {denial.image.digest for denial in await stage.denials()} == {bad.images[0].digest}


async def test_what_was_not_measured_is_not_denied(stage: Stage) -> None:
    await stage.perform(stage.rollback(deny=False, failure=failure(kind="no-data")))

    assert await stage.denials() == ()
    assert await stage.declared() == "1.0.0"
    pin = await stage.pin()
    assert pin is not None
    assert pin.failure == "no-data"


async def test_a_second_failure_is_denied_beside_the_first(stage: Stage) -> None:
    await stage.perform(stage.rollback())
    await stage.declare("1.2.0")

    await stage.perform(stage.rollback("1.2.0"))

    assert {denial.version for denial in await stage.denials()} == {"1.1.0", "1.2.0"}


async def test_image_automation_is_kept_from_a_pinned_line(stage: Stage) -> None:
    stage.learn(delivery="image_automation")
    await stage.declare("1.1.0", marker=MARKER)

    await stage.perform(stage.rollback())

    assert await stage.text(POSITION) == stage.position("1.0.0", PINNED)


async def test_a_rollback_done_already_writes_nothing(stage: Stage) -> None:
    await stage.perform(stage.rollback())
    landed = await stage.head()

    again = await stage.perform(stage.rollback())
    later = await stage.perform(stage.rollback(failure=failure(at=FAILED_AT.replace(hour=13))))

    assert (again.effects, later.effects) == ((), ())
    assert await stage.head() == landed


async def test_what_image_automation_wrote_over_a_rollback_is_restored(stage: Stage) -> None:
    stage.learn(delivery="image_automation")
    await stage.declare("1.1.0", marker=MARKER)
    await stage.perform(stage.rollback())
    denied = await stage.denials()
    await stage.commit({POSITION: stage.position("1.1.0", MARKER)}, "Update images")
    written = await stage.head()
    again = stage.rollback(failure=failure(at=FAILED_AT.replace(hour=13), cause="automation"))

    outcomes = [await stage.perform(again) for _ in range(3)]

    after = await stage.head()
    pin = await stage.pin()
    assert [outcome.effects for outcome in outcomes] == [(again.effect_key,), (), ()]
    assert (await stage.mirror.commit(after)).parents == (written,)
    assert await stage.text(POSITION) == stage.position("1.0.0", PINNED)
    assert await stage.denials() == denied
    assert pin is not None
    assert pin.since == FAILED_AT.replace(hour=13)


async def test_a_rollback_that_was_lifted_since_is_not_made_again(stage: Stage) -> None:
    await stage.perform(stage.rollback())
    await stage.declare("1.1.0")

    again = await stage.perform(stage.rollback())

    assert again.effects == ()
    assert await stage.declared() == "1.1.0"


async def test_a_release_that_git_no_longer_declares_is_not_taken_back(stage: Stage) -> None:
    await stage.declare("1.2.0")
    before = await stage.head()

    with pytest.raises(StaleError, match=r"declares shop 1\.2\.0"):
        await stage.perform(stage.rollback())

    assert await stage.head() == before


async def test_a_release_that_went_past_the_release_file_is_taken_back(stage: Stage) -> None:
    await stage.declare("1.0.0")
    await stage.commit({POSITION: stage.position("1.1.0")}, "Go past the gates")

    await stage.perform(stage.rollback())

    assert await stage.text(POSITION) == stage.position("1.0.0")
    assert await stage.pin() is not None


async def test_a_closed_default_branch_makes_it_a_merge_request(stage: Stage) -> None:
    stage.close_main()
    before = await stage.head()

    outcome = await stage.perform(stage.rollback())
    again = await stage.perform(stage.rollback())

    (request,) = stage.requests()
    assert (outcome.effects, again.effects) == ((stage.rollback().effect_key,), ())
    assert await stage.head() == before
    assert (request.source_branch, request.title) == (
        "sluice-rollback/production/shop",
        "Roll back shop 1.1.0 to 1.0.0 in production",
    )
    assert await stage.declared("sluice-rollback/production/shop") == "1.0.0"
    assert sorted(request.labels) == ["environment: production", "rollback", "sluice"]


async def test_the_merge_request_tells_what_a_person_needs(stage: Stage) -> None:
    await stage.perform(stage.rollback(way="merge_request", people=("operator",)))

    (request,) = stage.requests()
    for words in (
        "goes back from **1.1.0** to **1.0.0** in **production**",
        "its canary failed on 2026-11-01 12:00 UTC: success rate 50.00",
        "It was measured to be bad.",
        stage.release("1.1.0").images[0].digest,
        '`sluice allow shop production 1.1.0 --reason "…"`',
        "**@operator:** only a person may merge this.",
    ):
        assert words in request.description


async def test_nobody_is_mentioned_while_sluice_merges_by_itself(stage: Stage) -> None:
    await stage.perform(stage.rollback(way="merge_request"))

    (request,) = stage.requests()
    assert "**@" not in request.description
    assert "Sluice merges this by itself" in request.description


async def test_another_change_on_the_default_branch_builds_nothing_anew(stage: Stage) -> None:
    wanted = stage.rollback(way="merge_request")
    await stage.perform(wanted)
    (request,) = stage.requests()
    before = request.head_sha
    await stage.commit({"docs/other.md": "another team's"}, "Write docs")

    again = await stage.perform(wanted)

    assert again.effects == ()
    assert request.head_sha == before


async def test_a_change_of_the_same_line_builds_the_branch_anew(stage: Stage) -> None:
    wanted = stage.rollback(way="merge_request")
    await stage.perform(wanted)
    await stage.commit({POSITION: stage.position("1.1.0", more="# a new last line\n")}, "Add a line")

    await stage.perform(wanted)

    branch = "sluice-rollback/production/shop"
    assert await stage.text(POSITION, branch) == stage.position("1.0.0", more="# a new last line\n")
    assert await stage.mirror.contains("main", branch)


async def test_a_persons_commit_on_the_branch_is_kept(stage: Stage) -> None:
    wanted = stage.rollback(way="merge_request")
    await stage.perform(wanted)
    theirs = await stage.commit({"note.txt": "wait"}, "Wait", branch="sluice-rollback/production/shop")

    with pytest.raises(StaleError, match="a person committed"):
        await stage.perform(wanted)

    await stage.mirror.fetch()
    assert await stage.mirror.head("sluice-rollback/production/shop") == theirs


async def test_the_rollbacks_merge_request_is_merged_at_its_head(stage: Stage) -> None:
    await stage.perform(stage.rollback(way="merge_request"))
    (request,) = stage.requests()
    wanted = MergeRollback(
        key=stage.rollback().key,
        merge_request=request.iid,
        sha=request.head_sha,
        release=stage.release("1.1.0"),
        because="the canary of 1.1.0 failed",
    )

    merged = await stage.insist(wanted)
    again = await stage.insist(wanted)

    assert (merged.effects, again.effects) == ((wanted.effect_key,), ())
    assert await stage.declared() == "1.0.0"
    assert (await stage.perform(stage.rollback())).effects == ()


async def test_a_rollback_that_loses_the_race_overwrites_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    push, raced = stage.mirror.push_default, False

    async def late(sha: str, branch: str, *, expected_parent: str, fence: Fence) -> bool:
        nonlocal raced
        if not raced:
            raced = True
            await stage.commit({"docs/other.md": "first"}, "Be first")
        return await push(sha, branch, expected_parent=expected_parent, fence=fence)

    monkeypatch.setattr(stage.mirror, "push_default", late)

    with pytest.raises(StaleError, match="the branch has moved"):
        await stage.perform(stage.rollback())
    await stage.perform(stage.rollback())

    assert await stage.text("docs/other.md") == "first"
    assert await stage.declared() == "1.0.0"


async def test_a_branch_that_opens_again_leaves_no_merge_request_behind(stage: Stage) -> None:
    await stage.perform(stage.rollback(way="merge_request"))
    await stage.commit({"docs/other.md": "another team's"}, "Write docs")

    await stage.perform(stage.rollback())

    (request,) = stage.requests()
    assert request.state == "closed"
    assert await stage.declared() == "1.0.0"


async def test_a_rollback_that_cannot_be_written_pages_a_person(stage: Stage) -> None:
    stage.learn(more=", rollback: {people: [maintainer]}")
    await stage.commit({POSITION: "resources: [../base]\n"}, "Move the image elsewhere")

    for _ in range(2):
        with pytest.raises(PermanentError, match=POSITION):
            await stage.perform(stage.rollback())

    (issue,) = stage.config.issues.values()
    assert issue.title == "shop 1.1.0 failed in production: a person decides"
    assert "that could not be written" in issue.description
    assert "kustomization.yaml" in issue.description
    assert "@maintainer: please look." in issue.description
    assert await stage.declared() == "1.1.0"


async def test_who_asked_for_a_rollback_that_cannot_be_written_is_answered(stage: Stage) -> None:
    await stage.commit({POSITION: "resources: [../base]\n"}, "Move the image elsewhere")
    number = await ask(stage)
    (request,) = await stage.journal.requests(KEY)

    with pytest.raises(PermanentError, match=POSITION):
        await stage.perform(stage.rollback(failure=failure(cause="person", at=request.at)))

    answer = await stage.journal.command(number)
    assert (answer.state, await stage.journal.requests(KEY)) == ("refused", ())
    assert answer.because.startswith("1.1.0 is not taken back: that could not be written: ")
    assert POSITION in answer.because


async def test_a_request_is_answered_although_issues_are_switched_off(stage: Stage) -> None:
    stage.config.issues_enabled = False
    await stage.commit({POSITION: "resources: [../base]\n"}, "Move the image elsewhere")
    number = await ask(stage)
    (request,) = await stage.journal.requests(KEY)

    with pytest.raises(PermanentError, match=POSITION):
        await stage.perform(stage.rollback(failure=failure(cause="person", at=request.at)))

    assert (await stage.journal.command(number)).state == "refused"


async def test_another_request_than_the_one_that_failed_stays_open(stage: Stage) -> None:
    await stage.commit({POSITION: "resources: [../base]\n"}, "Move the image elsewhere")
    await ask(stage)
    before = await stage.journal.requests(KEY)

    with pytest.raises(PermanentError, match=POSITION):
        await stage.perform(stage.rollback())

    assert await stage.journal.requests(KEY) == before


async def ask(stage: Stage) -> str:
    """A maintainer asks for the rollback of what production declares."""
    order = Order(
        kind="rollback",
        principal="maintainer",
        door="api",
        text="rollback shop production",
        bound_to=str(KEY),
        key=KEY,
        arguments={"reason": "orders are lost"},
    )
    return await stage.journal.ask(order, "the next look decides")
