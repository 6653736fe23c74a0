"""What a canary says of a release: who carries it, who serves it, and what that makes of Flux's word.

A phase alone says nothing of a release: Flagger rolls back in `Progressing`, keeps `Failed` when Git returns to what
serves, and speaks of the revision it last noticed (Flagger 1.41; failures F13, F14). So images decide.
"""

from dataclasses import dataclass
from typing import Protocol

from bot.clients.kubernetes import (
    CanaryObject,
    Cluster,
    Kind,
    about,
    summarise_canary,
    summarise_deployment,
    summarise_events,
)
from bot.errors import PermanentError
from bot.looking.canary_words import Word, of_the_newest_analysis
from bot.looking.flux_health import Judgement
from bot.observing import CanaryPhase, CanarySeen
from bot.positions.references import split
from bot.records import CanaryMessage
from bot.releases import Image, Release
from config.policy import CanaryRef, EnvironmentPolicy

CANARY: Kind = "Canary"
AT_REST: frozenset[CanaryPhase] = frozenset({"Initialized", "Succeeded", "Failed"})
"""Phases in which no traffic moves and what serves stays."""
GOING: frozenset[CanaryPhase] = frozenset({"Terminating", "Terminated"})
SILENT: frozenset[CanaryPhase] = GOING.union({"Initializing", "Initialized", "Succeeded"})
"""Phases in which nobody asks what an analysis said, so that a canary at rest costs no list of Events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A canary that cannot be told about."""

    because: str


class Heard(Protocol):
    """What Flagger's `event` hooks said: the journal."""

    async def canary_messages(self, cluster: str, canary: str) -> tuple[CanaryMessage, ...]:
        """The newest sentences of a canary, oldest first. canary: `<namespace>/<name>`."""
        ...


async def canary_of(
    cluster: Cluster,
    ref: CanaryRef,
    environment: EnvironmentPolicy,
    release: Release | None,
    heard: Heard | None = None,
) -> CanarySeen | Unseen:
    """The canary and both its Deployments, held against the release that the cluster applied.

    heard: what Flagger's hooks said; None where they are not kept, and then Kubernetes' Events tell alone.
    """
    found = await _canary(cluster, ref)
    if isinstance(found, Unseen):
        return found
    target = await _images(cluster, found.namespace, found.target) or ()
    primary = await _images(cluster, found.namespace, found.primary) or ()
    return CanarySeen(
        name=str(ref),
        phase=found.phase,
        images=target,
        carries=release is not None and carries(environment, release, target),
        serves=release is not None and carries(environment, release, primary),
        spec=spoken_of(found),
        messages=await _messages(cluster, ref, heard) if found.phase not in SILENT else (),
    )


async def target_images(cluster: Cluster, ref: CanaryRef) -> tuple[str, ...] | None:
    """What the canary's target Deployment carries now, as `CanarySeen.images`; None when it cannot be told."""
    found = await _canary(cluster, ref)
    return None if isinstance(found, Unseen) else await _images(cluster, found.namespace, found.target)


def spoken_of(found: CanaryObject) -> str:
    """What the phase speaks of: the hash last applied, or for a failure the moment it was first said.

    In `Failed` Flagger notes the hash of whatever the target carries, at each tick and before it asks whether it may
    roll that out (1.41, shouldAdvance): by the hash, the old failure would be that of the release just merged.
    """
    verdict = found.verdict
    if found.phase == "Failed" and verdict is not None and verdict.status == "False" and verdict.since is not None:
        return f"failed at {verdict.since:%Y-%m-%dT%H:%M:%SZ}"
    return found.last_applied_spec


async def _canary(cluster: Cluster, ref: CanaryRef) -> CanaryObject | Unseen:
    document = await cluster.get(CANARY, ref.namespace, ref.name)
    if document is None:
        return Unseen(because=f"there is no canary {ref}")
    found = summarise_canary(document)
    if found.suspended:
        return Unseen(because=f"canary {ref} is suspended")
    if found.target_kind != "Deployment":
        return Unseen(because=f"canary {ref} rolls out a {found.target_kind}, and only Deployments are read")
    return found


async def _images(cluster: Cluster, namespace: str, name: str) -> tuple[str, ...] | None:
    document = await cluster.get("Deployment", namespace, name)
    return None if document is None else summarise_deployment(document).images


async def _messages(cluster: Cluster, ref: CanaryRef, heard: Heard | None) -> tuple[str, ...]:
    """Flagger's sentences since the analysis began, as far as Events may be read and its hooks arrived."""
    hooks = () if heard is None else await heard.canary_messages(cluster.name, str(ref))
    said = [Word(at=one.at, message=one.message) for one in hooks]
    return of_the_newest_analysis(await _events(cluster, ref), said)


async def _events(cluster: Cluster, ref: CanaryRef) -> list[Word]:
    try:
        items, _ = await cluster.list("Event", ref.namespace, fields=about(CANARY, ref.namespace, ref.name))
        return [Word(at=found.last, message=found.message) for found in summarise_events(items)]
    except PermanentError:
        return []


def carries(environment: EnvironmentPolicy, release: Release, references: tuple[str, ...]) -> bool:
    """Whether a pod template has every image of a release as this environment names it, and no other of that name."""
    written = [split(reference) for reference in references]
    return bool(release.images) and all(_has(environment, release, image, written) for image in release.images)


def _has(environment: EnvironmentPolicy, release: Release, image: Image, written: list[tuple[str, str, str]]) -> bool:
    """By digest where one is written, else by the tag the release has here."""
    wanted = image.tag or environment.tag(release.version)
    here = [(tag, digest) for name, tag, digest in written if name == environment.image_name(image.name)]
    return bool(here) and all(digest == image.digest if digest else tag == wanted for tag, digest in here)


def joined(flux: Judgement, canary: CanarySeen | Unseen, release: Release | None) -> Judgement:
    """Flux's word first; what it calls healthy is only healthy once the release serves and nothing moves."""
    if flux.health != "healthy":
        return flux
    if isinstance(canary, Unseen):
        return Judgement(health="unknown", because=canary.because, reason=flux.reason)
    if release is None:
        because = f"what canary {canary.name} should carry cannot be told: the applied revision declares no release"
        return Judgement(health="unknown", because=because, reason=flux.reason)
    if canary.phase in GOING:
        return Judgement(health="unknown", because=f"canary {canary.name} is {canary.phase}", reason=flux.reason)
    return _rolling_out(flux, canary)


def _rolling_out(flux: Judgement, canary: CanarySeen) -> Judgement:
    if not canary.carries:
        because = f"the target of canary {canary.name} does not carry what was applied"
        return Judgement(health="progressing", because=because, reason=flux.reason)
    if canary.serves and canary.phase in AT_REST:
        because = f"{flux.because}, and the primary of canary {canary.name} serves it"
        return Judgement(health="healthy", because=because, reason=flux.reason)
    if canary.phase == "Failed":
        because = f"canary {canary.name} failed: {'; '.join(canary.messages[-3:]) or 'Flagger said nothing more'}"
        return Judgement(health="failed", because=because[:300], failing="canary", reason=flux.reason)
    because = f"canary {canary.name} is {canary.phase}"
    return Judgement(health="progressing", because=because, reason=flux.reason)
