"""What the server needs from the rest of the machine, and nothing more: an inbox, gates, health, metrics."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.events import Delivery
from bot.receivers.flagger import GateName
from bot.server_metrics import Family


class Receipt(Protocol):
    """What the inbox says about a stored delivery."""

    @property
    def id(self) -> str:
        """The delivery's id; of a duplicate, the id of the one stored first."""
        ...

    @property
    def duplicate(self) -> bool:
        """Whether this idempotency key was stored before."""
        ...


class Inbox(Protocol):
    """Where deliveries become durable."""

    def put(self, delivery: Delivery) -> Awaitable[Receipt]:
        """Wait until the delivery is on disk; TemporaryError when it cannot be stored now (overload, journal down)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GateAnswer:
    """Whether a gate is open, and the sentence why. For `rollback`, open means: roll back now."""

    open: bool
    because: str


class Gates(Protocol):
    """Who answers Flagger's questions, from stored state alone (Flagger waits at most 10 s)."""

    async def answer(self, cluster: str, gate: GateName, namespace: str, name: str, checksum: str) -> GateAnswer:
        """Answer for one canary; an error of ours keeps the gate closed."""
        ...


class Health(Protocol):
    """Who knows whether this process can do its work."""

    async def problems(self) -> Sequence[str]:
        """Why the process is not ready, in sentences; empty when the journal is writable and the worker runs."""
        ...


class Metrics(Protocol):
    """A source of numbers for `/metrics`."""

    def families(self) -> Iterable[Family]:
        """The numbers as of now."""
        ...
