"""The registry client against the embedded registry, and against registries with tokens, redirects and lies."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.clients.budget import HostBudget
from bot.clients.registry import Credentials, RegistryClient, RegistryTransport
from bot.clients.registry.access import Challenge, parse_challenge, related
from bot.clock import SystemClock
from bot.errors import PermanentError, StaleError, TemporaryError
from bot.sandbox.registry import Account, Registry

LABELS = {"org.opencontainers.image.revision": "a" * 40, "org.opencontainers.image.version": "1.0.0"}
CI = Credentials(username="ci", password="a-long-secret")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Impatient(RegistryTransport):
    """Does not sleep."""

    async def sleep(self, seconds: float) -> None:
        return


def client_of(host: str, session: aiohttp.ClientSession, credentials: Credentials | None = CI) -> RegistryClient:
    budget = HostBudget(per_minute=60_000)
    return RegistryClient(
        Impatient(host, session, budget, SystemClock(), credentials=lambda: credentials, insecure=True)
    )


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as made:
        yield made


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    accounts = (Account(name="ci", password="a-long-secret"),)
    running = Registry("demo", tmp_path, lambda: datetime.now(UTC), accounts=accounts, anonymous=frozenset())
    await running.start()
    yield running
    await running.stop()


async def test_a_pushed_image_is_found_by_tag_digest_and_labels(
    registry: Registry, session: aiohttp.ClientSession
) -> None:
    digest = registry.push_image("acme/shop", "1.0.0", LABELS)
    registry.push_image("acme/shop", "1.1.0", LABELS, salt="x")
    client = client_of(registry.host, session)

    assert await client.tags("acme/shop") == ("1.0.0", "1.1.0")
    assert await client.digest("acme/shop", "1.0.0") == digest
    assert await client.digest("acme/shop", digest) == digest
    assert await client.digest("acme/shop", "9.9.9") is None
    labels = await client.labels("acme/shop", digest)
    assert labels["org.opencontainers.image.revision"] == "a" * 40


async def test_a_repository_that_is_not_there_has_no_tags(registry: Registry, session: aiohttp.ClientSession) -> None:
    assert await client_of(registry.host, session).tags("acme/none") == ()


async def test_all_pages_of_tags_are_read(
    registry: Registry, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        registry.push_image("acme/shop", f"1.0.{number}", LABELS)
    monkeypatch.setattr("bot.clients.registry.client.PAGE_SIZE", 3)

    assert len(await client_of(registry.host, session).tags("acme/shop")) == 7


@pytest.mark.parametrize("credentials", [None, Credentials(username="ci", password="wrong-secret")])
async def test_missing_or_wrong_credentials_need_a_person(
    registry: Registry, session: aiohttp.ClientSession, credentials: Credentials | None
) -> None:
    registry.push_image("acme/shop", "1.0.0", LABELS)

    with pytest.raises(PermanentError, match="credentials are missing, wrong") as refused:
        await client_of(registry.host, session, credentials).tags("acme/shop")

    assert "secret" not in str(refused.value)


async def test_labels_are_asked_for_once(registry: Registry, session: aiohttp.ClientSession) -> None:
    digest = registry.push_image("acme/shop", "1.0.0", LABELS)
    client = client_of(registry.host, session)
    first = await client.labels("acme/shop", digest)
    await registry.stop()

    assert await client.labels("acme/shop", digest) is first


class Script:
    """A registry made of functions by path."""

    def __init__(self) -> None:
        self.paths: dict[str, Handler] = {}
        self.requests: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        handler = self.paths.get(request.path)
        return await handler(request) if handler else web.Response(status=404)


@pytest.fixture
async def script() -> AsyncIterator[tuple[Script, TestServer]]:
    made = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.handle)
    server = TestServer(application)
    async with server:
        yield made, server


def host_of(server: TestServer) -> str:
    return f"{server.host}:{server.port}"


async def test_a_token_is_fetched_as_the_registry_asks_and_used_again(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    realm = str(server.make_url("/jwt/auth"))

    async def tags(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer t-1":
            challenge = f'Bearer realm="{realm}",service="container_registry",scope="repository:acme/shop:pull"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        return web.json_response({"name": "acme/shop", "tags": ["1.0.0"]})

    async def auth(request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == CI.header()
        assert dict(request.query) == {"service": "container_registry", "scope": "repository:acme/shop:pull"}
        return web.json_response({"token": "t-1", "expires_in": 300})

    made.paths = {"/v2/acme/shop/tags/list": tags, "/jwt/auth": auth}
    client = client_of(host_of(server), session)

    assert await client.tags("acme/shop") == ("1.0.0",)
    assert await client.tags("acme/shop") == ("1.0.0",)

    assert [request.path for request in made.requests].count("/jwt/auth") == 1


async def test_credentials_are_not_sent_to_a_stranger(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script

    async def tags(_: web.Request) -> web.StreamResponse:
        challenge = 'Bearer realm="https://evil.example.net/token",service="x"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    made.paths = {"/v2/acme/shop/tags/list": tags}

    with pytest.raises(PermanentError, match="not trusted with the credentials"):
        await client_of(host_of(server), session).tags("acme/shop")


@pytest.mark.parametrize(
    ("registry", "host", "yes"),
    [
        ("registry.example.com", "registry.example.com", True),
        ("registry.example.com", "gitlab.example.com", True),
        ("registry.gitlab.com", "gitlab.com", True),
        ("registry-1.docker.io", "auth.docker.io", True),
        ("registry.example.com", "evilexample.com", False),
        ("registry.com", "evil.com", False),
        ("10.0.0.1", "9.0.0.1", False),
        ("localhost", "evil.example.com", False),
    ],
)
def test_a_token_server_belongs_to_its_registry_by_name(registry: str, host: str, yes: bool) -> None:
    assert related(registry, host) is yes


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="demo"', Challenge(scheme="basic", realm="demo")),
        ("bearer realm=https://h/t, service=s", Challenge(scheme="bearer", realm="https://h/t", service="s")),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_challenges_are_understood(header: str, expected: Challenge | None) -> None:
    assert parse_challenge(header) == expected


async def test_a_digest_is_computed_where_the_header_is_missing(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script

    async def manifest(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b"{}")

    made.paths = {"/v2/acme/shop/manifests/1.0.0": manifest}

    digest = await client_of(host_of(server), session).digest("acme/shop", "1.0.0")

    assert digest == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"


async def test_content_that_is_not_its_digest_is_refused(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    digest = "sha256:" + "0" * 64

    async def manifest(_: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"annotations":{"org.opencontainers.image.revision":"evil"}}')

    made.paths = {f"/v2/acme/shop/manifests/{digest}": manifest}

    with pytest.raises(PermanentError, match="with other content"):
        await client_of(host_of(server), session).labels("acme/shop", digest)


async def test_attestations_are_no_image_and_annotations_win(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    config = json.dumps({"config": {"Labels": {"version": "config", "only": "config", "both": "config"}}}).encode()
    image = document({"config": {"digest": digest_of(config)}, "annotations": {"version": "image", "both": "image"}})
    attestation = {"digest": "sha256:" + "1" * 64, "platform": {"os": "unknown", "architecture": "unknown"}}
    linux = {"digest": digest_of(image), "platform": {"os": "linux", "architecture": "amd64"}}
    index = document({"manifests": [attestation, linux], "annotations": {"version": "index"}})
    for content in (index, image):
        made.paths[f"/v2/acme/shop/manifests/{digest_of(content)}"] = serving(content)
    made.paths[f"/v2/acme/shop/blobs/{digest_of(config)}"] = redirecting(str(server.make_url("/storage")))
    made.paths["/storage"] = serving(config)

    labels = await client_of(host_of(server), session).labels("acme/shop", digest_of(index))

    assert labels == {"version": "index", "both": "image", "only": "config"}


async def test_credentials_do_not_follow_a_redirect_to_another_host(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    elsewhere = Script()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", elsewhere.handle)
    elsewhere.paths["/storage"] = serving(b'{"tags":["1.0.0"]}')
    async with TestServer(application) as storage:

        async def tags(request: web.Request) -> web.StreamResponse:
            if "Authorization" not in request.headers:
                return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return web.Response(status=307, headers={"Location": str(storage.make_url("/storage"))})

        made.paths = {"/v2/acme/shop/tags/list": tags}

        assert await client_of(host_of(server), session).tags("acme/shop") == ("1.0.0",)

    assert "Authorization" not in elsewhere.requests[0].headers


@pytest.mark.parametrize("location", ["/v2/acme/shop/tags/list", "http://h:port/x", "http://[", "mailto:x"])
async def test_a_redirect_to_nowhere_needs_a_person(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession, location: str
) -> None:
    made, server = script
    made.paths = {"/v2/acme/shop/tags/list": redirecting(location)}

    with pytest.raises(PermanentError, match="redirects in a circle"):
        await client_of(host_of(server), session).tags("acme/shop")


async def test_a_breakdown_is_tried_again_and_then_temporary(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    failures = [503, 502]

    async def tags(_: web.Request) -> web.StreamResponse:
        return web.Response(status=failures.pop()) if failures else web.json_response({"tags": None})

    made.paths = {"/v2/acme/shop/tags/list": tags}
    client = client_of(host_of(server), session)
    assert await client.tags("acme/shop") == ()

    failures.extend([500] * 10)
    with pytest.raises(TemporaryError):
        await client.tags("acme/shop")


@pytest.mark.parametrize(("body", "error"), [(b"<html>", TemporaryError), (b'{"tags":"x"}', PermanentError)])
async def test_answers_that_are_no_registrys_are_told_apart(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession, body: bytes, error: type[Exception]
) -> None:
    made, server = script
    made.paths = {"/v2/acme/shop/tags/list": serving(body)}

    with pytest.raises(error):
        await client_of(host_of(server), session).tags("acme/shop")


@pytest.mark.parametrize("repository", ["", "Acme/shop", "../x", "acme//shop", "acme/shop?x", "a" * 300])
async def test_odd_names_are_never_asked_for(session: aiohttp.ClientSession, repository: str) -> None:
    with pytest.raises(PermanentError, match="no repository"):
        await client_of("127.0.0.1:1", session).tags(repository)


@pytest.mark.parametrize(
    "host", ["", "https://registry.example.org", "user@registry.example.org", "host/path", "h?x=1"]
)
async def test_a_registry_is_a_host_and_nothing_else(session: aiohttp.ClientSession, host: str) -> None:
    with pytest.raises(PermanentError, match="HOST or HOST:PORT"):
        RegistryTransport(host, session, HostBudget(per_minute=60), SystemClock())


def test_a_password_is_not_shown() -> None:
    assert "a-long-secret" not in repr(CI)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def document(content: dict[str, object]) -> bytes:
    return json.dumps(content).encode()


def serving(content: bytes) -> Handler:
    async def serve(_: web.Request) -> web.StreamResponse:
        return web.Response(body=content)

    return serve


def redirecting(address: str) -> Handler:
    async def redirect(_: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": address})

    return redirect


async def nothing() -> None:
    """Stands before a write that nothing stops."""


async def test_a_tag_is_placed_beside_the_one_of_the_build(registry: Registry, session: aiohttp.ClientSession) -> None:
    digest = registry.push_image("acme/shop", "1.0.0", LABELS)
    client = client_of(registry.host, session)

    placed = await client.ensure_tag("acme/shop", digest, "1.0.0-prod", before_write=nothing)
    again = await client.ensure_tag("acme/shop", digest, "1.0.0-prod", before_write=nothing)

    assert (placed, again) == (True, False)
    assert await client.digest("acme/shop", "1.0.0-prod") == digest
    assert await client.digest("acme/shop", "1.0.0") == digest


async def test_a_tag_of_another_digest_is_never_moved(registry: Registry, session: aiohttp.ClientSession) -> None:
    old = registry.push_image("acme/shop", "1.0.0", LABELS)
    new = registry.push_image("acme/shop", "1.1.0", LABELS, salt="x")
    client = client_of(registry.host, session)

    with pytest.raises(PermanentError, match=r"names sha256:.* already, and a tag is never moved"):
        await client.ensure_tag("acme/shop", new, "1.0.0", before_write=nothing)

    assert await client.digest("acme/shop", "1.0.0") == old


async def test_what_is_not_in_the_repository_is_not_tagged(registry: Registry, session: aiohttp.ClientSession) -> None:
    registry.push_image("acme/shop", "1.0.0", LABELS)

    with pytest.raises(PermanentError, match="is not in registry"):
        await client_of(registry.host, session).ensure_tag(
            "acme/shop", f"sha256:{'0' * 64}", "1.1.0", before_write=nothing
        )


async def test_a_refusal_before_the_write_leaves_the_tag_alone(
    registry: Registry, session: aiohttp.ClientSession
) -> None:
    digest = registry.push_image("acme/shop", "1.0.0", LABELS)
    client = client_of(registry.host, session)

    async def lost() -> None:
        raise StaleError("the claim was lost")

    with pytest.raises(StaleError):
        await client.ensure_tag("acme/shop", digest, "1.0.0-prod", before_write=lost)

    assert await client.digest("acme/shop", "1.0.0-prod") is None


async def test_a_missing_right_to_push_is_named_without_the_password(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    reader = Account(name="ci", password="a-long-secret", may=frozenset({"pull"}))
    running = Registry("demo", tmp_path, lambda: datetime.now(UTC), accounts=(reader,), anonymous=frozenset())
    await running.start()
    digest = running.push_image("acme/shop", "1.0.0", LABELS)

    with pytest.raises(PermanentError, match=r"may not push it.*write_registry") as refused:
        await client_of(running.host, session).ensure_tag("acme/shop", digest, "1.0.0-prod", before_write=nothing)
    await running.stop()

    assert "a-long-secret" not in str(refused.value)


async def test_a_tag_is_put_again_after_a_broken_answer(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    body = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    put: list[tuple[bytes, str]] = []

    async def content(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/vnd.oci.image.index.v1+json")

    async def tag(request: web.Request) -> web.StreamResponse:
        if request.method == "PUT":
            put.append((await request.read(), request.content_type))
            return web.Response(status=502 if len(put) == 1 else 201)
        return web.Response(headers={"Docker-Content-Digest": digest}) if len(put) > 1 else web.Response(status=404)

    made.paths[f"/v2/acme/shop/manifests/{digest}"] = content
    made.paths["/v2/acme/shop/manifests/1.0.0-prod"] = tag

    wrote = await client_of(host_of(server), session).ensure_tag(
        "acme/shop", digest, "1.0.0-prod", before_write=nothing
    )

    assert wrote
    assert put == [(body, "application/vnd.oci.image.index.v1+json")] * 2


async def test_a_token_to_pull_is_changed_for_one_to_push(
    script: tuple[Script, TestServer], session: aiohttp.ClientSession
) -> None:
    made, server = script
    realm, tagged = str(server.make_url("/jwt/auth")), False
    body = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"

    async def token(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": request.query["scope"].rpartition(":")[2]})

    async def manifest(request: web.Request) -> web.StreamResponse:
        nonlocal tagged
        scope = "pull,push" if request.method == "PUT" else "pull"
        if request.headers.get("Authorization") not in (f"Bearer {scope}", "Bearer pull,push"):
            challenge = f'Bearer realm="{realm}",service="r",scope="repository:acme/shop:{scope}"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge})
        if request.method == "PUT":
            tagged = True
            return web.Response(status=201)
        if request.path.endswith("1.0.0-prod"):
            return web.Response(headers={"Docker-Content-Digest": digest}, status=200 if tagged else 404)
        return web.Response(body=body)

    made.paths["/jwt/auth"] = token
    made.paths[f"/v2/acme/shop/manifests/{digest}"] = manifest
    made.paths["/v2/acme/shop/manifests/1.0.0-prod"] = manifest

    assert await client_of(host_of(server), session).ensure_tag("acme/shop", digest, "1.0.0-prod", before_write=nothing)
