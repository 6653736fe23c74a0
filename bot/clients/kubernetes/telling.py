"""What controllers told about one object: Kubernetes Events (core/v1), which the API server keeps for an hour.

They are best effort: a controller's client repeats an Event by its count, folds many different ones into one after ten
in ten minutes, and drops those over its rate (client-go `EventCorrelator`, Kubernetes 1.34).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from bot.clients.kubernetes.shapes import shaped

FOLDED = "(combined from similar events): "
"""How client-go begins the message of an Event that stands for many."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An Event. type: Normal or Warning. last: when it was last said, in whole seconds.

    written: the resourceVersion as a number (Kubernetes 1.35 makes them comparable), 0 for one that is none; it tells
    apart what was said within a second.
    """

    type: str
    reason: str
    message: str
    last: datetime
    written: int = 0


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    creation_timestamp: datetime | None = None
    resource_version: str = ""


class _Series(msgspec.Struct, frozen=True, rename="camel"):
    last_observed_time: datetime | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    metadata: _Metadata
    type: str = ""
    reason: str = ""
    message: str = ""
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: _Series | None = None

    def summary(self) -> Told:
        first = self.event_time or self.first_timestamp or self.metadata.creation_timestamp or NEVER
        last = self.last_timestamp or (self.series.last_observed_time if self.series else None) or first
        message = self.message.removeprefix(FOLDED)
        version = self.metadata.resource_version
        written = int(version) if version.isdecimal() else 0
        return Told(
            type=self.type, reason=self.reason, message=message, last=last.replace(microsecond=0), written=written
        )


def about(kind: str, namespace: str, name: str) -> dict[str, str]:
    """The field selector of the Events of one object."""
    return {"involvedObject.kind": kind, "involvedObject.namespace": namespace, "involvedObject.name": name}


def summarise_events(documents: Iterable[Mapping[str, Any]]) -> tuple[Told, ...]:
    """The Events in the order they were last said; PermanentError for another shape."""
    told = (shaped(document, _Event, component="Kubernetes").summary() for document in documents)
    return tuple(sorted(told, key=lambda found: (found.last, found.written)))
