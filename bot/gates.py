"""Flagger's questions are answered from stored state alone; without any, every gate is closed."""

from dataclasses import dataclass

from bot.receivers.flagger import GateName
from bot.server_ports import GateAnswer


@dataclass(frozen=True, slots=True)
class StoredGates:
    """No policy of this version opens a gate, and closed is the safe answer: a confirmation waits, nothing rolls back.

    (Flagger takes 200 on its `rollback` hook as "roll back now", so closed must be a 403 there; failures F15.)
    """

    async def answer(self, cluster: str, gate: GateName, namespace: str, name: str, checksum: str) -> GateAnswer:
        """Closed, with the canary it was asked for."""
        because = f"no stored decision opens {gate} for {namespace}/{name} in {cluster}"
        return GateAnswer(open=False, because=because)
