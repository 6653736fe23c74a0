"""Flagger's questions are answered from stored state, bound to what the canary carries; else every gate is closed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from bot.clients.kubernetes import Cluster
from bot.clock import Clock
from bot.errors import SluiceError
from bot.looking.canary_truth import target_images
from bot.receivers.flagger import GateName
from bot.records import CanaryGateName, DatedGate
from bot.server_ports import GateAnswer
from config.policy import CanaryRef

log = structlog.get_logger(__name__)

GOOD_FOR = timedelta(minutes=10)
"""How long "roll back now" is meant. A confirmation says what may be, and stays until that changes."""


class Answers(Protocol):
    """Where the answers that a rule decided are kept: the journal."""

    async def canary_gate(self, cluster: str, canary: str, gate: CanaryGateName) -> DatedGate | None:
        """The stored answer and since when; None for a canary no policy names. canary: `<namespace>/<name>`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredGates:
    """Closed is the safe answer: a confirmation waits, nothing rolls back.

    Flagger takes 200 on its `rollback` hook as "roll back now", so closed must be a 403 there (failures F15). An answer
    is good for the images it was given for alone (F16): Flagger's checksum may still speak of the revision before.
    """

    answers: Answers
    clusters: Mapping[str, Cluster]
    clock: Clock
    within: timedelta = timedelta(seconds=3)
    """How long the journal and the cluster are waited for. Flagger gives up after 10 s and holds up every canary."""

    async def answer(self, cluster: str, gate: GateName, namespace: str, name: str, checksum: str) -> GateAnswer:
        """Open when a rule opened it for exactly the images the canary's target carries now; never raises for us."""
        canary = CanaryRef(namespace, name)
        try:
            async with asyncio.timeout(self.within.total_seconds()):
                return await self._answer(cluster, gate, canary)
        except (SluiceError, TimeoutError) as error:
            because = str(error) or f"no answer within {self.within.total_seconds():g} s"
            log.warning("gate kept closed", cluster=cluster, gate=gate, canary=str(canary), because=because)
            return _closed(f"{gate} for {canary} cannot be judged now: {because}")

    async def _answer(self, cluster: str, gate: GateName, canary: CanaryRef) -> GateAnswer:
        found = await self.answers.canary_gate(cluster, str(canary), gate)
        if found is None:
            return _closed(f"no stored decision opens {gate} for {canary} in {cluster}")
        stored = found.gate
        if not stored.open:
            return _closed(stored.because)
        if gate == "rollback" and self.clock.now() - found.at > GOOD_FOR:
            return _closed(f"the rollback of {canary} in {cluster} was asked for more than {GOOD_FOR} ago: ask again")
        reached = self.clusters.get(cluster)
        if reached is None:
            return _closed(f"cluster {cluster} is not read through its API, so nobody knows what {canary} carries")
        if not stored.images or await target_images(reached, canary) != stored.images:
            decided_for = ", ".join(stored.images) or "no image"
            return _closed(f"{gate} was decided for {decided_for}, which is not what {canary} carries now")
        return GateAnswer(open=True, because=stored.because)


def _closed(because: str) -> GateAnswer:
    return GateAnswer(open=False, because=because)
