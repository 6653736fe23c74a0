"""Deployments and their pods: an image that can be pulled and works becomes ready after a while, others do not."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from bot.sandbox.cluster.conditions import Verdict
from bot.sandbox.cluster.controller import Controller
from bot.sandbox.cluster.kinds import DEPLOYMENT, POD
from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.documents import Document, canonical, path, seconds_text

Outcome = Literal["healthy", "fails", "hangs"]
"""`fails` exceeds its progress deadline, `hangs` never becomes ready and never fails."""
Pull = Callable[[str], str | None]
"""The digest that an image reference is pulled as, None when it cannot be pulled."""


class Rollouts(Controller):
    """deployment-controller and kubelet in one, for Deployments only."""

    kind = DEPLOYMENT

    def __init__(self, objects: Objects, settings: Settings, clock: Callable[[], datetime], pull: Pull) -> None:
        super().__init__(objects)
        self._settings = settings
        self._clock = clock
        self._pull = pull
        self._began: dict[str, tuple[int, float]] = {}
        self.outcomes: dict[str, Outcome] = {}
        """What happens to pods of an image, by its reference or by `repository:tag`; healthy when absent."""
        self._held: set[tuple[str, str]] = set()

    def set_outcome(self, image: str, outcome: Outcome) -> None:
        """Decide an image's fate, also of pods that run it now."""
        self.outcomes[image] = outcome
        for document in self.objects.all(self.kind):
            self._began.pop(document["metadata"]["uid"], None)
            self.nudge(document["metadata"]["namespace"], document["metadata"]["name"])

    def hold(self, namespace: str, name: str, *, held: bool) -> None:
        """Keep the pods of one Deployment from becoming ready, or let them again."""
        if held == ((namespace, name) in self._held):
            return
        self._held.symmetric_difference_update({(namespace, name)})
        self.nudge(namespace, name)

    async def reconcile(self, document: Document) -> float | None:
        """Take the roll-out one step further."""
        since = self._since(document)
        outcome, digests = self._fate(document)
        elapsed = asyncio.get_running_loop().time() - since
        due = self._settings.rollout if outcome == "healthy" else self._settings.stall
        if _wanted(document) == 0:
            # No pod has to come up, whatever the image.
            outcome, due = "healthy", 0.0
        if elapsed < due:
            self._progressing(document)
            return due - elapsed + 0.001
        if outcome == "healthy":
            self._ready(document, digests)
        elif outcome == "fails":
            self._failed(document)
        # A missing image may be pushed later; the kubelet keeps trying to pull.
        return 1.0 if outcome == "fails" else None

    def _since(self, document: Document) -> float:
        meta = document["metadata"]
        generation, began = self._began.get(meta["uid"], (0, 0.0))
        if generation != meta["generation"]:
            began = asyncio.get_running_loop().time()
            self._began[meta["uid"]] = (meta["generation"], began)
        return began

    def _fate(self, document: Document) -> tuple[Outcome, dict[str, str]]:
        digests: dict[str, str] = {}
        outcome: Outcome = "healthy"
        for container in path(document, "spec", "template", "spec", "containers") or []:
            image = str(container["image"])
            name, tag, _ = split_image(image)
            digest = self._pull(image)
            said = self.outcomes.get(image) or self.outcomes.get(f"{name}:{tag}")
            if digest is None:
                said = "fails"
            if said is not None and said != "healthy":
                outcome = said
            digests[image] = digest or ""
        if (document["metadata"]["namespace"], document["metadata"]["name"]) in self._held:
            outcome = "hangs"
        return outcome, digests

    def _progressing(self, document: Document) -> None:
        status: Document = dict(document.get("status") or {})
        meta = document["metadata"]
        if status.get("observedGeneration") == meta["generation"] and self._reason(status) == "ReplicaSetUpdated":
            return
        available = min(int(status.get("availableReplicas", 0)), _wanted(document))
        status |= {"observedGeneration": meta["generation"], "replicas": available + 1, "updatedReplicas": 1}
        status |= {"availableReplicas": available, "unavailableReplicas": 1}
        if available < _wanted(document):
            self._unavailable(document, status)
        self._write(document, status, "ReplicaSetUpdated", "True")

    def _unavailable(self, document: Document, status: Document) -> None:
        others = [one for one in status.get("conditions", []) if one["type"] != "Available"]
        condition = self._condition(document, "Available", "False", "MinimumReplicasUnavailable")
        status["conditions"] = [condition, *others]

    def _ready(self, document: Document, digests: dict[str, str]) -> None:
        wanted = _wanted(document)
        status: Document = {"observedGeneration": document["metadata"]["generation"]}
        status |= dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), wanted)
        status["conditions"] = [
            self._condition(document, "Available", "True", "MinimumReplicasAvailable"),
            self._condition(document, "Progressing", "True", "NewReplicaSetAvailable"),
        ]
        meta = document["metadata"]
        self.objects.set_status(self.kind, meta["namespace"], meta["name"], status)
        self._replace_pods(document, digests)

    def _failed(self, document: Document) -> None:
        status: Document = dict(document.get("status") or {})
        if self._reason(status) == "ProgressDeadlineExceeded":
            return
        status |= {"observedGeneration": document["metadata"]["generation"], "unavailableReplicas": 1}
        self._write(document, status, "ProgressDeadlineExceeded", "False")

    def _write(self, document: Document, status: Document, reason: str, verdict: Verdict) -> None:
        others = [one for one in status.get("conditions", []) if one["type"] != "Progressing"]
        status["conditions"] = [*others, self._condition(document, "Progressing", verdict, reason)]
        meta = document["metadata"]
        self.objects.set_status(self.kind, meta["namespace"], meta["name"], status)

    def _condition(self, document: Document, kind: str, verdict: Verdict, reason: str) -> Document:
        now = seconds_text(self._clock())
        kept = path(document, "status", "conditions") or []
        old = next(
            (one for one in kept if (one["type"], one["status"], one["reason"]) == (kind, verdict, reason)), None
        )
        fresh = {"type": kind, "status": verdict, "reason": reason, "message": _message(document, reason)}
        return old or {**fresh, "lastUpdateTime": now, "lastTransitionTime": now}

    def _reason(self, status: Document) -> str:
        return next((str(one["reason"]) for one in status.get("conditions", []) if one["type"] == "Progressing"), "")

    def _replace_pods(self, document: Document, digests: dict[str, str]) -> None:
        meta = document["metadata"]
        template = document["spec"]["template"]
        fingerprint = hashlib.sha256(canonical(template)).hexdigest()[:10]
        labels = {**(path(template, "metadata", "labels") or {}), "pod-template-hash": fingerprint}
        prefix = f"{meta['name']}-{fingerprint}-"
        owned = [
            pod
            for pod in self.objects.all(POD, meta["namespace"])
            if path(pod, "metadata", "labels", "sluice-sandbox/deployment") == meta["name"]
        ]
        current = [pod for pod in owned if pod["metadata"]["name"].startswith(prefix)][: _wanted(document)]
        for pod in owned:
            if pod not in current:
                self.objects.delete(POD, meta["namespace"], pod["metadata"]["name"])
        for _ in range(_wanted(document) - len(current)):
            labelled = {"labels": {**labels, "sluice-sandbox/deployment": meta["name"]}}
            pod = {"metadata": {"name": f"{prefix}{secrets.token_hex(3)[:5]}", **labelled}, "spec": template["spec"]}
            created = self.objects.create(POD, meta["namespace"], pod)
            status = _pod_status(template["spec"], digests)
            self.objects.set_status(POD, meta["namespace"], created["metadata"]["name"], status)


def _wanted(document: Document) -> int:
    replicas = path(document, "spec", "replicas")
    return 1 if replicas is None else int(replicas)


def _message(document: Document, reason: str) -> str:
    name = document["metadata"]["name"]
    match reason:
        case "ProgressDeadlineExceeded":
            return f'Deployment "{name}" exceeded its progress deadline.'
        case "NewReplicaSetAvailable":
            return f'Deployment "{name}" has successfully progressed.'
        case "MinimumReplicasAvailable":
            return "Deployment has minimum availability."
        case "MinimumReplicasUnavailable":
            return "Deployment does not have minimum availability."
        case _:
            return f'Deployment "{name}" is progressing.'


def _pod_status(spec: Document, digests: dict[str, str]) -> Document:
    containers = []
    for container in spec.get("containers", []):
        name = split_image(container["image"])[0]
        digest = digests.get(container["image"], "")
        containers.append(
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": f"{name}@{digest}" if digest else container["image"],
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {}},
            }
        )
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": containers,
    }
