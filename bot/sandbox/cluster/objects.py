"""The cluster's objects: real metadata, one global resourceVersion, and the history that watches are fed from."""

import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.sandbox.cluster.kinds import NAMESPACE, Kind
from bot.sandbox.cluster.statuses import already_exists, bad_request, conflict, expired, invalid, not_found
from bot.sandbox.documents import Document, copy_of, path, seconds_text

# etcd keeps five minutes of changes; a bounded number of them keeps the sandbox small.
HISTORY = 5000
Part = Literal["object", "status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the history. `before` is None for a creation, `after` None for a deletion."""

    version: int
    kind: Kind
    before: Document | None
    after: Document | None
    last: Document
    """The object as a watcher of its deletion sees it: its final state at the deletion's version."""


class Objects:
    """The store. Every read and write is a copy; listeners hear each change after it happened."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[Kind, dict[tuple[str, str], Document]] = {}
        self._history: deque[Change] = deque(maxlen=HISTORY)
        self._listeners: list[Callable[[Change], None]] = []
        self._forgotten = 0
        self.version = 1

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Hear every change from now on; the returned function ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def find(self, kind: Kind, namespace: str, name: str) -> Document | None:
        """A copy of the object, or None."""
        kept = self._kept.get(kind, {}).get((namespace, name))
        return None if kept is None else copy_of(kept)

    def get(self, kind: Kind, namespace: str, name: str) -> Document:
        """A copy of the object. Raises ApiError 404."""
        found = self.find(kind, namespace, name)
        if found is None:
            raise not_found(kind, name)
        return found

    def all(self, kind: Kind, namespace: str = "") -> Iterator[Document]:
        """Copies of all objects of a kind, in a namespace or everywhere, by namespace and name."""
        kept = self._kept.get(kind, {})
        for key in sorted(kept):
            if not namespace or key[0] == namespace:
                yield copy_of(kept[key])

    def create(self, kind: Kind, namespace: str, document: Document, *, dry_run: bool = False) -> Document:
        """Store a new object. Raises ApiError: 404 for a missing namespace, 409 when it exists."""
        fresh = copy_of(document)
        meta = fresh.setdefault("metadata", {})
        name = meta.get("name") or (meta.get("generateName") and f"{meta['generateName']}{secrets.token_hex(3)[:5]}")
        if not name:
            raise invalid(kind, "", "metadata.name: Required value: name or generateName is required")
        if kind.namespaced and self.find(NAMESPACE, "", namespace) is None:
            raise not_found(NAMESPACE, namespace)
        if self.find(kind, namespace, name) is not None:
            raise already_exists(kind, name)
        meta |= {"name": name, "uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": self._now()}
        if kind.namespaced:
            meta["namespace"] = namespace
        fresh |= {"apiVersion": kind.api_version, "kind": kind.kind}
        if kind.status:
            fresh.pop("status", None)
        return fresh if dry_run else self._store(kind, None, fresh)

    def update(self, kind: Kind, document: Document, *, part: Part = "object", dry_run: bool = False) -> Document:
        """Replace an object or its status; a change of spec bumps generation, no change bumps nothing.

        Raises ApiError: 404, 409 when a given resourceVersion is not the current one.
        """
        meta = document.get("metadata") or {}
        before = self.get(kind, meta.get("namespace", "") if kind.namespaced else "", meta.get("name", ""))
        given = meta.get("resourceVersion")
        if given and given != before["metadata"]["resourceVersion"]:
            raise conflict(kind, meta["name"])
        after = self._combined(kind, before, copy_of(document), part)
        if after == before or dry_run:
            return after
        return self._store(kind, before, after)

    def set_status(self, kind: Kind, namespace: str, name: str, status: Document) -> Document | None:
        """Write a status as a controller does; None when the object is gone."""
        current = self.find(kind, namespace, name)
        if current is None:
            return None
        return self.update(kind, {**current, "status": status}, part="status")

    def delete(self, kind: Kind, namespace: str, name: str) -> Document:
        """Remove an object, or mark it when it has finalizers. Raises ApiError 404."""
        before = self.get(kind, namespace, name)
        if before["metadata"].get("finalizers"):
            marked = copy_of(before)
            marked["metadata"].setdefault("deletionTimestamp", self._now())
            return self._store(kind, before, marked)
        return self._remove(kind, before)

    def since(self, version: int) -> list[Change]:
        """The changes after a version. Raises ApiError 410 when they are no longer all known."""
        oldest = self._history[0].version if len(self._history) == HISTORY else 0
        if version < self._forgotten or version + 1 < oldest:
            raise expired(f"too old resource version: {version} ({self.version})")
        return [change for change in self._history if change.version > version]

    def forget(self) -> None:
        """Compact the history away: every older resourceVersion is gone from now on."""
        self.version += 1
        self._forgotten = self.version
        self._history.clear()

    def _combined(self, kind: Kind, before: Document, document: Document, part: Part) -> Document:
        if part == "status":
            return {**before, "status": document.get("status") or {}}
        after = {**document, "apiVersion": kind.api_version, "kind": kind.kind}
        if kind.status:
            after.pop("status", None)
            if "status" in before:
                after["status"] = before["status"]
        owned = {key: before["metadata"][key] for key in ("uid", "creationTimestamp", "generation", "resourceVersion")}
        if path(after, "metadata", "uid") not in (None, owned["uid"]):
            raise conflict(kind, before["metadata"]["name"])
        after["metadata"] = {**after["metadata"], **owned}
        if _desired(after) != _desired(before):
            after["metadata"]["generation"] += 1
        return after

    def _store(self, kind: Kind, before: Document | None, after: Document) -> Document:
        meta = after["metadata"]
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            return self._remove(kind, before or after)
        self.version += 1
        meta["resourceVersion"] = str(self.version)
        self._kept.setdefault(kind, {})[meta.get("namespace", ""), meta["name"]] = copy_of(after)
        self._tell(Change(version=self.version, kind=kind, before=before, after=copy_of(after), last=after))
        return copy_of(after)

    def _remove(self, kind: Kind, before: Document) -> Document:
        meta = before["metadata"]
        del self._kept[kind][meta.get("namespace", ""), meta["name"]]
        self.version += 1
        last = copy_of(before)
        last["metadata"]["resourceVersion"] = str(self.version)
        self._tell(Change(version=self.version, kind=kind, before=before, after=None, last=last))
        return last

    def _tell(self, change: Change) -> None:
        self._history.append(change)
        for listener in list(self._listeners):
            listener(change)

    def _now(self) -> str:
        return seconds_text(self._clock())


def parse_version(text: str) -> int:
    """A resourceVersion from a query. Raises ApiError 400 when it is not a number."""
    if not text.isdecimal():
        raise bad_request(f'invalid resource version "{text}"')
    return int(text)


def _desired(document: Document) -> Document:
    return {key: value for key, value in document.items() if key not in ("metadata", "status")}
