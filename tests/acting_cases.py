"""A place to act on: an embedded GitLab with a config repository, a registry, a journal, and an executor over them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from bot.actions import Decision, LearnConfiguration, Outside, RollBack, act
from bot.clients.budget import HostBudget
from bot.clients.git import Author, GitMirror
from bot.clients.gitlab import GitLabAPI
from bot.clients.registry import RegistryClient, RegistryTransport
from bot.clock import SystemClock
from bot.errors import TemporaryError
from bot.executor import Executor, Outcome
from bot.journal import Claim, Journal
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey
from bot.looking.git_truth import GitTruth
from bot.looking.images import Images
from bot.positions import parse_denial_file, parse_pin_file, parse_release_file, release_file
from bot.records import Denial, Failure, Pin
from bot.releases import Image, Release
from bot.sandbox.gitlab.people import AccessLevel, User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import MergeRequest
from bot.sandbox.gitlab.server import GitLab
from bot.sandbox.registry import Registry
from bot.tenants import Tenant, Tenants
from bot.wiring.clients import Apis
from config.policy import Policy

CONFIG, SOURCE = "acme/config", "acme/shop"
KEY = EnvironmentKey("acme", "shop", "production")
FAILED_AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
POSITION = "apps/production/kustomization.yaml"
RELEASE = ".sluice/releases/production/shop.yaml"
PIN = ".sluice/pins/production/shop.yaml"
DENIALS = ".sluice/denials/production/shop.yaml"
MARKER = '{"$imagepolicy": "flux-system:shop:tag"}'
PINNED = '{"$sluice-pinned": "flux-system:shop:tag"}'

POLICY = """
version: 1
mode: act
environments:
  staging: {{cluster: one, tag: "{{version}}-staging"}}
  production: {{cluster: one, after: [staging], delivery: {delivery}, tag: "{{version}}-prod"{more}}}
applications:
  shop:
    project: acme/shop
    images: ["{image}"]
    kustomization: "flux-system/shop-{{environment}}"
    position: {{kind: kustomize_images, file: "apps/{{environment}}/kustomization.yaml", image: shop}}
"""


@dataclass(slots=True)
class Stage:
    """Everything that is acted on, and what a test asks it."""

    gitlab: GitLab
    registry: Registry
    journal: Journal
    claim: Claim
    executor: Executor
    mirror: GitMirror
    config: Project
    source: Project
    bot: User
    person: User
    tenants: Tenants
    releases: dict[str, Release] = field(default_factory=dict)

    async def perform(self, *actions: Outside) -> Outcome:
        """What the worker does with a decision."""
        decision: Decision = act(*actions, because="a test wants it")
        return await self.executor.perform(self.claim, decision, datetime.now(UTC))

    async def insist(self, *actions: Outside) -> Outcome:
        """The same, again and again while time may heal it."""
        async with asyncio.timeout(20):
            while True:
                try:
                    return await self.perform(*actions)
                except TemporaryError:
                    await asyncio.sleep(0.05)

    def learn(self, *, delivery: str = "merge_request", more: str = "") -> None:
        """Decide by another policy from now on."""
        text = POLICY.format(delivery=delivery, more=more, image=self.image)
        self.tenants.learn("acme", Policy.parse(text))

    @property
    def image(self) -> str:
        """The image's name as it is built."""
        return f"{self.registry.host}/acme/shop"

    def release(self, version: str, commit: str = "") -> Release:
        """A release whose image is in the registry under the build's tag."""
        if version not in self.releases:
            digest = self.registry.push_image("acme/shop", version, {}, salt=version)
            image = Image(name=self.image, digest=digest, tag=version)
            self.releases[version] = Release(application="shop", images=(image,), version=version, commit=commit)
        return self.releases[version]

    def rollback(self, bad: str = "1.1.0", good: str = "1.0.0", **changes: object) -> RollBack:
        """The rollback of a measured failure, as a rule would want it."""
        wanted = RollBack(
            key=KEY,
            release=self.release(bad),
            back_to=self.release(good),
            failure=failure(),
            deny=True,
            by="sluice",
            way="commit",
            people=(),
            because=f"the canary of {bad} failed in production",
        )
        return replace(wanted, **changes)  # type: ignore[arg-type]

    async def declare(self, version: str, *, marker: str = "", more: str = "") -> str:
        """The default branch says this version, as if it had been promoted."""
        release = self.release(version)
        tagged = replace(release, images=tuple(replace(one, tag=f"{version}-prod") for one in release.images))
        return await self.commit(
            {RELEASE: release_file(tagged, "production"), POSITION: self.position(version, marker, more)},
            f"Bring {version}",
        )

    def position(self, version: str, marker: str = "", more: str = "") -> str:
        """The kustomization of production, with a comment that must stay."""
        comment = f" # {marker}" if marker else ""
        return (
            "resources: [../base] # keep me\nimages:\n  - name: shop\n"
            f"    newName: {self.image}\n    newTag: {version}-prod{comment}\n{more}"
        )

    async def commit(self, files: dict[str, str], message: str, branch: str = "main") -> str:
        """A person's commit."""
        return await self.gitlab.commit_files(self.config, branch, files, message, self.person)

    async def text(self, path: str, revision: str = "main") -> str | None:
        """A file as the server has it now."""
        await self.mirror.fetch()
        body = await self.mirror.read(revision, path)
        return None if body is None else body.decode()

    async def declared(self, revision: str = "main") -> str:
        """The version that the release file says."""
        return parse_release_file(await self.text(RELEASE, revision) or "").version

    async def pin(self, revision: str = "main") -> Pin | None:
        """The pin file, understood."""
        text = await self.text(PIN, revision)
        return None if text is None else parse_pin_file(text)

    async def denials(self, revision: str = "main") -> tuple[Denial, ...]:
        """The denial file, understood."""
        text = await self.text(DENIALS, revision)
        return () if text is None else parse_denial_file(text)

    async def head(self) -> str:
        """The default branch as the server has it now."""
        await self.mirror.fetch()
        return await self.mirror.resolve("main")

    def close_main(self) -> None:
        """The bot may no longer push to the default branch, nor merge into it."""
        self.gitlab.add_member(self.config, self.bot, AccessLevel.DEVELOPER)

    def requests(self, state: str = "") -> list[MergeRequest]:
        """The config project's merge requests."""
        found = self.config.merge_requests.values()
        return [one for one in found if not state or one.state == state]

    def pushes(self) -> list[str]:
        """The refs that the bot moved, one entry for each time."""
        return [one.path for one in self.gitlab.ledger.writes(user="sluice-bot", succeeded=True) if one.method == "GIT"]


