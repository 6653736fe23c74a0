"""kustomize-controller: each new revision is built, applied, waited for and reported, Flux's words included."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime

from bot.sandbox.cluster.applying import Applier, ApplyFailed, Entry
from bot.sandbox.cluster.attempt import Attempt
from bot.sandbox.cluster.conditions import is_ready
from bot.sandbox.cluster.controller import Controller, interval_of
from bot.sandbox.cluster.durations import go_duration
from bot.sandbox.cluster.health import Health, health_of
from bot.sandbox.cluster.kinds import GIT_REPOSITORY, KUSTOMIZATION
from bot.sandbox.cluster.kustomize import build
from bot.sandbox.cluster.manifests import BuildFailed
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.cluster.source import Artifact
from bot.sandbox.documents import Document, canonical, path

# What a Kustomization may say that the sandbox acts on; anything else is refused as BuildFailed.
MODELLED = frozenset(
    {"interval", "retryInterval", "timeout", "path", "prune", "wait", "suspend", "sourceRef", "dependsOn",
     "targetNamespace", "images", "patches"}
)  # fmt: skip


class Unready(Exception):
    """Health checks did not pass; the text is what was waited for."""


class Kustomizations(Controller):
    """Reconciles Kustomizations whose source is a GitRepository."""

    kind = KUSTOMIZATION

    def __init__(
        self,
        objects: Objects,
        recorder: Recorder,
        settings: Settings,
        clock: Callable[[], datetime],
        artifacts: dict[tuple[str, str], Artifact],
    ) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._artifacts = artifacts
        self._applier = Applier(objects)

    def hear(self, change: Change) -> None:
        """Also follow the revisions of sources."""
        super().hear(change)
        if change.kind is not GIT_REPOSITORY or change.after is None:
            return
        revisions = [path(one or {}, "status", "artifact", "revision") for one in (change.before, change.after)]
        if revisions[0] == revisions[1]:
            return
        meta = change.after["metadata"]
        for document in self.objects.all(self.kind):
            if _source_key(document) == (meta["namespace"], meta["name"]):
                self.nudge(document["metadata"]["namespace"], document["metadata"]["name"])

    async def reconcile(self, document: Document) -> float | None:
        """One reconciliation, from fetching to its event."""
        if document["spec"].get("suspend"):
            return None
        attempt = Attempt(document, self.objects, self._recorder, self._clock)
        artifact = self._artifacts.get(_source_key(document))
        if artifact is None:
            attempt.conditions.mark("Ready", "False", "ArtifactFailed", "Source artifact not found, retrying in 5s")
            attempt.finish()
            return self._settings.dependency_retry
        attempt.revision = artifact.revision
        unready = self._unready_dependency(document, artifact.revision)
        if unready:
            attempt.conditions.mark("Ready", "False", "DependencyNotReady", unready)
            attempt.say("info", "Dependencies do not meet ready condition, retrying in 5s")
            attempt.finish()
            return self._settings.dependency_retry
        return await self._run(attempt, artifact)

    async def _run(self, attempt: Attempt, artifact: Artifact) -> float:
        spec = attempt.document["spec"]
        try:
            await self._steps(attempt, artifact)
        except BuildFailed as error:
            attempt.fail("BuildFailed", str(error))
        except ApplyFailed as error:
            attempt.remember("ReconciliationFailed")
            attempt.fail("ReconciliationFailed", str(error))
        except Unready as error:
            attempt.remember("HealthCheckFailed")
            attempt.conditions.mark("Healthy", "False", "HealthCheckFailed", str(error))
            attempt.fail("HealthCheckFailed", f"health check failed after {attempt.since_check()}: {error}")
        else:
            attempt.succeed(spec.get("interval", "1m"))
            return interval_of(attempt.document)
        return interval_of(attempt.document, "retryInterval", spec.get("interval", "1m"))

    async def _steps(self, attempt: Attempt, artifact: Artifact) -> None:
        document = attempt.document
        attempt.conditions.mark("Ready", "Unknown", "Progressing", "Reconciliation in progress")
        attempt.progress(f"Fetching manifests for revision {artifact.revision} with a timeout of {_timeout(document)}")
        attempt.status["lastAttemptedRevision"] = artifact.revision
        attempt.progress(f"Building manifests for revision {artifact.revision} with a timeout of {_timeout(document)}")
        unknown = sorted(set(document["spec"]) - MODELLED)
        if unknown:
            raise BuildFailed(f"kustomize build failed: spec.{', spec.'.join(unknown)} is not modelled by the sandbox")
        objects = build(artifact.files, document["spec"].get("path", "./"), document["spec"])
        attempt.digest = f"sha256:{hashlib.sha256(canonical(objects)).hexdigest()}"
        attempt.progress(f"Detecting drift for revision {artifact.revision} with a timeout of {_timeout(document)}")
        entries = self._apply(attempt, objects)
        await self._check_health(attempt, entries)
        attempt.status["lastAppliedRevision"] = artifact.revision
        attempt.conditions.mark("Ready", "True", "ReconciliationSucceeded", f"Applied revision: {artifact.revision}")
        attempt.remember("ReconciliationSucceeded")

    def _apply(self, attempt: Attempt, objects: list[Document]) -> list[Entry]:
        entries = self._applier.apply(objects, attempt.document)
        changed = [str(entry) for entry in entries if entry.action in ("created", "configured")]
        attempt.drifted = bool(changed)
        if changed:
            attempt.say("info", "\n".join(changed))
        kept = [entry.inventory() for entry in entries]
        stale = [one for one in path(attempt.status, "inventory", "entries") or [] if one not in kept]
        attempt.status["inventory"] = {"entries": kept}
        if attempt.document["spec"].get("prune") and stale:
            pruned = self._applier.prune(stale, attempt.document)
            if pruned:
                attempt.say("info", "\n".join(str(entry) for entry in pruned))
        return entries

    async def _check_health(self, attempt: Attempt, entries: list[Entry]) -> None:
        waited = [entry for entry in entries if entry.action != "skipped"]
        if not attempt.document["spec"].get("wait") or not waited:
            attempt.conditions.drop("Healthy")
            return
        was_healthy = attempt.conditions.is_true("Healthy")
        attempt.begin_check()
        message = (
            f"Running health checks for revision {attempt.revision} with a timeout of {_timeout(attempt.document)}"
        )
        attempt.conditions.mark("Healthy", "Unknown", "Progressing", message)
        attempt.progress(message)
        await self._wait(attempt, waited)
        passed = f"Health check passed in {attempt.since_check()}"
        is_new = attempt.status.get("lastAppliedRevision") != attempt.revision
        if not was_healthy or (is_new and attempt.drifted):
            attempt.say("info", passed)
        attempt.conditions.mark("Healthy", "True", "Succeeded", passed)
        attempt.patch()

    async def _wait(self, attempt: Attempt, entries: list[Entry]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + interval_of(attempt.document, "timeout", attempt.document["spec"].get("interval", "1m"))
        while True:
            health = {entry: self._health(entry) for entry in entries}
            waiting = [f"{entry.subject} status: '{one}'" for entry, one in health.items() if one != "Current"]
            if not waiting:
                return
            # fluxcd/pkg/ssa, manager_wait.go: with fail-fast on, the wait ends when nothing is in progress any more.
            if all(one != "InProgress" for one in health.values()):
                raise Unready(f"failed early due to stalled resources: [{', '.join(waiting)}]")
            if loop.time() >= end:
                raise Unready(f"timeout waiting for: [{', '.join(waiting)}]")
            await asyncio.sleep(self._settings.poll)

    def _health(self, entry: Entry) -> Health:
        live = self.objects.find(entry.kind, entry.namespace, entry.name)
        return "InProgress" if live is None else health_of(live)

    def _unready_dependency(self, document: Document, revision: str) -> str:
        """Why a dependency is not ready, or nothing (kustomize-controller, checkDependencies)."""
        for reference in document["spec"].get("dependsOn", []):
            namespace = reference.get("namespace") or document["metadata"]["namespace"]
            named = f"dependency '{namespace}/{reference['name']}'"
            dependency = self.objects.find(self.kind, namespace, reference["name"])
            if dependency is None:
                return f"{named} not found"
            status = dependency.get("status") or {}
            if status.get("observedGeneration") != dependency["metadata"]["generation"] or not is_ready(dependency):
                return f"{named} is not ready"
            same_source = _source_key(dependency) == _source_key(document)
            if same_source and status.get("lastAppliedRevision") != revision:
                return f"{named} revision is not up to date"
        return ""


def _source_key(document: Document) -> tuple[str, str]:
    reference = document["spec"]["sourceRef"]
    return reference.get("namespace") or document["metadata"]["namespace"], reference["name"]


def _timeout(document: Document) -> str:
    return go_duration(interval_of(document, "timeout", document["spec"].get("interval", "1m")))
