"""The live observer: it reads Git, clusters, GitLab, registries and the journal for the rules, and changes nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from bot.answers import StandingLine
from bot.clock import Clock
from bot.errors import PermanentError
from bot.journal import Journal
from bot.keys import ApplicationKey, CommandKey, ConfigKey, EnvironmentKey, SourceKey
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.configuration_truth import ConfigurationTruth
from bot.looking.git_truth import GitTruth
from bot.looking.gitlab_truth import GitLabTruth
from bot.looking.people import People
from bot.looking.placing import Placing
from bot.looking.sightings import Sightings
from bot.looking.sources import SourceTruth
from bot.looking.standings import standings
from bot.observing import (
    Approval,
    Caller,
    CanaryGate,
    Command,
    CommitSeen,
    Comparison,
    ConfigurationSeen,
    EnvironmentSeen,
    EnvironmentState,
    Explanation,
    FailureMark,
    Freeze,
    FreezeWindow,
    Hold,
    Installation,
    Involved,
    MergeRequestSeen,
    NoteSeen,
    Place,
    Promotion,
    Release,
    ReleaseRecord,
    Request,
    Rights,
    Source,
    TagSeen,
)
from bot.tenants import Tenant, Tenants
from config.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that is looked at, made once by the composition root."""

    journal: Journal
    tenants: Tenants
    git: Mapping[str, GitTruth]
    gitlab: GitLabTruth
    clusters: ClusterTruth
    configurations: ConfigurationTruth
    sources: SourceTruth
    sightings: Sightings
    people: People
    explain: Callable[[EnvironmentKey], Awaitable[Explanation]]
    clock: Clock


