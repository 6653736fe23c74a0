"""Builds the overlays of `flux/` as kustomize does, for what they use of it; anything else is refused by name.

Sources: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ (kustomize 5.8). A component sees what
was accumulated before it; then come generators, patches, namespace, images and replacements, in this order. Names of
generated ConfigMaps get no hash here, so that references read as they are written.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bot.sandbox.cluster import patching
from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document, copy_of, path

KNOWN = frozenset(
    {"apiVersion", "kind", "namespace", "resources", "components", "configMapGenerator", "patches", "images",
     "replacements"}
)  # fmt: skip
CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"})


class CannotBuild(Exception):
    """The folder does not build; the message names the file and the mend."""


@cache
def _parsed(file: Path) -> tuple[Document, ...]:
    try:
        found = list(YAML(typ="safe", pure=True).load_all(file.read_text("utf-8")))
    except (OSError, YAMLError) as error:
        raise CannotBuild(f"{file} is not readable YAML: {error}. Mend the syntax at this place.") from error
    return tuple(document for document in found if document is not None)


def documents(file: Path) -> list[Document]:
    """The documents of a YAML file, free to be changed."""
    return [copy_of({"it": document})["it"] for document in _parsed(file)]


def build(folder: Path) -> list[Document]:
    """The objects of a folder with a kustomization.yaml. Raises CannotBuild."""
    objects = _accumulated(folder, [])
    seen = [identity(one) for one in objects]
    doubled = sorted({one for one in seen if seen.count(one) > 1})
    if doubled:
        raise CannotBuild(f"{folder} has {doubled} more than once. Take one of them out.")
    return objects


def identity(document: Document) -> tuple[str, str, str, str]:
    """API group, kind, namespace and name."""
    meta = document["metadata"]
    group = str(document["apiVersion"]).rpartition("/")[0]
    return group, document["kind"], meta.get("namespace", ""), meta["name"]


def kustomization(folder: Path) -> Document:
    """The folder's kustomization.yaml."""
    file = folder / "kustomization.yaml"
    if not file.is_file():
        raise CannotBuild(f"{folder} has no kustomization.yaml. Write one, or name another folder.")
    (found,) = documents(file)
    unknown = sorted(set(found) - KNOWN)
    if unknown:
        raise CannotBuild(f"{file} uses {unknown}, which this builder does not know. Teach tests/flux_building.py.")
    return found


def _accumulated(folder: Path, before: list[Document]) -> list[Document]:
    overlay = kustomization(folder)
    objects = list(before)
    for entry in overlay.get("resources", []):
        objects += _resource(folder / entry)
    for entry in overlay.get("components", []):
        objects = _accumulated((folder / entry).resolve(), objects)
    for generator in overlay.get("configMapGenerator", []):
        objects = _generated(objects, generator, folder)
    return _transformed(objects, overlay, folder)


def _resource(place: Path) -> list[Document]:
    if place.is_dir():
        return build(place.resolve())
    if not place.is_file():
        raise CannotBuild(f"{place} does not exist. Write it, or take it out of the kustomization.yaml beside it.")
    return documents(place)


def _generated(objects: list[Document], generator: Document, folder: Path) -> list[Document]:
    made = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": generator["name"], **_annotations(generator)},
        "data": dict(_pairs(generator, folder)),
    }
    if generator.get("behavior") != "replace":
        return [*objects, made]
    kept = [one for one in objects if (one["kind"], one["metadata"]["name"]) != ("ConfigMap", generator["name"])]
    if len(kept) == len(objects):
        raise CannotBuild(f"{folder} replaces the ConfigMap {generator['name']}, which its base does not have.")
    return [*kept, made]


def _annotations(generator: Document) -> Document:
    found = path(generator, "options", "annotations")
    return {"annotations": found} if found else {}


def _pairs(generator: Document, folder: Path) -> Iterator[tuple[str, str]]:
    for literal in generator.get("literals", []):
        key, _, value = literal.partition("=")
        yield key, value
    for entry in generator.get("files", []):
        key, _, name = entry.rpartition("=")
        yield key or name, (folder / name).read_text("utf-8")


