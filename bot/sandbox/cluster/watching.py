"""Watches: the changes of one kind after a resourceVersion, as lines of JSON, with bookmarks and expiry."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.sandbox.cluster.kinds import Kind
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.cluster.selectors import Selector
from bot.sandbox.cluster.statuses import ApiError, expired
from bot.sandbox.documents import Document

Event = tuple[str, Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a watch asks for."""

    kind: Kind
    namespace: str
    selector: Selector
    start: int | None
    """The resourceVersion to start after; None begins with the present state."""
    bookmarks: bool
    seconds: float
    """How long the server keeps it open."""


def event_of(change: Change, watched: Watched) -> Event | None:
    """The change as this watcher sees it; an object leaving its selection is DELETED, one entering it ADDED."""
    if change.kind is not watched.kind:
        return None
    if watched.namespace and change.last["metadata"].get("namespace", "") != watched.namespace:
        return None
    was = change.before is not None and watched.selector(change.before)
    now = change.after is not None and watched.selector(change.after)
    match was, now:
        case False, False:
            return None
        case True, False:
            return "DELETED", change.last
        case False, True:
            return "ADDED", change.last
        case _:
            return "MODIFIED", change.last


class Watches:
    """All open watches of the cluster, so that they can be expired together."""

    def __init__(self, objects: Objects, *, bookmark_every: float) -> None:
        self._objects = objects
        self._bookmark_every = bookmark_every
        self._open: set[asyncio.Queue[Change | None]] = set()

    def expire(self) -> int:
        """Compact the history and end every open watch with a 410 error event; how many there were."""
        self._objects.forget()
        for queue in self._open:
            queue.put_nowait(None)
        return len(self._open)

    async def lines(self, watched: Watched) -> AsyncIterator[bytes]:
        """The stream's lines until its time is over or it expires."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        stop = self._objects.listen(queue.put_nowait)
        self._open.add(queue)
        try:
            for event in self._beginning(watched):
                yield _line(event)
                if event[0] == "ERROR":
                    return
            async for event in self._following(watched, queue):
                yield _line(event)
        finally:
            self._open.discard(queue)
            stop()

    def _beginning(self, watched: Watched) -> list[Event]:
        if watched.start is None:
            present = self._objects.all(watched.kind, watched.namespace)
            return [("ADDED", document) for document in present if watched.selector(document)]
        try:
            changes = self._objects.since(watched.start)
        except ApiError as error:
            return [("ERROR", error.status())]
        return [event for change in changes if (event := event_of(change, watched)) is not None]

    async def _following(self, watched: Watched, queue: asyncio.Queue[Change | None]) -> AsyncIterator[Event]:
        loop = asyncio.get_running_loop()
        end = loop.time() + watched.seconds
        while (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, self._bookmark_every)):
                    change = await queue.get()
            except TimeoutError:
                if watched.bookmarks:
                    yield self._bookmark(watched)
                continue
            if change is None:
                yield "ERROR", expired("The resourceVersion for the provided watch is too old.").status()
                return
            event = event_of(change, watched)
            if event is not None:
                yield event

    def _bookmark(self, watched: Watched) -> Event:
        meta = {"resourceVersion": str(self._objects.version), "creationTimestamp": None}
        return "BOOKMARK", {"kind": watched.kind.kind, "apiVersion": watched.kind.api_version, "metadata": meta}


def _line(event: Event) -> bytes:
    return json.dumps({"type": event[0], "object": event[1]}, separators=(",", ":")).encode() + b"\n"
