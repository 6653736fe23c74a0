"""The outside, opened from the settings: GitLab under its tokens, a mirror for each tenant, clusters and registries."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from pydantic import SecretStr
from yarl import URL

from bot.clients.budget import HostBudget
from bot.clients.git import Author, GitMirror
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.kubernetes import Cluster
from bot.clients.registry import Credentials, RegistryClient
from bot.clients.registry.transport import RegistryTransport
from bot.clock import Clock
from bot.tenants import Tenant, Tenants
from config.settings import Settings

AUTHOR = Author(name="Sluice", email="sluice@localhost.invalid")
"""Who commits. No address of a person: GitLab then ties the commits to nobody but shows them under the bot's name."""

REGISTRY_REQUESTS_PER_MINUTE = 600
"""Reads of one registry; the strictest public ones count pulls of manifests, which are remembered by digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apis:
    """One GitLab under the token that each kind of work needs; the same object where the tokens are the same."""

    read: GitLabAPI
    write: GitLabAPI
    status: GitLabAPI


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Everything outside, by the names of the settings; mirrors by tenant."""

    apis: Apis
    mirrors: Mapping[str, GitMirror]
    clusters: Mapping[str, Cluster]
    registries: Mapping[str, RegistryClient]


@asynccontextmanager
async def open_clients(settings: Settings, tenants: Tenants, clock: Clock) -> AsyncIterator[Clients]:
    """Make every client; nothing is asked of anybody yet, so the bot starts while the outside is away."""
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(ssl=_tls(settings))
        # GitLab's session cookies are nobody's here: the token says who calls.
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        )
        plain = await stack.enter_async_context(aiohttp.ClientSession())
        mirrors = {tenant.name: mirror_of(settings, tenant) for tenant in tenants}
        for mirror in mirrors.values():
            stack.push_async_callback(mirror.close)
        clusters = {
            name: _cluster(settings, name) for name, found in settings.clusters.items() if found.access == "api"
        }
        for cluster in clusters.values():
            stack.push_async_callback(cluster.close)
        yield Clients(
            apis=apis_of(settings, session, clock),
            mirrors=mirrors,
            clusters=clusters,
            registries={host: _registry(settings, host, plain, clock) for host in settings.registries},
        )


def _tls(settings: Settings) -> ssl.SSLContext | bool:
    return ssl.create_default_context(cafile=str(settings.gitlab.ca_file)) if settings.gitlab.ca_file else True


def apis_of(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> Apis:
    """GitLab under its tokens; one budget, because GitLab counts by user and a shared one is the careful guess."""
    budget = HostBudget(per_minute=settings.gitlab.requests_per_minute)
    made: dict[str, GitLabAPI] = {}

    def under(token: SecretStr) -> GitLabAPI:
        secret = token.get_secret_value()
        if secret not in made:
            made[secret] = GitLabAPI(settings.gitlab.url, secret, session, budget, clock)
        return made[secret]

    return Apis(
        read=under(settings.gitlab.access_token()),
        write=under(settings.gitlab.write_access_token()),
        status=under(settings.gitlab.status_access_token()),
    )


def mirror_of(settings: Settings, tenant: Tenant) -> GitMirror:
    """The mirror of a tenant's config repository, under the data directory."""
    return GitMirror(
        settings.data_dir / "mirrors" / f"{tenant.name}.git",
        f"{settings.gitlab.url}/{tenant.config_project}.git",
        lambda: settings.gitlab.write_access_token().get_secret_value(),
        AUTHOR,
    )


def _cluster(settings: Settings, name: str) -> Cluster:
    found = settings.clusters[name]
    return Cluster(name, kubeconfig=found.kubeconfig, context=found.context)


def _registry(settings: Settings, host: str, session: aiohttp.ClientSession, clock: Clock) -> RegistryClient:
    found = settings.registries[host]
    address = URL(settings.registry_url(host))

    def credentials() -> Credentials | None:
        password = found.live_password()
        if password is None or found.username is None:
            return None
        return Credentials(username=found.username, password=password.get_secret_value())

    budget = HostBudget(per_minute=REGISTRY_REQUESTS_PER_MINUTE)
    return RegistryClient(
        RegistryTransport(
            address.authority,
            session,
            budget,
            clock,
            credentials=credentials,
            insecure=address.scheme == "http",
        )
    )
