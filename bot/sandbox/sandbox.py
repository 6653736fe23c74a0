"""The whole world in one object: GitLab, registry and cluster, seeded and healthy, with the control API beside them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bot.sandbox.clock import SandboxClock
from bot.sandbox.cluster import Cluster
from bot.sandbox.cluster.access import admin, reader
from bot.sandbox.cluster.kinds import RECEIVER
from bot.sandbox.cluster.rollouts import Outcome
from bot.sandbox.control import Control
from bot.sandbox.credentials import Credentials
from bot.sandbox.datadir import DataDir
from bot.sandbox.documents import path
from bot.sandbox.gitlab import GitLab, Hook, Project
from bot.sandbox.people import APPLICATION_PROJECT, CONFIG_PROJECT, People, Tokens, create_projects, populate
from bot.sandbox.registry import Account, Registry
from bot.sandbox.releasing import REPOSITORY, Releasing
from bot.sandbox.seeding import (
    FIRST_VERSION,
    Released,
    secret,
    seed_application,
    seed_cluster,
    seed_config,
    until_healthy,
)

CLUSTER = "demo"
BOT_SERVICE = "sluice.sluice"
"""The bot's name inside the cluster, `<service>.<namespace>`: Canaries in Git write their hooks' URLs with it."""
HOOK_EVENTS = (
    "push_events",
    "tag_push_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "pipeline_events",
    "deployment_events",
    "emoji_events",
)


class Sandbox:
    """Made by `Sandbox.start`. The parts are public: tests may furnish and disturb them from inside the process."""

    def __init__(self, claimed: DataDir) -> None:
        data_dir = claimed.path
        self._data_dir = claimed
        self._hooks: list[tuple[Project, Hook]] = []
        self.clock = SandboxClock()
        self.credentials = Credentials()
        accounts = (
            Account(name="sluice", password=self.credentials.registry_password, may=frozenset({"pull", "push"})),
        )
        self.gitlab = GitLab(data_dir / "gitlab", self.clock)
        self.registry = Registry("demo", data_dir / "registry", self.clock, accounts=accounts)
        self.cluster = Cluster(
            CLUSTER,
            data_dir / "cluster",
            self.clock,
            users=(reader(self.credentials.cluster_token), admin(self.credentials.cluster_admin_token)),
            pull=self._pull,
        )
        self.control = Control(self, self.credentials.control_token)
        self.people: People
        self.tokens: Tokens
        self.config_project: Project
        self.application_project: Project
        self.releasing: Releasing
        self.first_release: Released

    @classmethod
    async def start(cls, data_dir: Path, *, port: int = 0, bot_url: str | None = None, host: str = "127.0.0.1") -> Self:
        """Start and seed everything below a folder of its own; `port` is GitLab's, 0 takes a free one.

        Returns once release 1.0.0 is healthy in dev, staging and production. Raises PermanentError: the folder is in
        use or not a sandbox's, or the port is taken.
        """
        claimed = DataDir(data_dir)
        claimed.claim()
        sandbox = cls(claimed)
        try:
            await sandbox._begin(host, port)
            if bot_url is not None:
                await sandbox.set_bot_url(bot_url)
        except BaseException:
            await sandbox.stop()
            raise
        return sandbox

    async def stop(self) -> None:
        """Stop every part and let the folder go. Raises what a defect of the sandbox left behind."""
        await self.control.stop()
        try:
            await self.cluster.stop()
        finally:
            await self.registry.stop()
            await self.gitlab.stop()
            self._data_dir.release()

    @property
    def facts(self) -> dict[str, object]:
        """Where everything is and what opens it: the line that `sluice sandbox` prints."""
        credentials = self.credentials
        return {
            "gitlab_url": self.gitlab.url,
            "token": self.tokens.sluice,
            "root_token": self.tokens.root,
            "registry_url": self.registry.url,
            "config_project": CONFIG_PROJECT,
            "application_projects": [APPLICATION_PROJECT],
            "webhook_secret": credentials.webhook_secret,
            "kubeconfig": str(self.cluster.kubeconfig),
            "control_url": self.control.url,
            "cluster": CLUSTER,
            "cluster_url": self.cluster.url,
            "control_token": credentials.control_token,
            "developer_token": self.tokens.developer,
            "maintainer_token": self.tokens.maintainer,
            "signing_token": credentials.signing_token,
            "flux_secret": credentials.flux_secret,
            "flagger_token": credentials.flagger_token,
            "registry_name": self.registry.name,
            "registry_user": "sluice",
            "registry_password": credentials.registry_password,
            "registry_hook_token": credentials.registry_hook_token,
        }

    async def set_bot_url(self, url: str) -> None:
        """Point GitLab's webhooks, Flux's provider, Flagger's hooks and the registry's notifications at a bot."""
        base, credentials = url.rstrip("/"), self.credentials
        self.cluster.flagger.hooks.services[BOT_SERVICE] = base
        for project, hook in self._hooks:
            project.hooks.remove(hook)
        self._hooks = [
            (
                project,
                self.gitlab.add_hook(
                    project,
                    f"{base}/hooks/gitlab",
                    token=credentials.webhook_secret,
                    signing_token=credentials.signing_token,
                    events=HOOK_EVENTS,
                ),
            )
            for project in (self.config_project, self.application_project)
        ]
        provider = {"token": credentials.flux_secret, "address": f"{base}/hooks/flux/{CLUSTER}"}
        self.cluster.put(secret("sluice-webhook", provider))
        self.registry.notifier.headers = {"Authorization": f"Bearer {credentials.registry_hook_token}"}
        self.registry.notifier.url = f"{base}/hooks/registry/{self.registry.name}"

    async def release(
        self, version: str, *, changes: Sequence[str] = (), outcome: Outcome = "healthy", salt: str = ""
    ) -> Released:
        """Make a release of demo-service as its CI would: commits, tag, green pipelines, image."""
        return await self.releasing.release(version, changes=changes, cluster=self.cluster, outcome=outcome, salt=salt)

    async def _begin(self, host: str, port: int) -> None:
        await asyncio.gather(self.gitlab.start(host, port), self.registry.start(host), self.control.start(host))
        self.people, self.tokens = populate(self.gitlab)
        self.config_project, self.application_project = await create_projects(self.gitlab, self.people)
        self.releasing = Releasing(
            self.gitlab, self.application_project, self.people, registry=self.registry, clock=self.clock
        )
        commit = await seed_application(self.gitlab, self.application_project, self.people)
        self.first_release = self.releasing.push(FIRST_VERSION, commit)
        self.registry.tag(REPOSITORY, f"{FIRST_VERSION}-prod", FIRST_VERSION)
        head = await seed_config(self.gitlab, self.config_project, self.people, self._blanks())
        await self._begin_cluster(host, head)
        await self.gitlab.settle()
        self.gitlab.reset_counters()

    async def _begin_cluster(self, host: str, head: str) -> None:
        usual = self.cluster.settings.rollout
        self.cluster.settings.rollout = 0.0
        await self.cluster.start(host)
        seed_cluster(
            self.cluster,
            git=self._git_url,
            flux_token=self.tokens.flux,
            registry=self.registry,
            credentials=self.credentials,
        )
        await until_healthy(self.cluster, head)
        self.cluster.settings.rollout = usual
        receiver = self.cluster.objects.get(RECEIVER, "flux-system", "flux-config")
        place = path(receiver, "status", "webhookPath")
        token = self.credentials.receiver_token
        self.gitlab.add_hook(self.config_project, f"{self.cluster.url}{place}", token=token, events=("push_events",))

    @property
    def _git_url(self) -> str:
        return f"{self.gitlab.url}/{CONFIG_PROJECT}.git"

    def _blanks(self) -> dict[str, str]:
        first = self.first_release
        return {
            "cluster": CLUSTER,
            "commit": first.commit,
            "digest": first.digest,
            "flagger_token": self.credentials.flagger_token,
            "git": self._git_url,
            "registry": self.registry.host,
            "version": first.version,
        }

    def _pull(self, image: str) -> str | None:
        """The digest of an image in the sandbox's registry; images of other registries are taken as they are named."""
        host, _, rest = image.partition("/")
        if host != self.registry.host:
            return ""
        name, _, digest = rest.partition("@")
        repository, _, tag = name.partition(":")
        return self.registry.digest_of(repository, digest or tag or "latest")
