"""A canary of the embedded cluster's Flagger is seen for what it carries and serves, whatever its phase is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from canary_worlds import production_of, rollout_policy
from rule_worlds import IMAGE, release

from bot.clients.kubernetes import Cluster
from bot.looking.canary_truth import Unseen, canary_of, joined, target_images
from bot.looking.flux_health import Judgement
from bot.observing import CanarySeen
from bot.releases import Release
from bot.sandbox.cluster import Cluster as SandboxCluster
from bot.sandbox.cluster import Settings
from bot.sandbox.cluster.access import reader
from bot.sandbox.cluster.kinds import CANARY, DEPLOYMENT
from config.policy import CanaryRef

PRODUCTION = production_of(rollout_policy())
WEB = CanaryRef("shop", "web")
READY = Judgement(health="healthy", because="Kustomization web is ready")
OLD, BAD, FIXED = release("1.0.0"), release("1.1.0"), release("1.1.1")


def template(what: Release) -> dict[str, Any]:
    pods = {"containers": [{"name": "web", "image": f"{IMAGE}:{what.version}"}]}
    return {"metadata": {"labels": {"app": "web"}}, "spec": pods}


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxCluster]:
    """OLD is served, and BAD would fail its analysis."""
    running = SandboxCluster(
        "two",
        tmp_path,
        lambda: datetime.now(UTC),
        users=(reader("t"),),
        pull=lambda image: "sha256:" + "1" * 64,
        settings=Settings(rollout=0.0, stall=0.02, canary_interval=0.02, canary_deadline=5),
    )
    await running.start()
    running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    meta = {"namespace": "shop", "name": "web"}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template(OLD)}
    running.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    metrics = [{"name": "success", "templateRef": {"name": "success"}, "thresholdRange": {"min": 99}}]
    analysis = {"interval": "20ms", "threshold": 2, "iterations": 2, "metrics": metrics}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    canary = {"targetRef": target, "service": {"port": 80}, "analysis": analysis}
    running.put({"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "metadata": meta, "spec": canary})
    running.flagger.outcomes.decide("shop", "web", "fail", image=f"{IMAGE}:{BAD.version}")
    await until(lambda: status(running).get("phase") == "Initialized")
    yield running
    await running.stop()


@pytest.fixture
async def cluster(sandbox: SandboxCluster) -> AsyncIterator[Cluster]:
    made = Cluster("two", sandbox.kubeconfig, "sluice")
    yield made
    await made.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


def status(sandbox: SandboxCluster) -> dict[str, Any]:
    return dict(sandbox.objects.get(CANARY, "shop", "web").get("status") or {})


def apply(sandbox: SandboxCluster, what: Release) -> None:
    live = sandbox.objects.get(DEPLOYMENT, "shop", "web")
    live["spec"]["template"] = template(what)
    sandbox.objects.update(DEPLOYMENT, live)


async def fail(sandbox: SandboxCluster) -> None:
    apply(sandbox, BAD)
    await until(lambda: status(sandbox).get("phase") == "Failed")


async def seen(cluster: Cluster, what: Release) -> CanarySeen:
    found = await canary_of(cluster, WEB, PRODUCTION, what)
    assert not isinstance(found, Unseen)
    return found


async def test_what_was_initialised_serves(cluster: Cluster, sandbox: SandboxCluster) -> None:
    found = await seen(cluster, OLD)

    assert (found.phase, found.carries, found.serves) == ("Initialized", True, True)
    assert await target_images(cluster, WEB) == found.images == (f"{IMAGE}:1.0.0",)
    assert joined(READY, found, OLD).health == "healthy"


async def test_a_promoted_release_serves(cluster: Cluster, sandbox: SandboxCluster) -> None:
    apply(sandbox, FIXED)
    await until(lambda: status(sandbox).get("phase") == "Succeeded")

    found = await seen(cluster, FIXED)

    assert (found.carries, found.serves, joined(READY, found, FIXED).health) == (True, True, "healthy")


async def test_a_failed_release_is_carried_and_does_not_serve_and_flagger_says_why(
    cluster: Cluster, sandbox: SandboxCluster
) -> None:
    await fail(sandbox)

    found = await seen(cluster, BAD)

    assert (found.carries, found.serves) == (True, False)
    assert found.messages[0] == "New revision detected! Scaling up web.shop"
    assert "Halt web.shop advancement success 50.00 < 99" in found.messages
    assert (joined(READY, found, BAD).health, joined(READY, found, BAD).failing) == ("failed", "canary")


async def test_git_gone_back_is_healthy_although_the_phase_stays_failed(
    cluster: Cluster, sandbox: SandboxCluster
) -> None:
    await fail(sandbox)

    apply(sandbox, OLD)
    await until(lambda: status(sandbox)["lastAppliedSpec"] == status(sandbox)["lastPromotedSpec"])

    found = await seen(cluster, OLD)
    assert (found.phase, joined(READY, found, OLD).health) == ("Failed", "healthy")


async def test_a_failure_keeps_its_name_while_flagger_writes_down_the_next_revision(
    cluster: Cluster, sandbox: SandboxCluster
) -> None:
    await fail(sandbox)
    failure, hashed = (await seen(cluster, BAD)).spec, status(sandbox)["lastAppliedSpec"]
    sandbox.rollouts.hold("shop", "web-primary", held=True)
    primary = sandbox.objects.get(DEPLOYMENT, "shop", "web-primary")
    sandbox.objects.update(DEPLOYMENT, {**primary, "spec": {**primary["spec"], "minReadySeconds": 1}})

    apply(sandbox, FIXED)
    await until(lambda: status(sandbox)["lastAppliedSpec"] != hashed)

    found = await seen(cluster, FIXED)
    assert (found.phase, found.carries, found.serves) == ("Failed", True, False)
    assert found.spec == failure
