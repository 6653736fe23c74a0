"""Why a canary failed is known though Kubernetes lost Flagger's Events, or Flagger's hooks never arrived."""

from pathlib import Path

from running import Running, running
from running_rollbacks import CANARY, canary_will, into_production, production, until_taken_back

from bot.sandbox.cluster.kinds import CANARY as KIND
from bot.sandbox.cluster.kinds import EVENT

MEASURED = "advancement success rate 50.00% < 99%"
TICKS = 30
"""More than client-go lets a source say of one object at once."""


async def failed_canary(world: Running) -> str:
    """Release 1.1.0 fails its analysis in production; its commit."""
    await world.adopt()
    await canary_will(world, "fail")
    return await into_production(world, "1.1.0")


async def say_much(world: Running) -> None:
    """Flagger said so much of the canary already that client-go folds and loses what follows, as it really does."""
    await world.control("cluster/speed", event_similar=10, event_burst=25)
    flagger, (namespace, name) = world.sandbox.cluster.flagger, CANARY.values()
    canary = world.sandbox.cluster.objects.get(KIND, namespace, name)
    for tick in range(TICKS):
        message = f"Halt {name}.{namespace} advancement waiting for approval sluice-confirm-{tick}"
        flagger._recorder.keep(canary, "Warning", "Synced", message, controller="flagger")


def events(world: Running) -> list[str]:
    """What Kubernetes kept of Flagger's sentences about the canary."""
    found = world.sandbox.cluster.objects.all(EVENT)
    return [str(one["message"]) for one in found if one["involvedObject"]["kind"] == KIND.kind]


async def test_measured_failure_is_denied_though_kubernetes_lost_the_events(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await say_much(world)
        commit = await failed_canary(world)

        await until_taken_back(world, commit, "1.0.0")

        there = await production(world)
        assert not [message for message in events(world) if MEASURED in message]
        assert "measured" in there.pin
        assert "1.1.0" in there.denials


async def test_measured_failure_is_denied_though_no_hook_arrived(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.control("hooks", target="flagger", drop=True)
        commit = await failed_canary(world)

        await until_taken_back(world, commit, "1.0.0")

        there = await production(world)
        heard = await world.app.machine.worker.journal.canary_messages(
            world.facts["cluster"], "production/demo-service"
        )
        assert heard == ()
        assert [message for message in events(world) if MEASURED in message]
        assert "measured" in there.pin
        assert "1.1.0" in there.denials
