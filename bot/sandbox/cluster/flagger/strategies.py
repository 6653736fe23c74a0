"""How an analysis that passed its checks goes on: by iterations (blue/green), or by weights."""

from bot.sandbox.cluster.flagger.gates import promotion_confirmed, traffic_increase_confirmed
from bot.sandbox.cluster.flagger.looks import Look
from bot.sandbox.cluster.flagger.plans import TOTAL_WEIGHT

# Flagger, pkg/controller/scheduler.go: what a Canary without iterations gets from a provider that cannot shift traffic.
USUAL_ITERATIONS = 10


async def advance(look: Look) -> None:
    """Take the analysis one step further."""
    if look.plan.iterations > 0:
        await _iterate(look, look.plan.iterations)
        return
    if not look.plan.shifts_traffic:
        await look.speaker.warn("Progressive traffic is not supported when using the kubernetes provider")
        await look.speaker.warn(f"Setting canaryAnalysis.iterations: {USUAL_ITERATIONS}")
        await _iterate(look, USUAL_ITERATIONS)
        return
    if look.plan.next_step(look.memory.weight) <= 0:
        return
    if look.phase == "WaitingPromotion" or await traffic_increase_confirmed(look):
        await _shift(look)


async def _iterate(look: Look, iterations: int) -> None:
    done = look.number("iterations")
    if done < iterations:
        look.statuses.count("iterations", done + 1)
        await look.speaker.info(f"Advance {look.called} canary iteration {done + 1}/{iterations}")
        return
    if not await promotion_confirmed(look):
        return
    # The gate is asked again at the next tick: the step in between routes all traffic to the canary, if it can.
    if done == iterations:
        if look.plan.shifts_traffic:
            await look.speaker.info("Routing all traffic to canary")
            look.memory.weight = TOTAL_WEIGHT
        look.statuses.count("iterations", done + 1)
        return
    await _promote(look)


async def _shift(look: Look) -> None:
    weight = look.memory.weight
    if weight < look.plan.max_weight:
        look.memory.weight = min(TOTAL_WEIGHT, weight + look.plan.next_step(weight))
        look.statuses.count("canaryWeight", look.memory.weight)
        await look.speaker.info(f"Advance {look.called} canary weight {look.memory.weight}")
        return
    if await promotion_confirmed(look):
        await _promote(look)


async def _promote(look: Look) -> None:
    await look.speaker.info(f"Copying {look.target} template spec to {look.primary}")
    look.workloads.promote()
    look.statuses.move("Promoting")


async def return_traffic(look: Look) -> None:
    """Promoting: once the primary has the new template and is ready, the traffic goes back to it."""
    if not look.plan.shifts_traffic:
        look.statuses.move("Finalising")
        return
    if look.plan.promotion_step == 0:
        await look.speaker.info("Routing all traffic to primary")
        look.memory.weight = 0
        look.statuses.move("Finalising")
        return
    look.memory.weight = max(0, look.memory.weight - look.plan.promotion_step)
    await look.speaker.info(f"Advance {look.called} primary weight {look.primary_weight}")
    if look.memory.weight == 0:
        look.statuses.move("Finalising")
    else:
        look.statuses.count("canaryWeight", look.memory.weight)
