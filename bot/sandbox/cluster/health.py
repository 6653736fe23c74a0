"""Whether an applied object is healthy, as kstatus computes it from its status."""

from typing import Literal

from bot.sandbox.cluster.kinds import DEPLOYMENT, kind_of
from bot.sandbox.documents import Document, path

Health = Literal["Current", "InProgress", "Failed"]


def health_of(document: Document) -> Health:
    """kstatus (cli-utils, pkg/kstatus/status/core.go): Deployments by their counts, Flux objects by Ready."""
    status = document.get("status") or {}
    kind = kind_of(document["apiVersion"], document["kind"])
    if kind is DEPLOYMENT:
        return _deployment(document, status)
    ready = next((one for one in status.get("conditions", []) if one["type"] == "Ready"), None)
    if ready is None:
        return "Current"
    return "Current" if ready["status"] == "True" else "InProgress"


def _deployment(document: Document, status: Document) -> Health:
    progressing = next((one for one in status.get("conditions", []) if one["type"] == "Progressing"), None)
    if progressing is not None and progressing["reason"] == "ProgressDeadlineExceeded":
        return "Failed"
    wanted = path(document, "spec", "replicas")
    wanted = 1 if wanted is None else wanted
    settled = (
        status.get("observedGeneration") == document["metadata"]["generation"]
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("availableReplicas", 0) >= wanted
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
    )
    return "Current" if settled else "InProgress"