def _transformed(objects: list[Document], overlay: Document, folder: Path) -> list[Document]:
    for patch in overlay.get("patches", []):
        objects = _patched(objects, patch, folder)
    for document in objects:
        if overlay.get("namespace") and document["kind"] not in CLUSTER_WIDE:
            document["metadata"]["namespace"] = overlay["namespace"]
        for image in overlay.get("images", []):
            _set_image(document, image)
    for replacement in overlay.get("replacements", []):
        _replace(objects, replacement)
    return objects


def _patched(objects: list[Document], patch: Document, folder: Path) -> list[Document]:
    content = YAML(typ="safe", pure=True).load(patch["patch"]) if "patch" in patch else _content(folder / patch["path"])
    target = patch.get("target") or _own_target(content)
    meant = {id(one) for one in objects if _is_meant(one, target)}
    if not meant and "target" not in patch:
        raise CannotBuild(f"{folder} patches {target}, which is not there. Mend kind or name of the patch.")
    if isinstance(content, dict) and content.get("$patch") == "delete":
        return [one for one in objects if id(one) not in meant]
    return [_applied(one, content) if id(one) in meant else one for one in objects]


def _own_target(content: Document | list[Document]) -> Document:
    if isinstance(content, list):
        raise CannotBuild(f"a JSON patch needs a target: {content}")
    return {"kind": content["kind"], "name": content["metadata"]["name"]}


def _content(file: Path) -> Document | list[Document]:
    (found,) = documents(file)
    return found


def _is_meant(document: Document, target: Document) -> bool:
    group, kind, _, name = identity(document)
    label, _, value = target.get("labelSelector", "").partition("=")
    labels = document["metadata"].get("labels", {})
    return (
        re.fullmatch(target.get("kind", ".*"), kind) is not None
        and re.fullmatch(target.get("name", ".*"), name) is not None
        and target.get("group", group) == group
        and (not label or labels.get(label) == value)
    )


def _applied(document: Document, content: Document | list[Document]) -> Document:
    if isinstance(content, list):
        return patching.json_patch(document, content)
    merged: Document = patching.strategic(document, content)
    merged["metadata"]["name"] = document["metadata"]["name"]
    return merged


def containers(document: Document) -> list[Document]:
    """The containers of a pod template, init containers too; none for objects without one."""
    pod = path(document, "spec", "template", "spec") or {}
    return [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]


def _set_image(document: Document, wanted: Document) -> None:
    for container in containers(document):
        if split_image(container["image"])[0] == wanted["name"]:
            tag = f":{wanted['newTag']}" if "newTag" in wanted else ""
            digest = f"@{wanted['digest']}" if "digest" in wanted else ""
            container["image"] = f"{wanted.get('newName', wanted['name'])}{tag}{digest}"


def _replace(objects: list[Document], replacement: Document) -> None:
    """A value taken from one object, or a part of it, put into fields that stand under plain keys."""
    source, options = replacement["source"], replacement["source"].get("options", {})
    (found,) = [one for one in objects if (one["kind"], one["metadata"]["name"]) == (source["kind"], source["name"])]
    value = str(_field(found, source["fieldPath"]))
    if options:
        value = value.split(options["delimiter"])[options["index"]]
    for target in replacement["targets"]:
        select = target["select"]
        for one in objects:
            if (one["kind"], one["metadata"]["name"]) == (select["kind"], select["name"]):
                for place in target["fieldPaths"]:
                    parent, _, key = place.rpartition(".")
                    _field(one, parent)[key] = value


def _field(document: Document, place: str) -> Document:
    value: Any = document
    for step in re.findall(r"\[[^\]]+\]|[^.\[\]]+", place):
        if step.startswith("["):
            key, _, wanted = step[1:-1].partition("=")
            (value,) = [item for item in value if item[key] == wanted]
        else:
            value = value[step]
    found: Document = value
    return found
