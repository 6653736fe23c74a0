"""The application's CI in one call: commits, a tag, a green pipeline, an image."""

from collections.abc import Sequence

from bot.errors import PermanentError
from bot.sandbox.clock import SandboxClock
from bot.sandbox.cluster import Cluster
from bot.sandbox.cluster.rollouts import Outcome
from bot.sandbox.gitlab import GitLab, Project
from bot.sandbox.people import People
from bot.sandbox.registry import Registry
from bot.sandbox.seeding import Released
from bot.sandbox.waiting import until_nothing_hinders

REPOSITORY = "demo/demo-service"
PATIENCE = 10.0


class Releasing:
    """Makes releases of the demo application."""

    def __init__(
        self, gitlab: GitLab, project: Project, people: People, *, registry: Registry, clock: SandboxClock
    ) -> None:
        self._gitlab = gitlab
        self._project = project
        self._people = people
        self._registry = registry
        self._clock = clock
        self._changes = 0

    @property
    def image(self) -> str:
        """The image's name, `host:port/repository`."""
        return f"{self._registry.host}/{REPOSITORY}"

    async def release(
        self,
        version: str,
        *,
        changes: Sequence[str],
        cluster: Cluster,
        outcome: Outcome = "healthy",
        salt: str = "",
    ) -> Released:
        """Commit each change as the developer, tag `v<version>`, wait for the pipelines, push the image.

        Raises PermanentError when the version was released before, or its pipelines do not end.
        """
        if self._project.repository.tag(f"v{version}") is not None:
            raise PermanentError(f"demo-service {version} was released before: choose another version")
        cluster.set_outcome(f"{self.image}:{version}", outcome)
        commit = ""
        for subject in changes or (f"Prepare {version}",):
            self._changes += 1
            content = {f"src/release-{self._changes}.txt": f"{subject}\n"}
            commit = await self._gitlab.commit_files(self._project, "main", content, subject, self._people.developer)
        self._gitlab.set_pipeline_result(commit, "success")
        await self._gitlab.create_tag(self._project, f"v{version}", commit, user=self._people.developer)
        await self._until_green(version, commit)
        return self.push(version, commit, salt=salt)

    def push(self, version: str, commit: str, *, salt: str = "") -> Released:
        """Push the image of a commit; another salt is a rebuild with another digest."""
        labels = {
            "org.opencontainers.image.created": self._clock.now().replace(microsecond=0).isoformat(),
            "org.opencontainers.image.revision": commit,
            "org.opencontainers.image.source": f"{self._gitlab.url}/{self._project.path_with_namespace}",
            "org.opencontainers.image.version": version,
        }
        digest = self._registry.push_image(REPOSITORY, version, labels, salt=salt)
        return Released(version=version, commit=commit, image=f"{self.image}:{version}", digest=digest)

    async def _until_green(self, version: str, commit: str) -> None:
        def hindrance() -> str:
            states = [one.status for one in self._project.pipelines if one.sha == commit]
            return ", ".join(state for state in states if state != "success")

        states = await until_nothing_hinders(hindrance, patience=PATIENCE)
        if states:
            raise PermanentError(f"the pipelines of demo-service {version} did not become green: {states}")
