"""One OCI registry by the distribution API: what is tagged, by which digest, how it is labelled; and one more tag.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from yarl import URL

from bot.clients.pages import next_page
from bot.clients.registry.documents import ACCEPT, INDEXES, MANIFESTS, ImageConfig, Manifest, TagList
from bot.clients.registry.transport import Answer, BeforeWrite, RegistryTransport
from bot.errors import PermanentError, TemporaryError

T = TypeVar("T")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PAGE_SIZE = 1000
REMEMBERED = 1000
"""How many digests' labels are kept: content by digest never changes."""


class RegistryClient:
    """One registry. TemporaryError: it is away. PermanentError: no right, or an answer that cannot be trusted."""

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

    async def ensure_tag(self, repository: str, digest: str, tag: str, *, before_write: BeforeWrite) -> bool:
        """The tag names the digest: the manifest that is there already is put once more under the tag, byte for byte.

        True when it was written. PermanentError when the tag names another digest (it is never moved), or when the
        repository does not have the digest. before_write: awaited directly before each write.
        """
        if await self._names(repository, digest, tag):
            return False
        answer = await self._content(repository, digest)
        url = self._manifest(repository, tag)
        await self._transport.put(
            url, repository=repository, body=answer.body, content_type=_media_type(answer), before_write=before_write
        )
        if not await self._names(repository, digest, tag):
            raise TemporaryError(
                f"registry {url.authority} took {repository}:{tag} and does not show it yet. It is looked at again."
            )
        return True

    async def _names(self, repository: str, digest: str, tag: str) -> bool:
        """Whether the tag names the digest already; PermanentError when it names another."""
        there = await self.digest(repository, tag)
        if there is not None and there != _checked_digest(digest):
            raise PermanentError(
                f"cannot tag {repository}@{digest} as {tag}: the tag names {there} already, and a tag is never moved. "
                "Delete the tag in the registry if it is wrong, or release under another version."
            )
        return there is not None

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
        answer = await self._checked(repository, digest, url)
        return _decoded(answer, answer.body, type_)

    async def _content(self, repository: str, digest: str) -> Answer:
        return await self._checked(repository, digest, self._manifest(repository, _checked_digest(digest)))

    async def _checked(self, repository: str, digest: str, url: URL) -> Answer:
        """What the registry has under a digest, after it was compared with it."""
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
        return answer

    def _manifest(self, repository: str, reference: str) -> URL:
        if not (_TAG.fullmatch(reference) or _DIGEST.fullmatch(reference)):
            raise PermanentError(
                f"{reference!r} is neither a tag nor a sha256 digest. Correct the image in the policy."
            )
        return self._transport.base / _name(repository) / "manifests" / reference


def _media_type(answer: Answer) -> str:
    """What a registry keeps a manifest as; older manifests do not say it themselves (OCI image spec, `mediaType`)."""
    told = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return told if told in (*INDEXES, *MANIFESTS) else _decoded(answer, answer.body, Manifest).media_type


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
