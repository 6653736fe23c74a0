"""An embedded OCI registry: the distribution API over HTTP, and an in-process door to push whole images."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from aiohttp import web

from bot.sandbox.registry.access import Access, Account, Action
from bot.sandbox.registry.api import Api, refusals
from bot.sandbox.registry.images import build
from bot.sandbox.registry.manifests import IMAGE, INDEX, Manifest, parse
from bot.sandbox.registry.notifications import Notifier, envelope
from bot.sandbox.registry.storage import Storage
from bot.sandbox.serving import Listener
from bot.sandbox.traffic import Traffic

__all__ = ["Account", "Registry"]
OPEN: frozenset[Action] = frozenset({"pull"})


class Registry:
    """One registry with its own content, accounts and webhook. Several may run side by side under other names."""

    def __init__(
        self,
        name: str,
        data_dir: Path,
        clock: Callable[[], datetime],
        *,
        accounts: tuple[Account, ...] = (),
        anonymous: frozenset[Action] = OPEN,
    ) -> None:
        self.name = name
        self.traffic = Traffic()
        self.notifier = Notifier()
        self._clock = clock
        self._storage = Storage(data_dir)
        api = Api(self._storage, Access(name, accounts, anonymous=anonymous), self._told)
        app = web.Application(middlewares=[self.traffic.middleware(), refusals], client_max_size=64 * 1024 * 1024)
        app.add_routes(api.routes())
        self._listener = Listener(app)

    @property
    def url(self) -> str:
        """Where the API is, `http://host:port`."""
        return self._listener.url

    @property
    def host(self) -> str:
        """`host:port`, as image names begin."""
        return f"{self._listener.host}:{self._listener.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        await self._listener.start(host, port)
        self.notifier.start()

    async def stop(self) -> None:
        """Stop listening and sending."""
        await self.notifier.stop()
        await self._listener.stop()

    def push_image(
        self,
        repository: str,
        tag: str,
        labels: Mapping[str, str],
        *,
        platforms: Sequence[str] = ("linux/amd64", "linux/arm64"),
        salt: str = "",
    ) -> str:
        """Push a multi-platform image and return its index digest; equal content gives an equal digest."""
        image = build(labels, platforms=platforms, salt=salt)
        for blob in image.blobs:
            self._storage.put_blob(repository, blob)
        for body in image.manifests:
            self._put(repository, parse(body, IMAGE), None)
        index = parse(image.index, INDEX)
        self._put(repository, index, tag)
        return index.digest

    def tag(self, repository: str, tag: str, reference: str) -> None:
        """Put another tag on what is there, as `crane tag` does, and move the tag if there is one."""
        self._put(repository, self._storage.manifest(repository, reference), tag)

    def digest_of(self, repository: str, reference: str) -> str | None:
        """The digest a tag points at, or the digest itself; None when it is not there."""
        kept = self._storage.repositories.get(repository)
        if kept is None:
            return None
        digest = kept.tags.get(reference, reference)
        return digest if digest in kept.manifests else None

    def tags(self, repository: str) -> dict[str, str]:
        """Tag to digest."""
        kept = self._storage.repositories.get(repository)
        return {} if kept is None else dict(kept.tags)

    def _put(self, repository: str, manifest: Manifest, tag: str | None) -> None:
        self._storage.put_manifest(repository, manifest, tag)
        self._told("push", manifest, repository, tag, "ci")

    def _told(
        self, action: Literal["push", "delete"], manifest: Manifest, repository: str, tag: str | None, actor: str
    ) -> None:
        def make() -> dict[str, object]:
            return envelope(
                action, manifest, repository=repository, tag=tag, registry=self.host, actor=actor, at=self._clock()
            )

        self.notifier.tell(make)
