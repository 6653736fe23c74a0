"""What the image controllers ask a registry: its tags, and the digest of one, over the distribution API."""

import base64
import json
from dataclasses import dataclass

import aiohttp

from bot.sandbox.documents import Document

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class ScanFailed(Exception):
    """The registry could not be read; the text goes into the object's status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`host/repository`, and who reads it."""

    name: str
    username: str = ""
    password: str = ""

    @property
    def api(self) -> str:
        """The repository's place in the API. Registries of the sandbox speak plain HTTP."""
        host, _, repository = self.name.partition("/")
        return f"http://{host}/v2/{repository}"

    def headers(self) -> dict[str, str]:
        """The credentials, if there are any."""
        if not self.username:
            return {}
        return {"Authorization": aiohttp.encode_basic_auth(self.username, self.password)}


async def tags_of(session: aiohttp.ClientSession, image: Image) -> list[str]:
    """Every tag, all pages. Raises ScanFailed."""
    tags: list[str] = []
    url: str | None = f"{image.api}/tags/list?n=1000"
    while url is not None:
        async with _request(session, "GET", url, image) as response:
            _check(response, image)
            tags += (await response.json(content_type=None))["tags"] or []
            following = response.links.get("next")
            url = None if following is None else str(following["url"])
    return tags


async def digest_of(session: aiohttp.ClientSession, image: Image, tag: str) -> str:
    """The digest a tag points at. Raises ScanFailed."""
    async with _request(session, "HEAD", f"{image.api}/manifests/{tag}", image) as response:
        _check(response, image)
        return response.headers["Docker-Content-Digest"]


def credentials_of(secret: Document, host: str) -> tuple[str, str]:
    """User and password for a host in a kubernetes.io/dockerconfigjson Secret; empty when there are none."""
    encoded = (secret.get("data") or {}).get(".dockerconfigjson")
    if not encoded:
        return "", ""
    entry = json.loads(base64.b64decode(encoded)).get("auths", {}).get(host, {})
    if "auth" in entry:
        name, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
        return name, password
    return entry.get("username", ""), entry.get("password", "")


class _request:  # noqa: N801
    """A request whose connection errors are ScanFailed."""

    def __init__(self, session: aiohttp.ClientSession, method: str, url: str, image: Image) -> None:
        headers = {"Accept": ACCEPT, **image.headers()}
        self._context = session.request(method, url, headers=headers)
        self._image = image

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            return await self._context.__aenter__()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ScanFailed(f"Get {self._image.api}: {str(error) or type(error).__name__}") from error

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await self._context.__aexit__(None, None, None)


def _check(response: aiohttp.ClientResponse, image: Image) -> None:
    if response.status == 404:
        raise ScanFailed(f"GET {image.api}: NAME_UNKNOWN: repository name not known to registry")
    if response.status >= 300:
        raise ScanFailed(f"GET {image.api}: unexpected status code {response.status}")
