"""What tests of the API build on: a journal with a story in it, served over HTTP to a caller with a token."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from journal_cases import a_delivery, says, take_one

from bot.actions import Decision, Gate, LearnConfiguration, WriteSticky
from bot.api import create_api
from bot.clock import FixedClock
from bot.events import Delivery, Reading, Unreadable
from bot.explaining import Explained
from bot.journal import Journal
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey
from bot.records import EnvironmentState, Failure, Promotion
from bot.releases import Image, Release
from bot.replaying import dump_decision
from bot.server import create_runner
from bot.tenants import Tenant, Tenants
from config.policy import Policy

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "a-token-for-reading-and-commands"
SHOP = ApplicationKey("demo", "shop")
STAGING = EnvironmentKey("demo", "shop", "staging")
BECAUSE = "1.1.0 waits: dev is not healthy yet"
WORSE = "success rate 50.00 < 99"
POLICY = """\
version: 1
mode: act
environments:
  dev: {cluster: demo, delivery: observe}
  staging: {cluster: demo, after: [dev], merge: automatic}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/shop/{environment}/kustomization.yaml", image: shop}
"""
RELEASE = Release(
    application="shop",
    images=(Image(name="registry.example/demo/shop", digest="sha256:" + "1" * 64, tag="1.1.0"),),
    version="1.1.0",
    commit="c" * 40,
)
BODY = {"object_kind": "pipeline", "user": {"email": "developer@example.org"}, "ref": "main", "token": "hush-hush"}


@dataclass
class ScriptedExplainer:
    """Answers what it is told to, and notes what it was asked."""

    answers: list[Explained] = field(default_factory=list)
    asked: list[EnvironmentKey] = field(default_factory=list)

    async def explain(self, key: EnvironmentKey) -> list[Explained]:
        self.asked.append(key)
        return self.answers


@dataclass(kw_only=True)
class Caller:
    """Asks the API as somebody with a token."""

    url: str
    session: aiohttp.ClientSession
    journal: Journal
    explainer: ScriptedExplainer
    clock: FixedClock
    token: str = TOKEN

    async def get(self, path: str, status: int = 200) -> Any:
        return await self.ask("GET", path, status)

    async def post(self, path: str, body: Mapping[str, object] | None = None, status: int = 202) -> Any:
        return await self.ask("POST", path, status, body)

    async def ask(self, method: str, path: str, status: int, body: Mapping[str, object] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = f"{self.url}/api/v1{path}"
        async with self.session.request(method, url, headers=headers, json=body) as response:
            text = await response.text()
            assert response.status == status, text
            assert response.content_type == "application/json"
            return json.loads(text)


def governing(*names: str) -> Tenants:
    """Tenants with the policy of these tests."""
    tenants = Tenants(
        Tenant(name=name, config_project=f"{name}/flux-config", branch="main", projects=("demo/*",)) for name in names
    )
    for name in names:
        tenants.learn(name, Policy.parse(POLICY))
    return tenants


@asynccontextmanager
async def serving(
    folder: Path, *, tokens: Mapping[str, str] | None = None, tenants: Tenants | None = None
) -> AsyncIterator[Caller]:
    """The API on a free loopback port, over a new SQLite journal."""
    clock = FixedClock(START)
    journal = await Journal.open(f"sqlite:///{folder}/journal.db", clock)
    explainer = ScriptedExplainer()
    api = create_api(
        journal,
        tenants or governing("demo"),
        explainer,
        {"ci": TOKEN} if tokens is None else tokens,
        clock,
        gitlab_url="https://gitlab.example",
    )
    app = web.Application()
    app.add_subapp("/api/v1", api)
    runner = create_runner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield Caller(url=url, session=session, journal=journal, explainer=explainer, clock=clock)
    finally:
        await runner.cleanup()
        await journal.close()


def gate(verdict: str = "waiting") -> Gate:
    """A gate as the promotion rule shows it."""
    return Gate(name="healthy before", verdict=verdict, because="dev is not healthy yet")  # type: ignore[arg-type]


def waiting() -> Decision:
    """A decision that waits and writes the sticky note with one gate."""
    note = WriteSticky(
        key=STAGING,
        merge_request=7,
        release=RELEASE,
        state="waiting",
        gates=(gate(),),
        because=BECAUSE,
    )
    return Decision(kind="wait", because=BECAUSE, actions=(note,), look_again=timedelta(minutes=1), gates=(gate(),))


async def tell_story(journal: Journal) -> str:
    """A delivery dirtied the application, the rule waited, two clusters differ; returns the delivery's id."""
    clock = FixedClock(START)
    delivery = a_delivery(clock, body=json.dumps(BODY).encode())
    await journal.put(delivery)
    await journal.digest(lambda _: says("pipeline 1", SHOP))
    claim = await take_one(journal)
    await journal.record_run(
        claim,
        handler="promotion",
        subject=STAGING,
        facts=b'{"seen":{"environment":"staging","declared":{"version":"1.0.0","images":[]}}}',
        policy=Policy.parse(POLICY).model_dump_json().encode(),
        now=START,
        decision=dump_decision(waiting()),
        outcome="waiting",
        because=BECAUSE,
    )
    await journal.finish(claim, wake_at=None, because=BECAUSE)
    await journal.save_promotion(promotion())
    for cluster, version in (("eu-1", "1.0.0"), ("eu-2", "0.9.0")):
        await journal.save_environment_state(running(cluster, version))
    return delivery.id


