"""The two Deployments of a canary: the target that Git writes, and the primary that serves."""

import uuid

from bot.sandbox.cluster.flagger.hashing import template_hash
from bot.sandbox.cluster.kinds import DEPLOYMENT
from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.documents import Document, copy_of, path

# Flagger, cmd/flagger: default of -selector-labels.
LABELS = ("app", "name", "app.kubernetes.io/name")
COPIED = ("progressDeadlineSeconds", "minReadySeconds", "revisionHistoryLimit", "strategy")


class NotReady(Exception):
    """A Deployment is missing, unfit or still rolling out; the text is the event's."""

    def __init__(self, message: str, *, stuck: bool = False) -> None:
        super().__init__(message)
        self.stuck = stuck
        """It exceeded its own progress deadline: waiting longer is of no use."""


class Workloads:
    """Reads and writes the Deployments of one canary."""

    def __init__(self, objects: Objects, canary: Document, target: str) -> None:
        self._objects = objects
        self._canary = canary
        self._namespace: str = canary["metadata"]["namespace"]
        self.name = target
        self.primary_name = f"{target}-primary"

    def target(self) -> Document:
        """The target. Raises NotReady when it does not exist."""
        return self._get(self.name)

    def applied(self) -> str:
        """The hash of the target's pod template."""
        return template_hash(self.target())

    def images(self) -> tuple[str, ...]:
        """The images of the target's containers as they are written."""
        containers = path(self.target(), "spec", "template", "spec", "containers") or []
        return tuple(str(one["image"]) for one in containers)

    def versions(self) -> tuple[str, ...]:
        """The same as `name:tag`."""
        parts = (split_image(image) for image in self.images())
        return tuple(f"{name}:{tag}" for name, tag, _ in parts)

    def create_primary(self) -> None:
        """Copy the target, unless the primary is there. Raises NotReady."""
        target = self.target()
        label = self._label(target)
        if self._objects.find(DEPLOYMENT, self._namespace, self.primary_name) is not None:
            return
        meta = self._canary["metadata"]
        owner = {key: self._canary[key] for key in ("apiVersion", "kind")} | {"name": meta["name"], "uid": meta["uid"]}
        owner |= {"controller": True, "blockOwnerDeletion": True}
        spec = {key: target["spec"][key] for key in COPIED if key in target["spec"]}
        spec |= {
            "replicas": path(target, "spec", "replicas") or 1,
            "selector": {"matchLabels": {label: self.primary_name}},
            "template": self._primary_template(target, label),
        }
        named = {"name": self.primary_name, "labels": {label: self.primary_name}, "ownerReferences": [owner]}
        self._objects.create(DEPLOYMENT, self._namespace, {"metadata": named, "spec": spec})

    def promote(self) -> None:
        """Give the primary the target's template. Raises NotReady."""
        target, primary = self.target(), self._get(self.primary_name)
        primary["spec"] |= {key: target["spec"][key] for key in COPIED if key in target["spec"]}
        primary["spec"]["template"] = self._primary_template(target, self._label(target))
        self._objects.update(DEPLOYMENT, primary)

    def scale(self, *, up: bool) -> None:
        """Scale the target to zero, or from zero to one; a larger number that Git wrote stays. Raises NotReady."""
        target = self.target()
        target["spec"]["replicas"] = (path(target, "spec", "replicas") or 1) if up else 0
        self._objects.update(DEPLOYMENT, target)

    def require_primary(self) -> None:
        """Raises NotReady unless the primary is rolled out."""
        primary = self._get(self.primary_name)
        try:
            _require_ready(primary)
        except NotReady as error:
            text = f"{self.primary_name}.{self._namespace} not ready: {error}"
            raise NotReady(text, stuck=error.stuck) from error

    def require_target(self) -> None:
        """Raises NotReady unless the target is rolled out."""
        target = self.target()
        try:
            _require_ready(target)
        except NotReady as error:
            text = f"canary deployment {self.name}.{self._namespace} not ready: {error}"
            raise NotReady(text, stuck=error.stuck) from error

    def _get(self, name: str) -> Document:
        found = self._objects.find(DEPLOYMENT, self._namespace, name)
        if found is None:
            raise NotReady(f'deployment {name}.{self._namespace} get query error: deployments.apps "{name}" not found')
        return found

    def _label(self, target: Document) -> str:
        chosen = path(target, "spec", "selector", "matchLabels") or {}
        for label in LABELS:
            if label in chosen:
                return label
        raise NotReady(
            f"deployment {self.name}.{self._namespace} spec.selector.matchLabels must contain one of "
            f"[{' '.join(LABELS)}]"
        )

    def _primary_template(self, target: Document, label: str) -> Document:
        template = copy_of(target["spec"]["template"])
        meta = template.setdefault("metadata", {})
        meta["labels"] = {**(meta.get("labels") or {}), label: self.primary_name}
        # A new id makes the primary roll even when only a config has changed.
        meta["annotations"] = {**(meta.get("annotations") or {}), "flagger-id": str(uuid.uuid4())}
        return template


def _require_ready(deployment: Document) -> None:
    """Flagger, pkg/canary/deployment_ready.go (isDeploymentReady)."""
    status = deployment.get("status") or {}
    waiting = "waiting for rollout to finish: "
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        raise NotReady(f"{waiting}observed deployment generation less than desired generation")
    conditions = {one["type"]: one for one in status.get("conditions", [])}
    if path(conditions, "Progressing", "reason") == "ProgressDeadlineExceeded":
        name = deployment["metadata"]["name"]
        raise NotReady(f'deployment "{name}" exceeded its progress deadline', stuck=True)
    wanted = path(deployment, "spec", "replicas")
    replicas, updated, available = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    if wanted is not None and updated < wanted:
        raise NotReady(f"{waiting}{updated} out of {wanted} new replicas have been updated")
    if replicas > updated:
        raise NotReady(f"{waiting}{replicas - updated} old replicas are pending termination")
    if available < updated:
        raise NotReady(f"{waiting}{available} of {updated} updated replicas are available")
