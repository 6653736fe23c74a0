"""One tick of one canary, in Flagger's order: initialise, notice, gate, scale, roll back, analyse, promote.

Source: Flagger, pkg/controller/scheduler.go (advanceCanary), and bodies recorded from 1.41.
"""

import asyncio

from bot.sandbox.cluster.flagger import gates, strategies
from bot.sandbox.cluster.flagger.looks import Look
from bot.sandbox.cluster.flagger.workloads import NotReady

UNDER_WAY = frozenset({"Progressing", "WaitingPromotion", "Promoting", "Finalising"})
ANALYSING = frozenset({"Progressing", "WaitingPromotion"})
NEW = frozenset({"", "Initializing"})


async def tick(look: Look, *, deadline: float) -> None:
    """Take a canary one step further. `deadline`: real seconds a target may take to come up.

    Raises nothing of the canary's: what is wrong with it is said as its event.
    """
    if look.canary["spec"].get("suspend"):
        await look.speaker.info("skipping canary run as object is suspended")
        return
    try:
        if await _initialised(look) and await _noticed(look):
            await _go_on(look, deadline)
    except NotReady as error:
        await look.speaker.warn(str(error))


async def _initialised(look: Look) -> bool:
    """Whether there is a primary; raises NotReady while it comes up."""
    if look.phase in NEW and not look.plan.skip:
        await look.speaker.info("all the metrics providers are available!")
    look.workloads.create_primary()
    if look.phase not in NEW:
        return True
    if not look.plan.skip:
        look.workloads.require_primary()
    look.workloads.scale(up=False)
    applied = look.workloads.applied()
    look.statuses.sync("Initialized", applied)
    # Flagger takes over these two at once, so its next words already have the new phase and checksum.
    look.canary["status"] |= {"phase": "Initialized", "lastAppliedSpec": applied, "trackedConfigs": {}}
    await look.speaker.info(f"Initialization done! {look.called}")
    return False


async def _noticed(look: Look) -> bool:
    """Whether there is a revision to work on."""
    if look.phase in UNDER_WAY or look.phase == "Waiting":
        return True
    changed = look.changed()
    if look.phase == "Failed":
        applied = look.workloads.applied()
        look.statuses.sync("Failed", applied, keep_counters=True)
        # Recorded from 1.41: after a failure the gate is asked with the new revision's checksum. If this tick ends
        # before the analysis begins, the next one no longer sees a change: the revision is swallowed.
        look.canary["status"]["lastAppliedSpec"] = applied
    return changed


async def _go_on(look: Look, deadline: float) -> None:
    if not look.plan.skip:
        look.workloads.require_primary()
    if look.phase not in UNDER_WAY:
        await _begin(look)
        return
    if look.phase in ANALYSING and look.changed():
        await _restart(look)
        return
    stuck = _stuck(look, deadline)
    if look.plan.skip:
        await _skip_analysis(look, stuck)
        return
    if look.phase in ANALYSING and await gates.rollback_asked(look):
        await look.speaker.warn(f"Rolling back {look.called} manual webhook invoked")
        await roll_back(look)
        return
    match look.phase:
        case "Promoting":
            await strategies.return_traffic(look)
        case "Finalising":
            await _finish(look)
        case _:
            await _analyse(look, stuck)


async def _begin(look: Look) -> None:
    """Ask the gate, then scale the target up."""
    if not await gates.rollout_confirmed(look):
        return
    await look.speaker.info(f"New revision detected! Scaling up {look.target}", phase="Progressing")
    look.workloads.scale(up=True)
    look.statuses.sync("Progressing", look.workloads.applied())
    look.memory.unready_since = None


async def _restart(look: Look) -> None:
    await look.speaker.info(f"New revision detected! Restarting analysis for {look.target}")
    look.memory.weight, look.memory.unready_since = 0, None
    look.statuses.sync("Progressing", look.workloads.applied())


def _stuck(look: Look, deadline: float) -> str | None:
    """Why the target will not come up any more; None when it is up. Raises NotReady while there is hope."""
    try:
        look.workloads.require_target()
    except NotReady as error:
        now = asyncio.get_running_loop().time()
        if look.memory.unready_since is None:
            look.memory.unready_since = now
        if error.stuck or now - look.memory.unready_since > deadline:
            return str(error)
        raise
    look.memory.unready_since = None
    return None


async def _skip_analysis(look: Look, stuck: str | None) -> None:
    if stuck is not None:
        await look.speaker.warn(f"Rolling back {look.called} progress deadline exceeded {stuck}")
        await roll_back(look)
        return
    await look.speaker.info(f"Copying {look.target} template spec to {look.primary}")
    look.workloads.promote()
    look.workloads.scale(up=False)
    look.statuses.move("Succeeded")
    await look.speaker.info(f"Promotion completed! Canary analysis was skipped for {look.target}")


async def _finish(look: Look) -> None:
    look.workloads.scale(up=False)
    look.statuses.move("Succeeded")
    await gates.after_rollout(look, "Succeeded")
    await look.speaker.info(f"Promotion completed! Scaling down {look.target}")


async def _analyse(look: Look, stuck: str | None) -> None:
    if stuck is not None:
        await look.speaker.warn(f"Rolling back {look.called} progress deadline exceeded {stuck}")
    if stuck is not None or look.number("failedChecks") >= look.plan.threshold:
        await roll_back(look)
        return
    if await _checked(look):
        await strategies.advance(look)
    else:
        look.statuses.count("failedChecks", look.number("failedChecks") + 1)


async def _checked(look: Look) -> bool:
    """The first tick asks pre-rollout only: without traffic there is nothing to measure."""
    if look.memory.weight == 0 and look.number("iterations") == 0:
        await look.speaker.info(f"Starting canary analysis for {look.target}")
        return await gates.pre_rollout_passed(look)
    return await gates.analysis_passed(look)


async def roll_back(look: Look) -> None:
    """Traffic to the primary, the target to zero; Git and the target's template stay as they are."""
    failed = look.number("failedChecks")
    if failed >= look.plan.threshold:
        await look.speaker.warn(f"Rolling back {look.called} failed checks threshold reached {failed}")
    look.memory.weight, look.memory.unready_since = 0, None
    # Said before it is stored: a restart in between says it twice.
    await look.speaker.warn(f"Canary failed! Scaling down {look.called}", phase="Failed")
    look.workloads.scale(up=False)
    look.statuses.sync("Failed", look.workloads.applied())
    await gates.after_rollout(look, "Failed")