async def adopt(journal: Journal) -> None:
    """This installation may act on the config repository."""
    await journal.learn_configuration(configuration(journal.installation_id))


async def tell_rollback(journal: Journal, clock: FixedClock) -> None:
    """1.1.0 failed in staging and was taken back: Git says so with a pin and a denial, the journal with a promotion."""
    release, bad = {"version": "1.0.0", "images": []}, {"version": "1.1.0", "images": []}
    since = START.isoformat()
    pin = {"release": release, "instead_of": bad, "failure": "measured", "since": since, "because": WORSE, "by": "ci"}
    denial = {"image": {}, "version": "1.1.0", "since": since, "because": WORSE, "incident": "staging/shop/1.1.0"}
    seen = {"environment": "staging", "declared": release, "pin": pin, "denials": [denial, denial]}
    await journal.dirty([SHOP], because="a canary failed")
    claim = await take_one(journal)
    await journal.record_run(
        claim,
        handler="rollback",
        subject=STAGING,
        facts=json.dumps({"seen": seen}).encode(),
        policy=Policy.parse(POLICY).model_dump_json().encode(),
        now=clock.now(),
        decision=dump_decision(Decision(kind="skip", because=WORSE)),
        outcome="skipped",
        because=WORSE,
    )
    await journal.finish(claim, wake_at=None, because=WORSE)
    failure = Failure(kind="measured", cause="canary", evidence="canary demo/shop/shop 1", because=WORSE, at=START)
    await journal.save_promotion(replace(promotion(), state="rolled_back", because=WORSE, failure=failure))


def promotion() -> Promotion:
    """Where the release stands in staging."""
    return Promotion(
        id="p1",
        key=STAGING,
        release=RELEASE,
        state="waiting",
        because=BECAUSE,
        opened_at=START,
        updated_at=START,
        merge_request=7,
    )


def running(cluster: str, version: str) -> EnvironmentState:
    """What a cluster runs; the one with an old version has failed."""
    return EnvironmentState(
        key=STAGING,
        cluster=cluster,
        release_id=version * 8,
        version=version,
        revision="f" * 40,
        health="failed" if version == "0.9.0" else "healthy",
        ever_healthy=True,
        because="ReconciliationSucceeded",
        since=START,
    )


def configuration(install: str, fault: str = "") -> LearnConfiguration:
    """The config repository as it was looked at."""
    return LearnConfiguration(
        key=ConfigKey("demo"), head="a" * 40, policy="", merge_requests=(), install=install, fault=fault
    )


def cannot_read(_: Delivery) -> Reading:
    """A parser that understands nothing."""
    return Reading(parsed=Unreadable(reason="it is not JSON"))
