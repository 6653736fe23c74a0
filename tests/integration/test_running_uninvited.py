"""What somebody writes into production beside its release file goes back: once for each commit, and never in a loop."""

from pathlib import Path

from running import Running, running, until
from running_promotions import doubled, release, until_quiet, until_told
from running_rollbacks import canary_will, file, incidents, into_production, production, rewrite, until_taken_back

POSITION = "apps/demo-service/production/kustomization.yaml"
CANARY = "apps/demo-service/production/canary.yaml"


async def rollbacks(world: Running) -> list[str]:
    """The messages of our rollbacks on main, newest first."""
    commits = await world.gitlab(f"projects/{world.config}/repository/commits?ref_name=main&per_page=100")
    return [one["message"] for one in commits if "Sluice-Effect: rollback:" in one["message"]]


async def test_what_is_written_over_a_rollback_is_restored_once_for_each_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await canary_will(world, "fail")
        await until_taken_back(world, await into_production(world, "1.1.0"), "1.0.0")
        await until_quiet(world)

        for times in (2, 3):
            await rewrite(world, POSITION, "1.0.0-prod", "1.1.0-prod")

            async def restored(times: int = times) -> bool:
                return len(await rollbacks(world)) == times and (await production(world)).tag == "1.0.0-prod"

            await until(restored, f"rollback number {times}")
            await until_quiet(world)
            await world.control("registry/rescan", times=20)
            await until_quiet(world)
            assert len(await rollbacks(world)) == times

        there = await production(world)
        assert (there.release.version, there.tag) == ("1.0.0", "1.0.0-prod")
        assert there.marker == '{"$sluice-pinned": "flux-system:demo-service-production:tag"}'
        assert there.denials.count("1.1.0-prod") == 1
        assert len(await incidents(world)) == 1
        assert doubled(world) == {}


async def test_a_tag_placed_by_hand_that_fails_its_canary_is_taken_back(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await ask_nobody_before_a_rollout(world)
        await canary_will(world, "fail")
        await until_told(world, await release(world, "1.1.0"), "staging")
        digest = world.sandbox.registry.digest_of("demo/demo-service", "1.1.0")
        assert digest is not None

        world.sandbox.registry.tag("demo/demo-service", "1.1.0-prod", digest)
        await world.control("registry/rescan", times=1)

        async def taken_back() -> bool:
            there = await production(world)
            return bool(there.pin) and digest in there.denials and len(await incidents(world)) == 1

        await until(taken_back, "what no release file declared is taken back")
        await until_quiet(world)
        there = await production(world)
        assert (there.release.version, there.tag) == ("1.0.0", "1.0.0-prod")
        assert there.marker.startswith('{"$sluice-pinned"')
        assert len(await rollbacks(world)) == 1
        assert doubled(world) == {}


async def ask_nobody_before_a_rollout(world: Running) -> None:
    """Flagger begins without asking: a canary that asks never begins with what Git does not declare."""
    text = await file(world, CANARY) or ""
    begins, item = text.index("      - name: sluice-confirm-rollout\n"), "      - name: "
    ends = text.index(item, begins + len(item))
    await rewrite(world, CANARY, text[begins:ends], "")
