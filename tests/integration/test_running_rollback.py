"""A release whose canary fails is taken back in Git in one commit, everybody is told, and it stays back."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from running import Running, running, until
from running_promotions import doubled, merge, release, to_production, until_quiet, until_ready, until_told
from running_rollbacks import (
    canary_will,
    command,
    incidents,
    into_production,
    production,
    record,
    rewrite,
    serving,
    until_failed,
    until_taken_back,
)

from bot.demo.history import repromotions_of_denied
from bot.demo.witness import Witness
from bot.sandbox.gitlab import AccessLevel

POSITION = "apps/demo-service/production/kustomization.yaml"
Disturb = Callable[[Running], Awaitable[None]]
SOON: dict[str, Any] = {"resync_every": "1s", "sweep_every": "1s"}


async def failed_canary(world: Running, outcome: str = "fail", before: Disturb | None = None) -> str:
    """Release 1.1.0 fails in production; its commit. before: what is changed once the bot was adopted."""
    await world.adopt()
    if before is not None:
        await before(world)
    await canary_will(world, outcome)
    return await into_production(world, "1.1.0")


async def test_failed_canary_is_taken_back_in_one_commit(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        before = (await production(world)).release
        commit = await failed_canary(world)

        incident = await until_taken_back(world, commit, "1.0.0")
        await until_quiet(world)

        there = await production(world)
        assert (there.release, there.tag) == (before, "1.0.0-prod")
        assert there.marker == '{"$sluice-pinned": "flux-system:demo-service-production:tag"}'
        digest = world.sandbox.registry.digest_of("demo/demo-service", "1.1.0")
        assert digest is not None
        assert digest in there.denials
        assert digest in there.pin
        assert await paths_of_rollback(world) == sorted(
            [record("releases"), record("pins"), record("denials"), POSITION]
        )
        assert "1.1.0" in incident["title"]
        assert doubled(world) == {}


async def paths_of_rollback(world: Running) -> list[str]:
    """What the bot's newest commit on main changed."""
    commits = await world.gitlab(f"projects/{world.config}/repository/commits?ref_name=main&per_page=20")
    ours = next(one for one in commits if "Sluice-Effect: rollback:" in one["message"])
    found = await world.gitlab(f"projects/{world.config}/repository/commits/{ours['id']}/diff")
    return sorted(one["new_path"] for one in found)


