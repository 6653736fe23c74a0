"""What one request set off: the event UUID that ties the webhooks of a chain together."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import uuid4

from bot.sandbox.gitlab.records import Hook


@dataclass(slots=True)
class Chain:
    """The event UUID a request brought along, or one made for each hook it fires."""

    received: str | None = None
    made: dict[int, str] = field(default_factory=dict)

    def uuid_for(self, hook: Hook) -> str:
        return self.received or self.made.setdefault(hook.id, str(uuid4()))


CURRENT_CHAIN: ContextVar[Chain | None] = ContextVar("current_chain", default=None)
