"""What the clusters say: per application and environment the revision applied and tried, and how that fares."""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bot.clients.kubernetes import Cluster, FluxObject, Kind, summarise
from bot.errors import TemporaryError
from bot.looking.canary_truth import Heard, Unseen, canary_of, joined
from bot.looking.flux_health import Judgement, judge
from bot.looking.git_truth import Written
from bot.looking.images import Images
from bot.looking.selection_truth import SelectionTruth
from bot.observing import CanarySeen, ClusterSeen, SelectionSeen
from bot.releases import Release
from config.policy import EnvironmentPolicy

KUSTOMIZATION: Kind = "Kustomization"
T = TypeVar("T")


class ClusterAway(TemporaryError):
    """A cluster's API does not answer, which says nothing of the other clusters."""


class Revisions(Protocol):
    """What a config repository says at a revision, as GitTruth reads it."""

    async def knows(self, revision: str) -> bool:
        """Whether the commit can be read."""
        ...

    async def written(self, revision: str, environment: EnvironmentPolicy, release_file: str) -> Written:
        """What a revision says of an application in an environment."""
        ...


@dataclass(slots=True)
class ClusterTruth:
    """Reads Kustomizations, canaries and image policies of the configured clusters.

    heard: what Flagger's hooks said of canaries, beside Kubernetes' Events.
    """

    clusters: Mapping[str, Cluster]
    images: Images
    heard: Heard | None = None

    async def seen(self, git: Revisions, environment: EnvironmentPolicy, release_file: str) -> tuple[ClusterSeen, ...]:
        """Each cluster of an environment, in the policy's order; one whose API is away is unknown, and says so.

        Raises TemporaryError when none of them can be read, for then nothing is known of the environment.
        """
        found: list[ClusterSeen] = []
        missed: ClusterAway | None = None
        for name in environment.clusters:
            try:
                found.append(await self.in_cluster(name, git, environment, release_file))
            except ClusterAway as error:
                missed = error
                found.append(_unknown(name, str(error), away=True))
        if missed is not None and all(one.away or one.cluster not in self.clusters for one in found):
            raise missed
        return tuple(found)

    async def selections(
        self, environment: EnvironmentPolicy, policies: Mapping[str, str]
    ) -> tuple[SelectionSeen, ...]:
        """What the image policies select. policies: `<namespace>:<name>` by the image as it is built."""
        return await SelectionTruth(self.clusters, self.images).read(environment, policies)

    async def in_cluster(
        self, name: str, git: Revisions, environment: EnvironmentPolicy, release_file: str
    ) -> ClusterSeen:
        """One cluster: Flux's word of the Kustomization, joined with the canary's where the policy names one.

        Raises ClusterAway when its API does not answer.
        """
        cluster = self.clusters.get(name)
        if cluster is None:
            return _unknown(name, f"cluster {name} is not read through its API")
        where = environment.kustomization
        document = await _answer(name, cluster.get(KUSTOMIZATION, where.namespace, where.name))
        if document is None:
            return _unknown(name, f"there is no Kustomization {where}")
        found = summarise(document)
        applied = applied_commit(found)
        release = await _release(applied, git, environment, release_file)
        judgement, canary = await _answer(name, self._judged(cluster, found, environment, release))
        return ClusterSeen(
            cluster=name,
            revision=applied,
            release=release,
            attempt=await _release(commit_of(found.last_attempted_revision), git, environment, release_file),
            health=judgement.health,
            because=judgement.because,
            canary=canary,
            failing=judgement.failing,
            reason=judgement.reason,
        )

    async def _judged(
        self, cluster: Cluster, found: FluxObject, environment: EnvironmentPolicy, release: Release | None
    ) -> tuple[Judgement, CanarySeen | None]:
        flux = judge(found)
        if environment.canary is None:
            return flux, None
        canary = await canary_of(cluster, environment.canary, environment, release, self.heard)
        return joined(flux, canary, release), None if isinstance(canary, Unseen) else canary


async def _answer(cluster: str, reading: Awaitable[T]) -> T:
    """What a cluster answers; only this names it as away, for Git and registries are read in between."""
    try:
        return await reading
    except TemporaryError as error:
        because = f"cluster {cluster} cannot be read now: {error}"
        raise ClusterAway(because, retry_after=error.retry_after) from error


async def _release(revision: str, git: Revisions, environment: EnvironmentPolicy, release_file: str) -> Release | None:
    """What the positions say at a revision, for that is what Flux applies; None when it is not known as a release.

    Where merge requests write them a person may have written the release file alone: what it names runs nowhere then.
    """
    if not revision or not await git.knows(revision):
        return None
    written = await git.written(revision, environment, release_file)
    return written.standing if written.agrees or environment.delivery == "image_automation" else None


def _unknown(cluster: str, because: str, *, away: bool = False) -> ClusterSeen:
    return ClusterSeen(
        cluster=cluster, revision="", release=None, attempt=None, health="unknown", because=because, away=away
    )


REVISION = re.compile(r"(?:.*@sha1:|.*/|)([0-9a-f]{40})")
"""`branch@sha1:<sha>`, `tag@sha1:<sha>`, the legacy `branch/<sha>`, or a bare sha (Flux source API v1)."""


def commit_of(revision: str) -> str:
    """The Git commit of a Flux revision, empty for one of another kind (an OCI digest, a chart version)."""
    found = REVISION.fullmatch(revision)
    return found[1] if found else ""


def applied_commit(found: FluxObject) -> str:
    """The commit last applied: for an OCI artifact that of its origin, as Flux itself looks it up."""
    return commit_of(found.last_applied_origin_revision) or commit_of(found.last_applied_revision)
