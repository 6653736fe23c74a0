"""Server-side apply as kustomize-controller uses it: what was created, configured, left alone, skipped and pruned."""

from dataclasses import dataclass
from typing import Any, Literal

from bot.sandbox.cluster.kinds import Kind, kind_of
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.statuses import ApiError
from bot.sandbox.documents import Document, copy_of, path

GROUP = "kustomize.toolkit.fluxcd.io"
Action = Literal["created", "configured", "unchanged", "skipped", "deleted"]
# fluxcd/pkg/ssa: namespaces and definitions are a stage of their own before everything else.
FIRST = ("Namespace", "ServiceAccount", "Secret", "ConfigMap", "Service")


class ApplyFailed(Exception):
    """An object was refused; the text is the message of the ReconciliationFailed event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened to one object."""

    kind: Kind
    namespace: str
    name: str
    action: Action

    @property
    def subject(self) -> str:
        """`Deployment/demo/demo`, or `Namespace/demo`."""
        return "/".join(part for part in (self.kind.kind, self.namespace, self.name) if part)

    def __str__(self) -> str:
        return f"{self.subject} {self.action}"

    def inventory(self) -> Document:
        """The entry of status.inventory: `<namespace>_<name>_<group>_<kind>` and the version."""
        return {"id": f"{self.namespace}_{self.name}_{self.kind.group}_{self.kind.kind}", "v": self.kind.version}


class Applier:
    """Applies the objects of Kustomizations; remembers what it set, so that a removed field is removed."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._set: dict[tuple[str, str, str], Document] = {}

    def apply(self, documents: list[Document], owner: Document) -> list[Entry]:
        """Apply all, or nothing when one is refused by the dry run. Raises ApplyFailed."""
        placed = [self._placed(document, owner) for document in documents]
        placed.sort(key=lambda one: (_stage(one[0]), one[0].kind, one[1]["metadata"]["name"]))
        for kind, document in placed:
            _check(kind, document)
        return [self._apply(kind, document) for kind, document in placed]

    def prune(self, entries: list[Document], owner: Document) -> list[Entry]:
        """Delete the objects of these inventory entries, as far as they are still the owner's."""
        pruned: list[Entry] = []
        for entry in entries:
            namespace, name, group, kind_name = entry["id"].split("_")
            kind = kind_of(f"{group}/{entry['v']}" if group else entry["v"], kind_name)
            live = self._objects.find(kind, namespace, name) if kind else None
            if kind is None or live is None or not _owned(live, owner) or _disabled(live, "prune", "reconcile"):
                continue
            self._objects.delete(kind, namespace, name)
            pruned.append(Entry(kind=kind, namespace=namespace, name=name, action="deleted"))
        return pruned

    def _placed(self, document: Document, owner: Document) -> tuple[Kind, Document]:
        kind = kind_of(document["apiVersion"], document["kind"])
        subject = f"{document['kind']}/{document['metadata']['name']}"
        if kind is None:
            raise ApplyFailed(f'{subject} dry-run failed: no matches for kind "{document["kind"]}" in version')
        placed = copy_of(document)
        if kind.namespaced and not placed["metadata"].get("namespace"):
            raise ApplyFailed(f"{subject} namespace not specified: the server could not find the requested resource")
        owned = {f"{GROUP}/name": owner["metadata"]["name"], f"{GROUP}/namespace": owner["metadata"]["namespace"]}
        placed["metadata"].setdefault("labels", {}).update(owned)
        return kind, placed

    def _apply(self, kind: Kind, document: Document) -> Entry:
        namespace, name = document["metadata"].get("namespace", ""), document["metadata"]["name"]
        action = self._written(kind, namespace, name, document)
        return Entry(kind=kind, namespace=namespace, name=name, action=action)

    def _written(self, kind: Kind, namespace: str, name: str, document: Document) -> Action:
        key = (kind.resource, namespace, name)
        live = self._objects.find(kind, namespace, name)
        try:
            if live is None:
                self._objects.create(kind, namespace, document)
                self._set[key] = document
                return "created"
            if _disabled(live, "reconcile") or _disabled(document, "reconcile"):
                return "skipped"
            merged = _applied(live, self._set.get(key, {}), document)
            after = self._objects.update(kind, merged)
        except ApiError as error:
            raise ApplyFailed(f"{kind.kind}/{namespace}/{name} dry-run failed: {error}\n") from error
        self._set[key] = document
        changed = after["metadata"]["resourceVersion"] != live["metadata"]["resourceVersion"]
        return "configured" if changed else "unchanged"


def _applied(live: Any, before: Any, wanted: Any) -> Any:
    """Live with what is wanted set, and what was set before and is no longer wanted removed."""
    if not isinstance(wanted, dict) or not isinstance(live, dict):
        return wanted
    before = before if isinstance(before, dict) else {}
    result = {key: value for key, value in live.items() if key not in before or key in wanted}
    for key, value in wanted.items():
        result[key] = _applied(live.get(key), before.get(key), value)
    return result


def _check(kind: Kind, document: Document) -> None:
    replicas = path(document, "spec", "replicas")
    if kind.kind == "Deployment" and replicas is not None and not isinstance(replicas, int):
        meta = document["metadata"]
        where = f"{meta['namespace']}/{meta['name']}"
        raise ApplyFailed(
            f"Deployment/{where} dry-run failed: failed to create typed patch object ({where}; apps/v1, "
            "Kind=Deployment): .spec.replicas: expected numeric (int or float), got string\n"
        )


def _stage(kind: Kind) -> int:
    return FIRST.index(kind.kind) if kind.kind in FIRST else len(FIRST)


def _owned(live: Document, owner: Document) -> bool:
    labels = path(live, "metadata", "labels") or {}
    named = (labels.get(f"{GROUP}/name"), labels.get(f"{GROUP}/namespace"))
    return named == (owner["metadata"]["name"], owner["metadata"]["namespace"])


def _disabled(document: Document, *marks: str) -> bool:
    """Whether a label or annotation keeps Flux away from an object (Flux docs, Kustomization, "Controlling")."""
    meta = document["metadata"]
    said = {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}
    return any(said.get(f"{GROUP}/{mark}") == "disabled" for mark in marks)
