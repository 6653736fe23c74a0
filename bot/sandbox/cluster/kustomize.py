"""The part of kustomize that the sandbox's world uses, over a tree of files; everything else is refused loudly."""

from collections.abc import Mapping
from typing import Any

from bot.sandbox.cluster import patching
from bot.sandbox.cluster.kinds import kind_of
from bot.sandbox.cluster.manifests import BuildFailed, documents_of, mapping_of, text_of, within
from bot.sandbox.cluster.statuses import ApiError
from bot.sandbox.documents import Document, path

Files = Mapping[str, bytes]
MODELLED = frozenset(
    {"apiVersion", "kind", "metadata", "namespace", "resources", "images", "patches", "replicas", "labels",
     "commonAnnotations"}
)  # fmt: skip
NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def build(files: Files, folder: str, spec: Document | None = None) -> list[Document]:
    """The objects of a folder, with a Flux Kustomization's own images, patches and targetNamespace on top.

    A folder without kustomization.yaml is built from every manifest below it, as kustomize-controller generates one.
    Raises BuildFailed with the message of the event.
    """
    root = within("", folder.removeprefix("./"))
    try:
        objects = _overlay(files, root)
        top = spec or {}
        overlay = {"images": top.get("images", []), "patches": top.get("patches", [])}
        if top.get("targetNamespace"):
            overlay["namespace"] = top["targetNamespace"]
        return _transform(objects, overlay, files, root)
    except BuildFailed as error:
        raise BuildFailed(f"kustomize build failed: {error}") from error


def _overlay(files: Files, folder: str) -> list[Document]:
    place = next((name for name in (within(folder, one) for one in NAMES) if name in files), None)
    if place is None:
        return _generated(files, folder)
    overlay = mapping_of(files, place)
    unknown = sorted(set(overlay) - MODELLED)
    if unknown:
        raise BuildFailed(f"invalid Kustomization: {', '.join(unknown)} in {place} is not modelled by the sandbox")
    objects: list[Document] = []
    for entry in overlay.get("resources") or []:
        objects += _resource(files, folder, entry)
    _unique(objects)
    return _transform(objects, overlay, files, folder)


def _generated(files: Files, folder: str) -> list[Document]:
    prefix = f"{folder}/" if folder else ""
    names = [name for name in sorted(files) if name.startswith(prefix) and name.endswith((".yaml", ".yml"))]
    if not names:
        raise BuildFailed(f"no manifests below '{folder}'")
    objects = [document for name in names for document in documents_of(files, name)]
    _unique(objects)
    return objects


def _resource(files: Files, folder: str, entry: str) -> list[Document]:
    name = within(folder, entry)
    if name in files:
        return documents_of(files, name)
    if any(one.startswith(f"{name}/") for one in files):
        return _overlay(files, name)
    raise BuildFailed(f"accumulating resources: accumulation err='{name}': no such file or directory")


def _unique(objects: list[Document]) -> None:
    seen: set[tuple[str, str, str, str]] = set()
    for document in objects:
        meta = document["metadata"]
        identity = (document["apiVersion"], document["kind"], meta.get("namespace", ""), meta["name"])
        if identity in seen:
            raise BuildFailed(f"may not add resource with an already registered id: {identity[1]}.{identity[3]}")
        seen.add(identity)


def _transform(objects: list[Document], overlay: Document, files: Files, folder: str) -> list[Document]:
    for patch in overlay.get("patches") or []:
        objects = _patched(objects, patch, files, folder)
    for document in objects:
        if overlay.get("namespace"):
            _set_namespace(document, overlay["namespace"])
        for labels in overlay.get("labels") or []:
            _label(document, labels)
        if overlay.get("commonAnnotations"):
            _annotate(document, overlay["commonAnnotations"])
        for replicas in overlay.get("replicas") or []:
            _scale(document, replicas)
        for image in overlay.get("images") or []:
            for container in _containers(document):
                _set_image(container, image)
    return objects


