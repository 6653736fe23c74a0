"""A running bot beside a running sandbox, in one process, for tests that watch it over real HTTP."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import aiohttp
import structlog

from bot.app import App
from bot.sandbox.sandbox import Sandbox
from config.settings import Settings

T = TypeVar("T")

API_TOKEN = "test-api-token"
PATIENCE = 120.0
"""Seconds after which a wait is given up; nothing is expected to take nearly as long."""


@dataclass(slots=True)
class Outside:
    """The sandbox as the bot's outside: its facts, and plain HTTP to its GitLab and its control API."""

    sandbox: Sandbox
    session: aiohttp.ClientSession

    @property
    def facts(self) -> Mapping[str, Any]:
        """What `sluice sandbox` prints."""
        return self.sandbox.facts

    async def gitlab(self, path: str, token: str = "root_token", method: str = "GET", **body: Any) -> Any:
        """GitLab's API as somebody named by the key of their token in the facts."""
        headers = {"PRIVATE-TOKEN": self.facts[token]}
        url = f"{self.facts['gitlab_url']}/api/v4/{path}"
        async with self.session.request(method, url, headers=headers, json=body or None) as response:
            text = await response.text()
            assert response.status < 400, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if text else None

    async def control(self, path: str, method: str = "POST", /, **body: Any) -> Any:
        """The sandbox's control API."""
        headers = {"Authorization": f"Bearer {self.facts['control_token']}"}
        url = f"{self.facts['control_url']}/control/{path}"
        async with self.session.request(method, url, headers=headers, json=body or None) as response:
            text = await response.text()
            assert response.status < 400, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if text else None

    async def merge_requests(self) -> list[dict[str, Any]]:
        """The config project's, newest first."""
        return cast("list[dict[str, Any]]", await self.gitlab(f"projects/{self.config}/merge_requests?state=all"))

    @property
    def config(self) -> str:
        """The config project, quoted for a path."""
        return str(self.facts["config_project"]).replace("/", "%2F")

    @property
    def application(self) -> str:
        """The application project, quoted for a path."""
        return str(self.facts["application_projects"][0]).replace("/", "%2F")


@dataclass(slots=True)
class Running(Outside):
    """A bot in this process beside its outside, and plain HTTP to its API."""

    app: App

    async def api(self, path: str, method: str = "GET", **body: Any) -> Any:
        """The bot's own API."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        async with self.session.request(
            method, f"{self.app.url}/api/v1/{path}", headers=headers, json=body or None
        ) as response:
            return await response.json()

    async def adopt(self) -> None:
        """Let the bot act."""
        await self.api("adopt", "POST", tenant="demo")

        async def adopted() -> bool:
            known = await self.app.machine.worker.journal.tenant("demo")
            return known is not None and known.adopted_at is not None

        await until(adopted, "the repository is adopted")


async def until(condition: Callable[[], Awaitable[T | None]], what: str, patience: float = PATIENCE) -> T:
    """Wait until the condition is true and return it; fails with `what` when it never is."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while True:
        found = await condition()
        if found:
            return found
        assert loop.time() < end, f"never seen: {what}"
        await asyncio.sleep(0.05)


def settings_for(facts: Mapping[str, Any], data_dir: Path, **overrides: Any) -> Settings:
    """The operator's settings for a sandbox."""
    registry = str(facts["registry_url"]).partition("://")[2].rstrip("/")
    values: dict[str, Any] = {
        "gitlab": {"url": facts["gitlab_url"], "token": facts["token"], "requests_per_minute": 2000},
        "data_dir": data_dir,
        "listen": {"port": 0},
        "webhooks": {
            "demo": {
                "scope": "instance",
                "tokens": [facts["webhook_secret"]],
                "signing_tokens": [facts["signing_token"]] if facts.get("signing_token") else [],
            }
        },
        "clusters": {
            facts["cluster"]: {
                "kubeconfig": facts["kubeconfig"],
                "flux_secrets": [facts["flux_secret"]],
                "flagger_tokens": [facts["flagger_token"]],
            }
        },
        "registries": {
            registry: {
                "insecure": True,
                "username": facts["registry_user"],
                "password": facts["registry_password"],
                "webhook_name": facts["registry_name"],
                "webhook_tokens": [facts["registry_hook_token"]],
            }
        },
        "tenants": {
            "demo": {
                "config_project": facts["config_project"],
                "application_projects": ["demo/*"],
                "clusters": [facts["cluster"]],
                "namespaces": ["*"],
            }
        },
        "api_tokens": {"test": {"token": API_TOKEN}},
        "resync_every": timedelta(seconds=60),
    }
    return Settings(**{**values, **overrides})


@asynccontextmanager
async def running(folder: Path, **overrides: Any) -> AsyncIterator[Running]:
    """A sandbox and a bot that hear each other; overrides are settings of the bot."""
    with quieter():
        async with _running(folder, **overrides) as world:
            yield world


@contextmanager
def quieter() -> Iterator[None]:
    """Without the lines of debugging: thousands of them hide what a failed test has to say."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        yield
    finally:
        structlog.configure(**before)


@asynccontextmanager
async def _running(folder: Path, **overrides: Any) -> AsyncIterator[Running]:
    sandbox = await Sandbox.start(folder / "sandbox")
    try:
        app = await App.start(settings_for(sandbox.facts, folder / "bot", **overrides))
        try:
            await sandbox.set_bot_url(app.url)
            async with aiohttp.ClientSession() as session:
                yield Running(sandbox, session, app)
        finally:
            await app.stop()
    finally:
        await sandbox.stop()
