"""The journal's memory on both databases: what is kept reads back equal, and keeping twice is keeping once."""

from dataclasses import replace
from datetime import timedelta

from journal_cases import (
    CART,
    SHOP,
    START,
    clock,
    journal,
    journal_url,
    migrated_database,
    migrated_file,
    take_one,
)

from bot.actions import (
    LearnConfiguration,
    RecordEnvironment,
    RecordPromotion,
    RecordRelease,
    RecordSource,
)
from bot.clock import FixedClock
from bot.journal import Journal
from bot.keys import ConfigKey, EnvironmentKey, SourceKey
from bot.records import Carried, EnvironmentState, MergeRequestMark, Promotion, ReleaseRecord, SourceState
from bot.releases import Image, Release

__all__ = ["clock", "journal", "journal_url", "migrated_database", "migrated_file"]

STAGING = EnvironmentKey("acme", "shop", "staging")
KUSTOMIZATION = SourceKey("east", "flux-system", "shop")
RELEASE = Release(
    application="shop",
    images=(Image(name="registry.example/shop", digest="sha256:" + "a" * 64, tag="1.2.3"),),
    version="1.2.3",
    commit="c" * 40,
)
KNOWN = ReleaseRecord(release=RELEASE, first_seen=START)
PROMOTION = Promotion(
    id="acme/shop@staging#1",
    key=STAGING,
    release=RELEASE,
    state="waiting",
    because="waits for dev",
    opened_at=START,
    updated_at=START,
)
STATE = EnvironmentState(
    key=STAGING,
    cluster="east",
    release_id=RELEASE.id,
    version="1.2.3",
    revision="d" * 40,
    health="healthy",
    ever_healthy=True,
    because="the Kustomization is ready",
    since=START,
)
CARRIED = SourceState(
    carried=(
        Carried(application="shop", environment="staging", tenant="acme", images=("shop@sha256:a",), health="healthy"),
    )
)
LEARNT = LearnConfiguration(
    key=ConfigKey("acme"),
    head="e" * 40,
    policy='{"environments":{}}',
    merge_requests=(MergeRequestMark(iid=7, branch="sluice/staging/shop", updated_at="2026-03-02T09:00:00Z"),),
    install="",
    fault="",
)


async def test_release_reads_back_equal_and_newest_first(journal: Journal) -> None:
    newer = replace(KNOWN, release=replace(RELEASE, images=(), version="1.3.0"), first_seen=START + timedelta(hours=1))
    await journal.save_release(SHOP, KNOWN)
    await journal.save_release(SHOP, newer)

    assert await journal.releases(SHOP) == (newer, KNOWN)
    assert await journal.releases(CART) == ()


async def test_release_seen_again_keeps_its_first_sight(journal: Journal) -> None:
    await journal.save_release(SHOP, replace(KNOWN, baseline=True, release=replace(RELEASE, commit="")))

    await journal.save_release(SHOP, replace(KNOWN, first_seen=START + timedelta(days=1), tag_moved=True))

    assert await journal.releases(SHOP) == (replace(KNOWN, baseline=True, tag_moved=True),)


async def test_promotion_reads_back_equal_and_moves_in_place(journal: Journal) -> None:
    moved = replace(
        PROMOTION,
        state="done",
        because="healthy in east",
        updated_at=START + timedelta(hours=1),
        merge_request=7,
        merged_revision="f" * 40,
        healthy_at=START + timedelta(minutes=50),
    )
    await journal.save_promotion(PROMOTION)
    before = await journal.promotion(PROMOTION.id)

    await journal.save_promotion(moved)

    assert before == PROMOTION
    assert await journal.promotions(SHOP) == (moved,)
    assert await journal.promotion_of("acme", 7) == moved
    assert await journal.promotion_of("other", 7) is None
    assert await journal.promotion("unknown") is None


async def test_builds_of_one_environment_never_hide_what_was_healthy_in_another(journal: Journal) -> None:
    healthy = replace(PROMOTION, state="done", healthy_at=START)
    await journal.save_promotion(healthy)
    await journal.save_environment_state(STATE)
    dev = replace(STAGING, environment="dev")
    later = [START + timedelta(hours=hour) for hour in range(1, 121)]
    for number, at in enumerate(later):
        await journal.save_promotion(replace(PROMOTION, id=f"dev-{number}", key=dev, opened_at=at, updated_at=at))
    for number, at in enumerate(later):
        overtaken = replace(PROMOTION, id=f"waited-{number}", state="superseded", opened_at=at, updated_at=at)
        await journal.save_promotion(overtaken)

    found = await journal.promotions(SHOP)

    assert healthy in found
    assert len(found) == 101
    assert list(found) == sorted(found, key=lambda one: (one.opened_at, one.id), reverse=True)


