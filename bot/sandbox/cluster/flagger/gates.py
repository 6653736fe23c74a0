"""The hooks that decide: each type's calls in order until one fails, with the sentence Flagger says of it.

Source: Flagger, pkg/controller/scheduler_hooks.go and scheduler.go (runAnalysis).
"""

from bot.sandbox.cluster.flagger.looks import Look
from bot.sandbox.cluster.flagger.measuring import complaint

PROGRESSING = "Progressing"


async def rollout_confirmed(look: Look) -> bool:
    """confirm-rollout: asked at every tick until it is open; closed means Waiting, which is said once."""
    for hook in look.plan.hooks("confirm-rollout"):
        if await look.hooks.call(hook, look.canary, look.phase) is None:
            await look.speaker.info(f"Confirm-rollout check {hook.name} passed")
            continue
        if look.phase != "Waiting":
            look.statuses.move("Waiting")
            await look.speaker.warn(f"Halt {look.called} advancement waiting for approval {hook.name}")
        return False
    return True


async def pre_rollout_passed(look: Look) -> bool:
    """pre-rollout: a failure counts as a failed check."""
    for hook in look.plan.hooks("pre-rollout"):
        failure = await look.hooks.call(hook, look.canary, PROGRESSING)
        if failure is not None:
            words = f"advancement pre-rollout check {hook.name} failed {failure}"
            await look.speaker.warn(f"Halt {look.called} {words}")
            return False
        await look.speaker.info(f"Pre-rollout check {hook.name} passed")
    return True


async def analysis_passed(look: Look) -> bool:
    """rollout hooks, then the metrics: the first failure ends the check."""
    for hook in look.plan.hooks("rollout"):
        failure = await look.hooks.call(hook, look.canary, PROGRESSING)
        if failure is not None:
            words = f"advancement external check {hook.name} failed {failure}"
            await look.speaker.warn(f"Halt {look.called} {words}")
            return False
    meta = look.canary["metadata"]
    bad = complaint(look.plan, look.outcome, name=meta["name"], namespace=meta["namespace"])
    if bad is not None:
        await look.speaker.warn(bad)
    return bad is None


async def traffic_increase_confirmed(look: Look) -> bool:
    """confirm-traffic-increase: closed means the weight stays, said at every tick, and nothing is counted."""
    for hook in look.plan.hooks("confirm-traffic-increase"):
        if await look.hooks.call(hook, look.canary, PROGRESSING) is not None:
            words = f"advancement waiting for traffic increase approval {hook.name}"
            await look.speaker.warn(f"Halt {look.called} {words}")
            return False
        await look.speaker.info(f"Confirm-traffic-increase check {hook.name} passed")
    return True


async def promotion_confirmed(look: Look) -> bool:
    """confirm-promotion: closed means WaitingPromotion, and one more iteration of analysis before it is asked again."""
    again = look.plan.iterations - 1
    for hook in look.plan.hooks("confirm-promotion"):
        if await look.hooks.call(hook, look.canary, PROGRESSING) is None:
            await look.speaker.info(f"Confirm-promotion check {hook.name} passed")
            continue
        if look.phase == "WaitingPromotion":
            look.statuses.count("iterations", again)
        else:
            look.statuses.move("WaitingPromotion", iterations=again)
            await look.speaker.warn(f"Halt {look.called} advancement waiting for promotion approval {hook.name}")
        return False
    return True


async def rollback_asked(look: Look) -> bool:
    """rollback: any success rolls back; a failure only says so."""
    for hook in look.plan.hooks("rollback"):
        if await look.hooks.call(hook, look.canary, look.phase) is None:
            await look.speaker.warn(f"Rollback check {hook.name} passed")
            return True
        await look.speaker.info(f"Rollback hook {hook.name} not signaling a rollback")
    return False


async def after_rollout(look: Look, phase: str) -> None:
    """post-rollout: once, and nothing comes of its answer."""
    for hook in look.plan.hooks("post-rollout"):
        failure = await look.hooks.call(hook, look.canary, phase)
        if failure is not None:
            await look.speaker.warn(f"Post-rollout hook {hook.name} failed {failure}")
            return
        await look.speaker.info(f"Post-rollout check {hook.name} passed")