def _set_namespace(document: Document, namespace: str) -> None:
    kind = kind_of(document["apiVersion"], document["kind"])
    if kind is None or kind.namespaced:
        document["metadata"]["namespace"] = namespace


def _label(document: Document, labels: Document) -> None:
    pairs = labels.get("pairs") or {}
    document["metadata"].setdefault("labels", {}).update(pairs)
    if labels.get("includeSelectors") or labels.get("includeTemplates"):
        template = path(document, "spec", "template")
        if template is not None:
            template.setdefault("metadata", {}).setdefault("labels", {}).update(pairs)
    if labels.get("includeSelectors"):
        selector = path(document, "spec", "selector")
        if selector is not None:
            (selector.setdefault("matchLabels", {}) if document["kind"] != "Service" else selector).update(pairs)


def _annotate(document: Document, annotations: Document) -> None:
    document["metadata"].setdefault("annotations", {}).update(annotations)
    template = path(document, "spec", "template")
    if template is not None:
        template.setdefault("metadata", {}).setdefault("annotations", {}).update(annotations)


def _scale(document: Document, replicas: Document) -> None:
    if document["kind"] == "Deployment" and document["metadata"]["name"] == replicas["name"]:
        document["spec"]["replicas"] = replicas["count"]


def _containers(document: Document) -> list[Document]:
    pod = path(document, "spec", "template", "spec") or (document["spec"] if document["kind"] == "Pod" else {})
    return [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]


def _set_image(container: Document, wanted: Document) -> None:
    """Replace name, tag and digest of a matching image (kustomize, ImageTagTransformer)."""
    name, tag, digest = split_image(str(container.get("image", "")))
    if name != wanted["name"]:
        return
    name = wanted.get("newName") or name
    if "newTag" in wanted or "digest" in wanted:
        tag, digest = str(wanted.get("newTag") or ""), str(wanted.get("digest") or "")
    container["image"] = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image reference; a colon before the last slash belongs to a port."""
    rest, _, digest = image.partition("@")
    head, slash, tail = rest.rpartition("/")
    last, _, tag = tail.partition(":")
    return head + slash + last, tag, digest


def _patched(objects: list[Document], patch: Document, files: Files, folder: str) -> list[Document]:
    content = _patch_content(patch, files, folder)
    target = patch.get("target") or {}
    if isinstance(content, list):
        matching = [one for one in objects if _is_target(one, target)] if target else []
    else:
        wanted = target or {"kind": content.get("kind"), "name": path(content, "metadata", "name")}
        matching = [one for one in objects if _is_target(one, wanted)]
    if not matching:
        raise BuildFailed(f"no resource matches the patch target {target or content}")
    try:
        changed = {id(one): _apply(one, content) for one in matching}
    except ApiError as error:
        raise BuildFailed(str(error)) from error
    return [changed.get(id(one), one) for one in objects]


def _apply(document: Document, content: Any) -> Document:
    if isinstance(content, list):
        return patching.json_patch(document, content)
    merged: Document = patching.strategic(document, content)
    merged["metadata"]["name"] = document["metadata"]["name"]
    return merged


def _patch_content(patch: Document, files: Files, folder: str) -> Any:
    unknown = sorted(set(patch) - {"path", "patch", "target"})
    if unknown:
        raise BuildFailed(f"invalid Kustomization: {', '.join(unknown)} in a patch is not modelled by the sandbox")
    if "patch" in patch:
        return text_of(patch["patch"])
    name = within(folder, patch.get("path", ""))
    if name not in files:
        raise BuildFailed(f"failed to get the patch file from path({patch.get('path')}): no such file")
    return text_of(files[name].decode(errors="replace"))


def _is_target(document: Document, target: Document) -> bool:
    unknown = sorted(set(target) - {"kind", "name", "namespace", "group", "version"})
    if unknown:
        raise BuildFailed(f"{', '.join(unknown)} in a patch target is not modelled by the sandbox")
    group, _, version = document["apiVersion"].rpartition("/")
    facts = {"kind": document["kind"], "group": group, "version": version, **document["metadata"]}
    return all(facts.get(key) == value for key, value in target.items() if value)