async def test_everybody_is_told_of_a_rollback_where_they_look(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        commit = await failed_canary(world)
        await until_taken_back(world, commit, "1.0.0")
        await until_quiet(world)

        requests = await world.merge_requests()
        brought = next(one for one in requests if one["source_branch"] == "sluice/production/demo-service")
        notes = await world.gitlab(f"projects/{world.config}/merge_requests/{brought['iid']}/notes")
        deployments = await world.gitlab(f"projects/{world.application}/deployments?environment=production")
        assert any("1.0.0" in one["body"] and "allow" in one["body"] for one in notes if not one["system"])
        assert [one["status"] for one in deployments if one["sha"] == commit] == ["failed"]
        assert serving(world) == [f"{world.sandbox.registry.host}/demo/demo-service:1.0.0-prod"]


async def test_rescans_do_not_bring_a_denied_release_back(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        commit = await failed_canary(world)
        await until_taken_back(world, commit, "1.0.0")

        await world.control("registry/rescan", times=100)
        await until_quiet(world)

        assert (await production(world)).tag == "1.0.0-prod"
        assert await came_again(world, tmp_path) == 0


async def came_again(world: Running, folder: Path) -> int:
    """How often a denied digest or tag came back into Git."""
    return repromotions_of_denied(await Witness(world.facts, world.session, folder).history())


async def test_mended_release_goes_through_and_lifts_the_pin(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        commit = await failed_canary(world)
        await until_taken_back(world, commit, "1.0.0")
        await canary_will(world, "succeed")

        await to_production(world, await release(world, "1.1.1"))

        async def lifted() -> bool:
            there = await production(world)
            return not there.pin and there.marker.startswith('{"$imagepolicy"')

        await until(lifted, "the pin is lifted")
        there = await production(world)
        assert (there.release.version, there.tag) == ("1.1.1", "1.1.1-prod")
        assert there.denials
        assert await came_again(world, tmp_path) == 0


async def test_canary_without_metrics_is_taken_back_and_not_denied(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        commit = await failed_canary(world, outcome="no-data")

        await until_taken_back(world, commit, "1.0.0")

        there = await production(world)
        assert there.denials == ""
        assert "no-data" in there.pin


async def test_rollback_converges_though_every_event_is_dropped(tmp_path: Path) -> None:
    async with running(tmp_path, **SOON) as world:
        await world.control("hooks", target="gitlab", drop_all=True)
        await world.control("hooks", target="flux", drop=1.0)
        await world.control("hooks", target="flagger", drop=True)
        commit = await failed_canary(world)

        await until_taken_back(world, commit, "1.0.0")
        await until_quiet(world)

        assert doubled(world) == {}


@pytest.mark.parametrize("duplicate", ["same-key", "second-hook"])
async def test_rollback_happens_once_though_events_are_doubled_and_shuffled(tmp_path: Path, duplicate: str) -> None:
    async with running(tmp_path) as world:
        await world.control("hooks", target="gitlab", duplicate=duplicate, delay=0.1, shuffle_within=0.5)
        await world.control("hooks", target="flux", duplicate=1.0, delay=0.1, shuffle=3, seed=7)
        commit = await failed_canary(world)

        await until_taken_back(world, commit, "1.0.0")
        await until_quiet(world)

        assert doubled(world) == {}
        assert len(await incidents(world)) == 1


async def test_protected_branch_is_taken_back_by_a_merge_request_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        commit = await failed_canary(world, before=only_maintainers_push)

        await until_taken_back(world, commit, "1.0.0")
        await until_quiet(world)

        requests = await world.merge_requests()
        states = {one["source_branch"]: one["state"] for one in requests}
        assert states["sluice-rollback/production/demo-service"] == "merged"
        assert doubled(world) == {}


async def only_maintainers_push(world: Running) -> None:
    """The bot is a developer, who may merge into main and not push to it."""
    sandbox = world.sandbox
    sandbox.gitlab.add_member(sandbox.config_project, sandbox.people.sluice, AccessLevel.DEVELOPER)
    group = next(iter(sandbox.gitlab.instance.groups.values()))
    sandbox.gitlab.add_member(group, sandbox.people.sluice, AccessLevel.DEVELOPER)
    path = f"projects/{world.config}/protected_branches"
    await world.gitlab(f"{path}/main", method="DELETE")
    await world.gitlab(path, method="POST", name="main", push_access_level=40, merge_access_level=30)


async def test_policy_may_leave_the_rollback_to_a_named_person(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        old, new = "    merge: manual\n", "    merge: manual\n    rollback: {way: person, people: [maintainer]}\n"
        await rewrite(world, ".sluice/policy.yaml", old, new)
        commit = await failed_canary(world)
        await until_failed(world, commit)

        async def asked() -> dict[str, Any] | None:
            found = await world.merge_requests()
            return next((one for one in found if one["source_branch"].startswith("sluice-rollback/")), None)

        request = await until(asked, "a merge request asks for the rollback")
        assert request["state"] == "opened"
        assert "@maintainer" in request["description"]
        await merge(world, request)
        await until_taken_back(world, commit, "1.0.0")


async def test_person_takes_a_healthy_release_back_and_allows_it_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await to_production(world, await release(world, "1.1.0"))

        answer = await command(
            world, "rollbacks", application="demo-service", environment="production", reason="customers complain"
        )
        assert answer["state"] == "done", answer
        there = await production(world)
        assert (there.release.version, there.tag) == ("1.0.0", "1.0.0-prod")
        assert "customers complain" in there.pin

        allowed = await command(
            world,
            "allow",
            application="demo-service",
            environment="production",
            version="1.1.0",
            reason="it was not it",
        )
        assert allowed["state"] == "done", allowed
        await merge(world, await until_ready(world, "production", "1.1.0"))

        async def again() -> bool:
            now = await production(world)
            return (now.release.version, now.tag, now.pin) == ("1.1.0", "1.1.0-prod", "")

        await until(again, "the allowed release is back in production")


async def test_hold_keeps_a_release_waiting_until_it_is_lifted(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        place = {"application": "demo-service", "environment": "production"}
        await world.api("holds", "POST", **place, reason="fair this week")
        commit = await release(world, "1.1.0")
        await until_told(world, commit, "staging")
        await until_quiet(world)

        gates = [
            gate
            for one in (await world.api("why?application=demo-service&environment=production"))["explained"]
            for gate in one["gates"]
        ]
        assert any("fair this week" in gate["because"] for gate in gates if gate["verdict"] != "green")
        assert [one for one in await world.merge_requests() if "/production/" in one["source_branch"]] == []

        await world.api("holds/lift", "POST", **place)
        await until_ready(world, "production", "1.1.0")


async def test_tag_placed_past_the_merge_request_is_called_bypassed(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        commit = await release(world, "1.1.0")
        await until_told(world, commit, "staging")
        digest = world.sandbox.registry.digest_of("demo/demo-service", "1.1.0")
        assert digest is not None

        world.sandbox.registry.tag("demo/demo-service", "1.1.0-prod", digest)
        await world.control("registry/rescan", times=1)

        async def bypassed() -> bool:
            found = await world.api("why?application=demo-service&environment=production")
            return any("bypassed" in one["because"] for one in found["explained"])

        await until(bypassed, "the tag without a merged release file is called bypassed")
