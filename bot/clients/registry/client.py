"""One OCI registry is read by the distribution API: what is tagged, by which digest, and how it is labelled.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from yarl import URL

from bot.clients.pages import next_page
from bot.clients.registry.documents import ACCEPT, ImageConfig, Manifest, TagList
from bot.clients.registry.transport import Answer, RegistryTransport
from bot.errors import PermanentError, TemporaryError

T = TypeVar("T")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PAGE_SIZE = 1000
REMEMBERED = 1000
"""How many digests' labels are kept: content by digest never changes."""


class RegistryClient:
    """Reads one registry. TemporaryError: it is away. PermanentError: no right, or an answer that cannot be trusted."""

    def __init__(self, transport: RegistryTransport) -> None:
        self._transport = transport
        self._labels: dict[tuple[str, str], Mapping[str, str]] = {}

    async def tags(self, repository: str) -> tuple[str, ...]:
        """All tags in the registry's order; none for a repository that is not there: not all tell those apart."""
        found: list[str] = []
        base = self._transport.base
        url: URL | None = (base / _name(repository) / "tags/list").with_query(n=PAGE_SIZE)
        seen: set[URL] = set()
        while url is not None and url not in seen:
            seen.add(url)
            answer = await self._transport.read("GET", url, repository=repository)
            if answer is None:
                return ()
            found += _decoded(answer, answer.body, TagList).tags or ()
            url = next_page(base, url, answer.headers)
        return tuple(dict.fromkeys(found))

    async def digest(self, repository: str, reference: str) -> str | None:
        """The digest a tag (or digest) names, of the index where there is one; None when there is no such thing."""
        url = self._manifest(repository, reference)
        answer = await self._transport.read("HEAD", url, repository=repository, accept=ACCEPT)
        if answer is None:
            return None
        digest = answer.headers.get("Docker-Content-Digest", "")
        if _DIGEST.fullmatch(digest):
            return digest
        # The header is optional in the specification; then the content itself is the only witness.
        whole = await self._transport.read("GET", url, repository=repository, accept=ACCEPT)
        return _sha256(whole.body) if whole is not None else None

    async def labels(self, repository: str, digest: str) -> Mapping[str, str]:
        """An image's labels by its index or manifest digest; annotations win. Content is checked against its digest."""
        known = self._labels.get((repository, digest))
        if known is not None:
            return known
        found = await self._read_labels(repository, digest)
        if len(self._labels) >= REMEMBERED:
            self._labels.pop(next(iter(self._labels)))
        self._labels[(repository, digest)] = found
        return found

    async def _read_labels(self, repository: str, digest: str) -> Mapping[str, str]:
        top = await self._document(repository, digest)
        annotations = dict(top.annotations or {})
        image = top
        if top.manifests is not None:
            first = top.first_image()
            if first is None:
                return annotations
            image = await self._document(repository, first.digest)
        if image.config is None:
            return {**(image.annotations or {}), **annotations}
        config = await self._config(repository, image.config.digest)
        return {**config.labels(), **(image.annotations or {}), **annotations}

    async def _document(self, repository: str, digest: str) -> Manifest:
        url = self._manifest(repository, _checked_digest(digest))
        return await self._verified(repository, digest, url, Manifest)

    async def _config(self, repository: str, digest: str) -> ImageConfig:
        url = self._transport.base / _name(repository) / "blobs" / _checked_digest(digest)
        return await self._verified(repository, digest, url, ImageConfig)

    async def _verified(self, repository: str, digest: str, url: URL, type_: type[T]) -> T:
        answer = await self._transport.read("GET", url, repository=repository, accept=ACCEPT)
        if answer is None:
            raise PermanentError(
                f"{repository}@{digest} is not in registry {url.authority}: it was deleted, or never pushed there. "
                "Push it again, or promote another release."
            )
        if _sha256(answer.body) != digest:
            raise PermanentError(
                f"registry {url.authority} answered {repository}@{digest} with other content. "
                "Do not use this image; look at the registry or what stands before it."
            )
        return _decoded(answer, answer.body, type_)

    def _manifest(self, repository: str, reference: str) -> URL:
        if not (_TAG.fullmatch(reference) or _DIGEST.fullmatch(reference)):
            raise PermanentError(
                f"{reference!r} is neither a tag nor a sha256 digest. Correct the image in the policy."
            )
        return self._transport.base / _name(repository) / "manifests" / reference


def _name(repository: str) -> str:
    if len(repository) > 255 or _REPOSITORY.fullmatch(repository) is None:
        raise PermanentError(
            f"{repository!r} is no repository of a registry: lower-case parts separated by slashes, without the host. "
            "Correct the image in the policy."
        )
    return repository


def _checked_digest(digest: str) -> str:
    if _DIGEST.fullmatch(digest) is None:
        raise PermanentError(f"{digest!r} is no sha256 digest. Only images by such a digest are promoted.")
    return digest


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _decoded(answer: Answer, body: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise PermanentError(
            f"registry {answer.url.authority} answered {answer.url.path} in another shape than the OCI specification: "
            f"{error}. Is this a registry?"
        ) from error
    except msgspec.DecodeError as error:
        raise TemporaryError(
            f"registry {answer.url.authority} did not answer {answer.url.path} with JSON. It is tried again by itself."
        ) from error
