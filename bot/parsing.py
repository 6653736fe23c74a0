"""What a stored delivery means and whom it concerns: the receivers understand it, routing says where to look."""

from dataclasses import dataclass

from bot.events import Delivery, Parsed, Understood
from bot.keys import Key
from bot.receivers.parsing import parse as understand
from bot.routing import keys_of
from bot.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Parser:
    """Given to the journal, which calls it for each delivery inside its transaction: pure, and it never waits."""

    tenants: Tenants

    def parse(self, delivery: Delivery) -> tuple[Parsed, tuple[Key, ...]]:
        """The meaning, and the keys it makes dirty, each once."""
        parsed = understand(delivery)
        if not isinstance(parsed, Understood):
            return parsed, ()
        keys = [key for event in parsed.events for key in keys_of(event, self.tenants)]
        return parsed, tuple(dict.fromkeys(keys))
