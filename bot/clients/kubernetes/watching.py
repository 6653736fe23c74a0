"""What a watch says, and what is known from it, so that after a break only the differences are told.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes (1.34): events ADDED,
MODIFIED, DELETED, BOOKMARK, ERROR; 410 Gone may come as the status or as an ERROR event.
"""

import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from bot.clients.kubernetes.connection import Connection
from bot.clients.kubernetes.kinds import Kind, Resource
from bot.errors import TemporaryError

WATCH_SECONDS = 120
"""How long one watch request is asked to last; up to half as long again, so that clusters do not renew together."""

SILENCE = 15.0
"""Seconds a watch may last longer than it was asked to before it counts as dead."""

How = Literal["changed", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An object as it is now, or as it last was when it is deleted (then perhaps only its metadata)."""

    how: How
    object: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        meta = self.object["metadata"]
        return str(meta.get("namespace", "")), str(meta["name"])

    @property
    def resource_version(self) -> str:
        """The object's version, opaque."""
        return str(self.object["metadata"].get("resourceVersion", ""))


@dataclass(slots=True)
class Known:
    """The versions of all objects that were told of."""

    versions: dict[tuple[str, str], str] = field(default_factory=dict)

    def is_news(self, change: Change) -> bool:
        """Whether a change says something that is not known yet."""
        if change.how == "deleted":
            return change.key in self.versions
        return self.versions.get(change.key) != change.resource_version

    def learn(self, change: Change) -> None:
        """Take in a change."""
        if change.how == "deleted":
            self.versions.pop(change.key, None)
        else:
            self.versions[change.key] = change.resource_version

    def differences(self, items: Iterable[dict[str, Any]]) -> list[Change]:
        """What a complete list says that is not known, deletions last."""
        listed = [Change(how="changed", object=item) for item in items]
        gone = set(self.versions) - {change.key for change in listed}
        deleted = [
            Change(how="deleted", object={"metadata": {"namespace": namespace, "name": name}})
            for namespace, name in sorted(gone)
        ]
        return [change for change in listed if self.is_news(change)] + deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """A line of a watch: the version it brings one to, and the change unless it is a bookmark."""

    resource_version: str
    change: Change | None


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    resource_version: str = ""


class _Headed(msgspec.Struct, frozen=True):
    metadata: _Meta


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


async def events(
    connection: Connection, resource: Resource, kind: Kind, namespace: str | None, version: str
) -> AsyncIterator[WatchEvent]:
    """The events of one watch request from a version on. Gone: list again."""
    seconds = int(WATCH_SECONDS * random.uniform(1.0, 1.5))  # noqa: S311 - jitter, not a secret
    query = {
        "watch": "true",
        "resourceVersion": version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(seconds),
    }
    async with connection.stream(resource, resource.path(namespace), query, silence=seconds + SILENCE) as lines:
        async for line in lines:
            yield parse_event(connection, resource, kind, line)


def parse_event(connection: Connection, resource: Resource, kind: Kind, line: bytes) -> WatchEvent:
    """A line, understood; TemporaryError for one that is cut or odd, Gone for an ERROR of code 410."""
    try:
        parsed = msgspec.json.decode(line, type=_Line)
        if parsed.type == "ERROR":
            code = int(msgspec.json.decode(parsed.object).get("code") or 500)
            raise connection.refused(resource, "watch", code, bytes(parsed.object))
        meta = msgspec.json.decode(parsed.object, type=_Headed).metadata
        if parsed.type == "BOOKMARK":
            return WatchEvent(resource_version=meta.resource_version, change=None)
        document = {"apiVersion": resource.api_version, "kind": kind} | msgspec.json.decode(parsed.object)
    except (msgspec.DecodeError, AttributeError, ValueError) as error:
        raise TemporaryError(
            f"a line of the watch on {resource.full_name} cannot be read. It is listed again by itself."
        ) from error
    how: How = "deleted" if parsed.type == "DELETED" else "changed"
    return WatchEvent(resource_version=meta.resource_version, change=Change(how=how, object=document))