def failure(**changes: object) -> Failure:
    """A canary that was measured to be bad."""
    seen = Failure(
        kind="measured",
        cause="canary",
        evidence="canary one/production/shop 1234",
        because="success rate 50.00 < 99",
        at=FAILED_AT,
    )
    return replace(seen, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    """GitLab, registry and journal, with 1.0.0 and then 1.1.0 promoted into production."""
    async with aiohttp.ClientSession() as session, _gitlab(folder) as gitlab, _registry(folder) as registry:
        person, bot = gitlab.create_user("maintainer", "Maintainer"), gitlab.create_user("sluice-bot", "Sluice")
        gitlab.create_group("acme")
        config = await gitlab.create_project(CONFIG, creator=person)
        source = await gitlab.create_project(SOURCE, creator=person)
        for project in (config, source):
            gitlab.add_member(project, bot, AccessLevel.MAINTAINER)
        token = gitlab.create_token(bot, ("api", "write_repository"))
        mirror = GitMirror(
            folder / "mirror.git",
            f"{gitlab.url}/{CONFIG}.git",
            lambda: token,
            Author(name="Sluice", email="sluice@example.org"),
        )
        journal = await Journal.open(f"sqlite:///{folder}/journal.db", SystemClock())
        api = GitLabAPI(gitlab.url, token, session, HostBudget(per_minute=60_000), SystemClock())
        client = RegistryClient(
            RegistryTransport(registry.host, session, HostBudget(per_minute=60_000), SystemClock(), insecure=True)
        )
        tenant = Tenant(name="acme", config_project=CONFIG, branch="main", projects=("acme/*",))
        tenants = Tenants([tenant])
        truth = GitTruth(tenant=tenant, mirror=mirror, images=Images(registries={registry.host: client}))
        await journal.learn_configuration(_ours(journal))
        claim = await _claimed(journal, ApplicationKey("acme", "shop"))
        stage = Stage(
            gitlab=gitlab,
            registry=registry,
            journal=journal,
            claim=claim,
            executor=executor_of("one", journal, tenants, api, truth),
            mirror=mirror,
            config=config,
            source=source,
            bot=bot,
            person=person,
            tenants=tenants,
        )
        stage.learn()
        await stage.declare("1.0.0")
        await stage.declare("1.1.0")
        try:
            yield stage
        finally:
            await mirror.close()
            await journal.close()


@asynccontextmanager
async def _gitlab(folder: Path) -> AsyncIterator[GitLab]:
    gitlab = GitLab(folder / "gitlab", lambda: datetime.now(UTC))
    await gitlab.start()
    yield gitlab
    await gitlab.stop()


@asynccontextmanager
async def _registry(folder: Path) -> AsyncIterator[Registry]:
    everything = frozenset({"pull", "push", "delete"})
    registry = Registry("demo", folder / "registry", lambda: datetime.now(UTC), anonymous=everything)  # type: ignore[arg-type]
    await registry.start()
    yield registry
    await registry.stop()


def executor_of(name: str, journal: Journal, tenants: Tenants, api: GitLabAPI, truth: GitTruth) -> Executor:
    """An executor as the composition root makes it, with one token for everything."""
    return Executor(
        name=name,
        journal=journal,
        tenants=tenants,
        apis=Apis(read=api, write=api, status=api),
        truths={"acme": truth},
        clock=SystemClock(),
        public_url="",
        lease=timedelta(minutes=5),
    )


def _ours(journal: Journal) -> LearnConfiguration:
    return LearnConfiguration(
        key=ConfigKey("acme"),
        head="0" * 40,
        policy="",
        merge_requests=(),
        install=journal.installation_id,
        fault="",
    )


async def _claimed(journal: Journal, key: ApplicationKey) -> Claim:
    await journal.dirty([key], because="a test")
    (claim,) = await journal.claim("one", lease=timedelta(minutes=5), limit=1)
    return claim


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.05)
