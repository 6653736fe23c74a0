"""What a stored delivery means and whom it concerns: the receivers understand it, routing says where to look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.events import Delivery, Event, ImagePushed, Parsed, Understood
from bot.keys import Key
from bot.receivers.parsing import parse as understand
from bot.routing import keys_of
from bot.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Parser:
    """Given to the journal, which calls it for each delivery inside its transaction: pure, and it never waits."""

    tenants: Tenants
    registries: Mapping[str, str]
    """The host in image names, by the name in a registry's webhook path."""

    def parse(self, delivery: Delivery) -> tuple[Parsed, tuple[Key, ...]]:
        """The meaning, and the keys it makes dirty, each once."""
        parsed = understand(delivery)
        if not isinstance(parsed, Understood):
            return parsed, ()
        keys = [key for event in parsed.events for key in keys_of(self._with_host(event), self.tenants)]
        return parsed, tuple(dict.fromkeys(keys))

    def _with_host(self, event: Event) -> Event:
        """A registry is known to policies by its host, and to itself by whatever it likes."""
        if not isinstance(event, ImagePushed):
            return event
        return replace(event, registry=self.registries.get(event.registry, event.registry))