async def test_environment_state_is_kept_for_each_cluster(journal: Journal) -> None:
    west = replace(STATE, cluster="west", health="unknown", ever_healthy=False)
    for state in (STATE, west, replace(STATE, health="failed")):
        await journal.save_environment_state(state)

    assert await journal.environment_states(SHOP) == (replace(STATE, health="failed"), west)
    await journal.forget_environment_state(STAGING, "west")
    assert await journal.environment_states(SHOP) == (replace(STATE, health="failed"),)


async def test_source_is_unknown_at_first_sight_and_then_as_last_seen(journal: Journal) -> None:
    first_sight = await journal.source(KUSTOMIZATION)
    await journal.save_source(KUSTOMIZATION, SourceState(carried=()))

    await journal.save_source(KUSTOMIZATION, CARRIED)

    assert first_sight is None
    assert await journal.source(KUSTOMIZATION) == CARRIED


async def test_baseline_keeps_its_first_moment(journal: Journal, clock: FixedClock) -> None:
    await journal.save_baseline(SHOP)
    clock.at += timedelta(days=1)

    await journal.save_baseline(SHOP)

    assert await journal.baseline(SHOP) == START
    assert await journal.baseline(CART) is None


async def test_configuration_is_remembered_with_its_policy(journal: Journal) -> None:
    await journal.learn_configuration(LEARNT)

    tenant = await journal.tenant("acme")

    assert tenant is not None
    assert (tenant.head, tenant.merge_requests, tenant.seen_at) == (LEARNT.head, LEARNT.merge_requests, START)
    assert await journal.document(tenant.policy_sha) == LEARNT.policy.encode()
    assert await journal.tenants() == [tenant]


async def test_faulty_policy_keeps_the_last_good_one(journal: Journal) -> None:
    await journal.learn_configuration(LEARNT)
    good = await journal.tenant("acme")

    await journal.learn_configuration(replace(LEARNT, head="f" * 40, policy="", fault="policy.yaml:3: no such gate"))

    tenant = await journal.tenant("acme")
    assert good is not None
    assert tenant is not None
    assert (tenant.policy_sha, tenant.fault) == (good.policy_sha, "policy.yaml:3: no such gate")


async def test_adoption_is_asked_for_and_ends_when_the_install_file_names_this_journal(
    journal: Journal, clock: FixedClock
) -> None:
    await journal.ask_adoption("acme", "maintainer")
    await journal.learn_configuration(LEARNT)
    asked = await journal.tenant("acme")
    clock.at += timedelta(minutes=1)

    await journal.learn_configuration(replace(LEARNT, install=journal.installation_id))
    await journal.learn_configuration(replace(LEARNT, install=journal.installation_id, head="f" * 40))

    adopted = await journal.tenant("acme")
    assert asked is not None
    assert adopted is not None
    assert (asked.adoption_asked_by, asked.adopted_at) == ("maintainer", None)
    assert (adopted.adoption_asked_by, adopted.adopted_at) == ("", START + timedelta(minutes=1))


async def test_repository_adopted_by_another_journal_is_no_longer_ours(journal: Journal) -> None:
    await journal.learn_configuration(replace(LEARNT, install=journal.installation_id))

    await journal.learn_configuration(replace(LEARNT, install="another"))

    tenant = await journal.tenant("acme")
    assert tenant is not None
    assert (tenant.install, tenant.adopted_at) == ("another", None)


async def test_every_kind_of_record_is_kept_with_its_run(journal: Journal) -> None:
    await journal.dirty([SHOP], because="resync")

    await journal.record_run(
        await take_one(journal),
        handler="promotion",
        subject=SHOP,
        facts=b"{}",
        policy=b"{}",
        now=START,
        decision=b"{}",
        outcome="act",
        because="first sight",
        records=(
            RecordRelease(key=SHOP, record=KNOWN),
            RecordPromotion(promotion=PROMOTION),
            RecordEnvironment(state=STATE),
            RecordSource(key=KUSTOMIZATION, state=CARRIED),
            LEARNT,
        ),
    )

    assert await journal.releases(SHOP) == (KNOWN,)
    assert await journal.promotions(SHOP) == (PROMOTION,)
    assert await journal.environment_states(SHOP) == (STATE,)
    assert await journal.source(KUSTOMIZATION) == CARRIED
    assert [tenant.head for tenant in await journal.tenants()] == [LEARNT.head]