class LiveObserver:
    """One look at the world under one policy. The mirror is fetched once, so that all rules of a run see one Git."""

    def __init__(self, world: World, policy: Policy) -> None:
        self._world = world
        self._policy = policy
        self._placing = Placing(world.sightings.images)
        self._heads: dict[str, str] = {}
        self._gits: dict[str, GitTruth] = {}
        self._environments: dict[EnvironmentKey, EnvironmentSeen] = {}

    @property
    def policy(self) -> Policy:
        """The policy this run decides by."""
        return self._policy

    def _tenant(self, name: str) -> Tenant:
        tenant = self._world.tenants.get(name)
        if tenant is None:
            raise PermanentError(f"the tenant {name} is not configured any more. Configure it, or let the work rest.")
        return tenant

    def _git(self, tenant: str) -> GitTruth:
        """The tenant's mirror, with each image's tag looked up at most once in this run."""
        if tenant not in self._gits:
            git = self._world.git[self._tenant(tenant).name]
            self._gits[tenant] = replace(git, images=git.images.for_one_look())
        return self._gits[tenant]

    async def _head(self, tenant: str) -> str:
        """The default branch as of this run's first look."""
        if tenant not in self._heads:
            git = self._git(tenant)
            await git.mirror.fetch()
            self._heads[tenant] = await git.head()
        return self._heads[tenant]

    async def source(self, key: SourceKey) -> Source:
        """The Flux object, and what the journal knew of it."""
        return Source(now=await self._world.sources.read(key), known=await self._world.journal.source(key))

    async def configuration(self, key: ConfigKey) -> ConfigurationSeen:
        """The config repository after a fetch."""
        tenant = self._tenant(key.tenant)
        head = await self._head(key.tenant)
        return await self._world.configurations.read(tenant, head, self._policy)

    async def installation(self, tenant: str) -> Installation:
        """Whether Git names this journal as the one that acts here."""
        known = await self._world.journal.tenant(tenant)
        if known is not None and known.install and known.install == self._world.journal.installation_id:
            return Installation(adopted=True, because="this installation adopted the config repository")
        if known is not None and known.install:
            because = "another installation adopted the config repository; run `sluice adopt` to take over"
            return Installation(adopted=False, because=because)
        return Installation(adopted=False, because="the config repository was not adopted yet; run `sluice adopt`")

    async def releases(self, key: ApplicationKey) -> tuple[ReleaseRecord, ...]:
        """From the journal."""
        return await self._world.journal.releases(key)

    async def has_baseline(self, key: ApplicationKey) -> bool:
        """From the journal."""
        return await self._world.journal.baseline(key) is not None

    async def sightings(self, key: ApplicationKey) -> tuple[Release, ...]:
        """What the environments at the start run, or their registry offers."""
        git = self._git(key.tenant)
        head = await self._head(key.tenant)
        return await self._world.sightings.read(key, git, head, self._policy)

    async def environment(self, key: EnvironmentKey) -> EnvironmentSeen:
        """Git at its head, each cluster at the revision it reports, and what image policies select where they count.

        Looked at once: the rules of a run see one world, until one of them changes it and the run looks anew.
        """
        if key not in self._environments:
            self._environments[key] = await self._look(key)
        return self._environments[key]

    async def _look(self, key: EnvironmentKey) -> EnvironmentSeen:
        git, head = self._git(key.tenant), await self._head(key.tenant)
        policy = self._policy.environment(key.application, key.environment)
        file = self._policy.release_file(key.application, key.environment)
        written = await git.written(head, policy, file)
        automated = policy.delivery == "image_automation" or written.marking == "pinned"
        return EnvironmentSeen(
            environment=key.environment,
            declared=written.declared,
            written=written.tags,
            agrees=written.agrees,
            clusters=await self._world.clusters.seen(git, policy, file),
            standing=written.standing,
            marking=written.marking,
            pin=await git.pin(head, key),
            denials=await git.denials(head, key),
            selections=await self._world.clusters.selections(policy, written.policies) if automated else (),
        )

    async def promotions(self, key: ApplicationKey) -> tuple[Promotion, ...]:
        """From the journal."""
        return await self._world.journal.promotions(key)

    async def environment_states(self, key: EnvironmentKey) -> tuple[EnvironmentState, ...]:
        """From the journal."""
        states = await self._world.journal.environment_states(key.owner)
        return tuple(state for state in states if state.key == key)

    async def merge_request(self, key: EnvironmentKey, iid: int | None) -> MergeRequestSeen | None:
        """From GitLab; its head is read from Git."""
        return await self._world.gitlab.merge_request(self._git(key.tenant), key, iid)

    async def comparison(self, key: ApplicationKey, running: Release | None, target: Release) -> Comparison | None:
        """From GitLab's history of the application's project."""
        if running is None:
            return None
        return await self._world.gitlab.comparison(self._project(key), running, target)

    async def commit(self, key: ApplicationKey, sha: str) -> CommitSeen | None:
        """From GitLab."""

        def is_tag(ref: str) -> bool:
            return self._policy.version_of_tag(key.application, ref) is not None

        return await self._world.gitlab.commit(self._project(key), sha, is_tag)

    async def requests(self, key: EnvironmentKey) -> tuple[Request, ...]:
        """From the journal."""
        return await self._world.journal.requests(key)

    async def holds(self, key: EnvironmentKey) -> tuple[Hold, ...]:
        """From the journal."""
        return await self._world.journal.holds(key)

    async def command(self, key: CommandKey) -> tuple[Command | None, int]:
        """From the journal."""
        return await self._world.journal.next_command(key)

    async def ended(self, key: CommandKey) -> tuple[Command, ...]:
        """From the journal."""
        return await self._world.journal.ended_commands(key)

    async def caller(self, command: Command) -> Caller:
        """From GitLab, now."""
        return await self._world.people.caller(command, self._tenant(command.heard.tenant), self._policy)

    async def note(self, place: Place) -> NoteSeen | None:
        """From GitLab, now."""
        return await self._world.people.note(place)

    async def code_lives(self, code: str) -> bool:
        """From the journal."""
        return await self._world.journal.code_lives(code)

    async def approvals(self, key: EnvironmentKey) -> tuple[Approval, ...]:
        """From the journal."""
        return await self._world.journal.approvals(key)

    async def native_approvals(self, key: EnvironmentKey, request: MergeRequestSeen) -> tuple[Approval, ...]:
        """From GitLab: those given since we last wrote the merge request, for on GitLab Free they outlast a push."""
        written = await self._world.journal.effect(f"merge-request:{key}")
        if written is None or written.done_at is None:
            return ()
        tenant = self._tenant(key.tenant)
        return await self._world.people.approvals(key, request, written.done_at, tenant, self._policy)

    async def involved(self, key: EnvironmentKey, comparison: Comparison | None, request: MergeRequestSeen) -> Involved:
        """From the commits of the application's project and the merge requests that they came with."""
        return await self._world.people.authorship.involved(self._project(key.owner), comparison)

    async def freeze_windows(self, key: EnvironmentKey) -> tuple[FreezeWindow, ...]:
        """No calendar is read: the policy refuses to name any."""
        return ()

    async def freezes(self, tenant: str, environment: str) -> tuple[Freeze, ...]:
        """From the journal."""
        return await self._world.journal.freezes(tenant, environment)

    async def explained(self, key: EnvironmentKey) -> Explanation:
        """From the other rules, run now."""
        return await self._world.explain(key)

    async def standings(self, tenant: str, application: str) -> tuple[StandingLine, ...]:
        """From the journal alone."""
        now = self._world.clock.now()
        return tuple(await standings(self._world.journal, self._policy, tenant, application, now))

    async def failures(self, tenant: str) -> tuple[FailureMark, ...]:
        """From the journal."""
        return await self._world.journal.failures(tenant)

    async def canary_gates(self, key: EnvironmentKey) -> tuple[CanaryGate, ...]:
        """From the journal."""
        return await self._world.journal.canary_gates(key)

    async def rights(self, tenant: str) -> Rights:
        """From GitLab, of the default branch and the user who writes."""
        known = self._tenant(tenant)
        return await self._world.gitlab.rights(known.config_project, known.branch)

    async def rollback_request(self, key: EnvironmentKey) -> MergeRequestSeen | None:
        """From GitLab; its head is read from Git."""
        return await self._world.gitlab.rollback_request(self._git(key.tenant), key)

    async def placed(self, key: EnvironmentKey, release: Release) -> tuple[TagSeen, ...]:
        """From the environment's registry."""
        environment = self._policy.environment(key.application, key.environment)
        return await self._placing.placed(environment, release)

    async def irreversible(self, key: EnvironmentKey, release: Release) -> tuple[str, ...]:
        """From the environment's registry."""
        environment = self._policy.environment(key.application, key.environment)
        return await self._placing.irreversible(environment, release)

    async def written(self, effect_key: str) -> str:
        """From the journal."""
        return await self._world.journal.written(effect_key)

    def _project(self, key: ApplicationKey) -> str:
        """The application's GitLab project, if the operator granted it to this tenant."""
        project = self._policy.applications[key.application].project
        if not self._tenant(key.tenant).may_govern(project):
            raise PermanentError(
                f"{key.application} names the project {project}, which the operator did not grant to {key.tenant}. "
                "Ask for it in the tenant's application_projects, or mend policy.yaml."
            )
        return project
