"""What arrived and what became of it, told in the API's form."""

import hashlib
from collections.abc import Iterable

from bot.api.forms import DeadForm, DeliveriesForm, DeliveryForm, DeliveryStoryForm, WorkForm
from bot.api.history import run_form
from bot.api.redacting import redacted
from bot.errors import PermanentError
from bot.events import Phase
from bot.journal import Journal
from bot.journal.runs import Run
from bot.journal.stored import StoredDelivery
from bot.journal.work import DeadWork


async def read_deliveries(journal: Journal, *, phase: Phase | None, endpoint: str | None, limit: int) -> DeliveriesForm:
    """The newest deliveries."""
    found = await journal.deliveries(phase=phase, endpoint=endpoint, limit=limit)
    return DeliveriesForm(deliveries=tuple(delivery_form(stored) for stored in found))


async def read_delivery(journal: Journal, delivery: str, *, with_body: bool) -> DeliveryStoryForm:
    """One delivery with the runs it caused; PermanentError when there is none."""
    story = await journal.delivery(delivery)
    body = story.delivery.body if story.delivery else None
    return DeliveryStoryForm(
        delivery=delivery_form(story.stored),
        scope=story.delivery.scope if story.delivery else "",
        trace=story.stored.trace,
        headers=dict(story.delivery.headers) if story.delivery else {},
        body_sha256="" if body is None else hashlib.sha256(body).hexdigest(),
        keys=tuple(str(key) for key in story.keys),
        runs=tuple(run_form(run) for run in await _runs(journal, story.runs)),
        duplicates=story.duplicates,
        body=redacted(body) if with_body and body is not None else None,
    )


async def read_work(journal: Journal, limit: int) -> WorkForm:
    """Work that waits for a person."""
    return WorkForm(dead=tuple(dead_form(dead) for dead in await journal.dead_work(limit)))


def delivery_form(stored: StoredDelivery) -> DeliveryForm:
    """A line of the list."""
    return DeliveryForm(
        id=stored.id,
        endpoint=stored.endpoint,
        phase=stored.phase,
        reason=stored.reason,
        received_at=stored.received_at,
        size=stored.size,
        duplicate_of=stored.duplicate_of or "",
        attempts=stored.attempts,
    )


def dead_form(dead: DeadWork) -> DeadForm:
    """A line of dead work."""
    return DeadForm(
        key=str(dead.key), reason=dead.reason, dead_at=dead.dead_at, attempts=dead.attempts, causes=dead.causes
    )


async def _runs(journal: Journal, numbers: Iterable[int]) -> list[Run]:
    found = []
    for number in numbers:
        try:
            found.append(await journal.run(number))
        except PermanentError:
            # Retention dropped it between the two reads: what is left is told.
            continue
    return found
