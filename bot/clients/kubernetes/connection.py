"""One API server, spoken to through kubernetes-asyncio, which is imported only when a connection is made.

Importing it costs a third of a second and 70 MB, which an installation without a cluster should not pay.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.clients.kubernetes.kinds import Resource
from bot.errors import PermanentError, SluiceError, TemporaryError

if TYPE_CHECKING:
    from kubernetes_asyncio.client import ApiClient

CONNECT_TIMEOUT = 5.0
REQUEST_TIMEOUT = 15.0
"""Seconds to connect, and for a whole get or list page."""


class Gone(TemporaryError):
    """The resourceVersion is too old (410, or an ERROR event with that code): list again and go on from there."""


class NotServed(PermanentError):
    """The cluster has no such kind at all, so no object of it either."""


class Details(msgspec.Struct, frozen=True):
    """What a `Status` is about; `name` is set when one object is missing, not when its whole kind is."""

    name: str = ""


class Status(msgspec.Struct, frozen=True):
    """The `Status` object an API server explains itself with."""

    message: str = ""
    details: Details | None = None


class Connection:
    """A cluster by kubeconfig and context; without a kubeconfig the service account of the pod it runs in."""

    def __init__(self, cluster: str, kubeconfig: Path | None, context: str | None) -> None:
        self._cluster = cluster
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: ApiClient | None = None
        self._connecting = asyncio.Lock()

    async def json(self, resource: Resource, verb: str, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        """The JSON at a path; None when there is no such object. Errors are ours, naming the missing right."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT, sock_connect=CONNECT_TIMEOUT)
        async with self._request(resource, verb, path, query, timeout) as response:
            body = await response.read()
        if response.status == 404 and _names_an_object(body):
            return None
        if response.status != 200:
            raise self.refused(resource, verb, response.status, body, response.headers.get("Retry-After", ""))
        return self._decoded(path, body)

    @asynccontextmanager
    async def stream(
        self, resource: Resource, path: str, query: Mapping[str, str], *, silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a watch, until the server ends it; TemporaryError after `silence` seconds without a byte."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=silence)
        async with self._request(resource, "watch", path, query, timeout) as response:
            if response.status != 200:
                body = await response.read()
                raise self.refused(resource, "watch", response.status, body, response.headers.get("Retry-After", ""))
            yield _lines(response.content)

    def refused(self, resource: Resource, verb: str, code: int, body: bytes, retry_after: str = "") -> SluiceError:
        """The error for a status that is no success: 403 names the right, 404 the kind, 410 is Gone."""
        said = status_of(body).message[:300] or f"status {code}"
        what = f"cluster {self._cluster} refused to {verb} {resource.full_name} ({said})"
        if code == 410:
            return Gone(f"{what}: the version asked for is too old. It is listed again by itself.")
        advice = {
            401: "the credentials are not accepted. Renew the token or certificate in the kubeconfig.",
            403: f"a right is missing. Add to the bot's ClusterRole: apiGroups [{resource.group!r}], "
            f"resources [{resource.plural!r}], verbs [{verb!r}].",
            404: f"it does not serve {resource.api_version} {resource.plural}. "
            "Install or upgrade the controller, or take this kind out of the cluster's settings.",
        }.get(code)
        if advice is not None:
            return NotServed(f"{what}: {advice}") if code == 404 else PermanentError(f"{what}: {advice}")
        wait = timedelta(seconds=int(retry_after)) if retry_after.isdecimal() else None
        return TemporaryError(f"{what}. It is tried again by itself.", retry_after=wait)

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def _request(
        self, resource: Resource, verb: str, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            response = await self._send(path, query, timeout)
            if response.status == 401:
                # Tokens of exec plugins and rotated kubeconfigs expire: read the kubeconfig anew, once.
                response.release()
                await self.close()
                response = await self._send(path, query, timeout)
            async with response:
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise TemporaryError(
                f"cluster {self._cluster} cannot be reached to {verb} {resource.full_name} ({type(error).__name__}). "
                "It is tried again by itself; look at the network or the API server if this goes on."
            ) from error

    async def _send(
        self, path: str, query: Mapping[str, str], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        async with self._connecting:
            client = self._client or await self._connected()
        response: aiohttp.ClientResponse = await client.call_api(
            path,
            "GET",
            query_params=list(query.items()),
            header_params={"Accept": "application/json"},
            auth_settings=["BearerToken"],
            _preload_content=False,
            _request_timeout=timeout,
        )
        return response

    async def _connected(self) -> "ApiClient":
        from kubernetes_asyncio import config
        from kubernetes_asyncio.client import ApiClient, Configuration

        settings = Configuration()
        try:
            if self._kubeconfig is None:
                config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
            else:
                _check_kubeconfig(self._kubeconfig)
                await config.load_kube_config(
                    config_file=str(self._kubeconfig),
                    context=self._context,
                    client_configuration=settings,
                    persist_config=False,
                )
        except (config.ConfigException, YAMLError, OSError, ValueError, TypeError, KeyError) as error:
            raise PermanentError(
                f"the kubeconfig of cluster {self._cluster} cannot be used: {type(error).__name__}. "
                "Check the file and the context named in the operator settings."
            ) from error
        self._client = ApiClient(configuration=settings)
        return self._client

    def _decoded(self, path: str, body: bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise TemporaryError(
                f"cluster {self._cluster} did not answer {path} with JSON. Something in between may have; tried again."
            ) from error


def _check_kubeconfig(file: Path) -> None:
    # kubernetes-asyncio 36 takes any YAML and stumbles over it later, with errors of every kind.
    if not isinstance(YAML(typ="safe", pure=True).load(file), dict):
        raise ValueError("no mapping")


def status_of(body: bytes) -> Status:
    """The `Status` in an answer, or an empty one."""
    try:
        return msgspec.json.decode(body, type=Status)
    except msgspec.DecodeError:
        return Status()


def _names_an_object(body: bytes) -> bool:
    details = status_of(body).details
    return details is not None and bool(details.name)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
