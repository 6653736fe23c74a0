"""The bot goes as far as it may: nothing before it is adopted or where it observes, and no merge where it proposes."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from running import Running, running, until
from running_promotions import (
    Found,
    merge,
    merge_request,
    release,
    to_production,
    until_quiet,
    until_ready,
    until_told,
    writes_of_bot,
)

EVENTS = 300


@pytest.mark.parametrize("reason", ["not adopted", "mode observe"])
async def test_a_bot_that_may_only_observe_writes_nothing_to_gitlab(tmp_path: Path, reason: str) -> None:
    async with running(tmp_path) as world:
        if reason == "mode observe":
            await set_mode(world, "observe")
            await world.adopt()
        await until_known(world, "1.0.0")
        await until_quiet(world)
        world.sandbox.gitlab.reset_counters()

        await release(world, "1.1.0")
        await until_known(world, "1.1.0")
        await world.app.machine.resync.look_at_configurations()
        await world.app.machine.resync.sweep()
        await until_quiet(world)

        assert [(one.method, one.raw_path) for one in writes_of_bot(world)] == []
        why = await world.api("why?tenant=demo&application=demo-service&environment=staging")
        (promotion,) = [one for one in why["explained"] if one["rule"] == "promotion"]
        assert promotion["kind"] == "would"
        assert "would promote 1.1.0" in promotion["because"]


async def test_mode_propose_opens_the_merge_request_and_leaves_the_merge_to_people(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await set_mode(world, "propose")
        await world.adopt()
        commit = await release(world, "1.1.0")

        request = await until_ready(world, "staging")
        await until_quiet(world, seconds=3.0)
        still = await merge_request(world, "staging", "opened")
        assert still is not None
        assert still["iid"] == request["iid"]

        await merge(world, request)
        await until_told(world, commit, "staging")
        assert [one.raw_path for one in writes_of_bot(world) if one.raw_path.endswith("/merge")] == []


async def test_repeated_flux_events_cost_no_write(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        commit = await release(world, "1.1.0")
        await to_production(world, commit)
        await until_quiet(world)
        before, received = len(writes_of_bot(world)), await received_by(world)
        revision = await world.gitlab(f"projects/{world.config}/repository/branches/main")

        for number in range(EVENTS):
            await say_reconciled(world, str(revision["commit"]["id"]), number)

        async def digested() -> bool:
            status = await world.api("status")
            return await received_by(world) >= received + EVENTS and not status["deliveries"].get("received")

        await until(digested, "every event is digested")
        await until_quiet(world)
        assert len(writes_of_bot(world)) - before == 0
        assert await dead(world) == 0


async def set_mode(world: Running, mode: str) -> None:
    """The maintainer changes the tenant's policy."""
    sandbox, path = world.sandbox, ".sluice%2Fpolicy.yaml"
    found = await world.gitlab(f"projects/{world.config}/repository/files/{path}?ref=main")
    text = base64.b64decode(found["content"]).decode()
    changed = text.replace("mode: act", f"mode: {mode}")
    assert changed != text
    await sandbox.gitlab.commit_files(
        sandbox.config_project, "main", {".sluice/policy.yaml": changed}, f"Let it {mode}", sandbox.people.maintainer
    )

    async def followed() -> bool:
        return {one["mode"] for one in (await world.api("status"))["environments"]} == {mode}

    await until(followed, f"the policy says {mode}")


async def until_known(world: Running, version: str) -> None:
    """Wait until the bot has seen this version healthy in dev, and everything else healthy too."""

    async def known() -> bool:
        found: list[Found] = (await world.api("status"))["environments"]
        running_in = {one["environment"]: one["running"] for one in found if one["health"] == "healthy"}
        return len(running_in) == 3 and running_in["dev"] == version

    await until(known, f"{version} is known to be healthy in dev")


async def say_reconciled(world: Running, revision: str, number: int) -> None:
    """What Flux says each time it has reconciled: the same once more, at another time and in slightly other words."""
    body: dict[str, Any] = {
        "involvedObject": {
            "kind": "Kustomization",
            "namespace": "flux-system",
            "name": "demo-service-production",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        },
        "severity": "info",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "message": f"Reconciliation finished in {number}ms, next run in 10m0s",
        "reason": "ReconciliationSucceeded",
        "metadata": {"revision": f"main@sha1:{revision}", "environment": "production", "cluster": "demo"},
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-0",
    }
    raw = json.dumps(body).encode()
    signature = hmac.new(str(world.facts["flux_secret"]).encode(), raw, hashlib.sha256).hexdigest()
    headers = {"X-Signature": f"sha256={signature}", "Content-Type": "application/json"}
    url = f"{world.app.url}/hooks/flux/{world.facts['cluster']}"
    async with world.session.post(url, data=raw, headers=headers) as answer:
        assert answer.status == 202


async def received_by(world: Running) -> int:
    """How many deliveries the bot has stored."""
    counts: dict[str, int] = (await world.api("status"))["deliveries"]
    return sum(counts.values())


async def dead(world: Running) -> int:
    """How much work was given up."""
    return int((await world.api("status"))["dead_work"])
