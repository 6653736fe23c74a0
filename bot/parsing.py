"""What a stored delivery means and whom it concerns: the receivers understand it, routing says where to look."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.commanded import Heard
from bot.events import ChatSaid, Delivery, Event, ImagePushed, NoteWritten, Reading, Understood
from bot.hearing import Hearing
from bot.receivers.parsing import parse as understand
from bot.routing import keys_of
from bot.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Parser:
    """Given to the journal, which calls it for each delivery inside its transaction: pure, and it never waits."""

    tenants: Tenants
    registries: Mapping[str, str]
    """The host in image names, by the name in a registry's webhook path."""
    hearing: Hearing | None = None
    """Listens to what people say; without it nobody is heard."""

    def parse(self, delivery: Delivery) -> Reading:
        """The meaning, the keys it makes dirty, each once, and the commands that were said in it."""
        parsed = understand(delivery)
        if not isinstance(parsed, Understood):
            return Reading(parsed=parsed)
        keys = [key for event in parsed.events for key in keys_of(self._with_host(event), self.tenants)]
        chain = delivery.headers.get("x-gitlab-event-uuid", "")
        heard = [one for event in parsed.events for one in self._hear(event, chain)]
        return Reading(parsed=parsed, keys=tuple(dict.fromkeys(keys)), heard=tuple(heard))

    def _hear(self, event: Event, chain: str) -> tuple[Heard, ...]:
        match event:
            case NoteWritten() if self.hearing is not None:
                return self.hearing.note(event, chain)
            case ChatSaid() if self.hearing is not None:
                return self.hearing.chat(event)
            case _:
                return ()

    def _with_host(self, event: Event) -> Event:
        """A registry is known to policies by its host, and to itself by whatever it likes."""
        if not isinstance(event, ImagePushed):
            return event
        return replace(event, registry=self.registries.get(event.registry, event.registry))
