"""The loop every Flux controller runs: look at an object when it changes, when asked, and after its interval."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from bot.sandbox.cluster.durations import seconds_of
from bot.sandbox.cluster.kinds import Kind
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.documents import Document, path

log = structlog.get_logger()
REQUESTED = "reconcile.fluxcd.io/requestedAt"
Key = tuple[str, str]


class Controller:
    """Runs `reconcile` for each object of `kind`: never two at once for one, once more if asked meanwhile."""

    kind: Kind

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self._wakes: dict[Key, asyncio.Event] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._asking: dict[Key, list[asyncio.Future[None]]] = {}
        self._stop_listening: Callable[[], None] | None = None
        self.crashed: list[BaseException] = []
        """What ended a loop that should not have ended; the cluster's `stop` raises the first one."""

    async def reconcile(self, document: Document) -> float | None:
        """Bring one object up to date; the seconds until it wants to be looked at again, None for when it changes."""
        raise NotImplementedError

    def start(self) -> None:
        """Take on the objects that exist and hear of the ones to come."""
        self._stop_listening = self.objects.listen(self.hear)
        for document in self.objects.all(self.kind):
            self._begin(_key(document))

    async def stop(self) -> None:
        """End every loop."""
        if self._stop_listening is not None:
            self._stop_listening()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        for asking in self._asking.values():
            _answer(asking)
        self._asking.clear()

    def nudge(self, namespace: str, name: str) -> None:
        """Look at an object now, or right after the look that is under way."""
        wake = self._wakes.get((namespace, name))
        if wake is not None:
            wake.set()

    async def look(self) -> None:
        """Look at every object now; returns when these looks have ended."""
        looks: list[asyncio.Future[None]] = []
        for key, wake in self._wakes.items():
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._asking.setdefault(key, []).append(ended)
            looks.append(ended)
            wake.set()
        await asyncio.gather(*looks)

    def asked(self, namespace: str, name: str) -> bool:
        """Whether the object under reconciliation was asked for again meanwhile."""
        wake = self._wakes.get((namespace, name))
        return wake is not None and wake.is_set()

    def hear(self, change: Change) -> None:
        """Follow the store; controllers that depend on other kinds add to this."""
        if change.kind is not self.kind:
            return
        key = _key(change.last)
        if change.after is None:
            self._end(key)
        elif change.before is None:
            self._begin(key)
        elif wants_work(change.before, change.after):
            self.nudge(*key)

    def _begin(self, key: Key) -> None:
        self._wakes[key] = asyncio.Event()
        task = asyncio.create_task(self._drive(key), name=f"{self.kind.kind} {key[0]}/{key[1]}")
        task.add_done_callback(self._ended)
        self._tasks[key] = task

    def _end(self, key: Key) -> None:
        self._wakes.pop(key, None)
        _answer(self._asking.pop(key, []))
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        error = task.exception()
        if error is not None:
            self.crashed.append(error)
            log.error("sandbox controller crashed", task=task.get_name(), exc_info=error)

    async def _drive(self, key: Key) -> None:
        wake = self._wakes[key]
        while True:
            wake.clear()
            document = self.objects.find(self.kind, *key)
            if document is None:
                return
            asking = self._asking.pop(key, [])
            try:
                pause = await self.reconcile(document)
            finally:
                _answer(asking)
            # Not wait_for: in Python 3.11 it swallows a cancellation that arrives together with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await wake.wait()


def _answer(asking: list["asyncio.Future[None]"]) -> None:
    for future in asking:
        if not future.done():
            future.set_result(None)


def wants_work(before: Document, after: Document) -> bool:
    """Whether a change is one that Flux's predicates let through: the spec, or a reconcile request."""
    if before["metadata"]["generation"] != after["metadata"]["generation"]:
        return True
    requested = {path(one, "metadata", "annotations", REQUESTED) for one in (before, after)}
    return len(requested) > 1


def interval_of(document: Document, field: str = "interval", default: str = "1m") -> float:
    """A duration of the spec in seconds."""
    return seconds_of(str(path(document, "spec", field) or default))


def _key(document: Document) -> Key:
    return document["metadata"].get("namespace", ""), document["metadata"]["name"]
