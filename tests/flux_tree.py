"""The Flux tree as each cluster sees it: every folder a Kustomization applies, built and substituted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flux_building
from flux_building import CannotBuild, Undefined, built, documents

from bot.sandbox.documents import Document, path

REPOSITORY = Path(__file__).resolve().parents[1]
CLUSTERS = ("minikube", "development", "staging", "production")
FLUX_KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1"
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)")
SECRET_VALUE = "secret-value"
GENERATED = frozenset({"ConfigMap", "Secret"})
CONTENT_HASH = re.compile(r"-[a-z0-9]{10}$")
"""kustomize adds it to the names of generated objects, so that pods restart when the content changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One Flux Kustomization. written: its folder as built. objects: as applied, after substitution and decryption."""

    cluster: str
    name: str
    spec: Document
    folder: Path
    written: tuple[Document, ...]
    objects: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """`flux/` of a repository, or of a copy of it."""

    root: Path = REPOSITORY

    @property
    def flux(self) -> Path:
        """The folder with all manifests."""
        return self.root / "flux"

    def folder_of(self, spec: Document) -> Path:
        """The folder that a Kustomization's path names."""
        return self.root / str(spec["path"]).removeprefix("./")

    def variables(self, cluster: str) -> dict[str, str]:
        """What is substituted in a cluster: cluster-config, and a stand-in for each key of cluster-secrets."""
        folder = self.flux / "clusters" / cluster
        (config,) = documents(folder / "cluster-config.yaml")
        (secrets,) = documents(folder / "secrets" / "cluster-secrets.sops.yaml")
        hidden = secrets.get("stringData") or secrets.get("data") or {}
        return {**config["data"], **dict.fromkeys(hidden, SECRET_VALUE)}

    def layers(self, cluster: str) -> tuple[Layer, ...]:
        """Every Kustomization of a cluster, also those that another one applies; flux-system first."""
        return _layers(self, cluster)

    def layer(self, cluster: str, name: str) -> Layer:
        """A Kustomization of a cluster by name."""
        (found,) = [one for one in self.layers(cluster) if one.name == name]
        return found

    def everything(self, cluster: str) -> list[Document]:
        """All objects that a cluster gets."""
        return [one for found in self.layers(cluster) for one in found.objects]

    def objects_of(self, cluster: str, *kinds: str) -> list[Document]:
        """The objects of these kinds that a cluster gets, from all of its Kustomizations."""
        return [one for one in self.everything(cluster) if one["kind"] in kinds]

    def named(self, cluster: str, kind: str, namespace: str, name: str) -> Document | None:
        """One object of a cluster, a generated one also by its name without hash; None: nothing of ours applies it."""
        return next(
            (
                one
                for one in self.objects_of(cluster, kind)
                if one["metadata"].get("namespace", "") == namespace and name in names(one)
            ),
            None,
        )

    def applied(self, folder: Path, variables: Mapping[str, str]) -> list[Document]:
        """A folder built, substituted and decrypted. Raises CannotBuild with the file and the mend."""
        try:
            return [_decrypted(one) for one in flux_building.substituted(built(folder), variables)]
        except Undefined as error:
            raise CannotBuild(
                f"{', '.join(self.files_with(f'${{{error.variable}'))}: ${{{error.variable}}} is not defined. "
                "Add it to cluster-config.yaml of each cluster, or to cluster-secrets; what is not for Flux is written "
                "$${…}."
            ) from error

    def yaml_files(self) -> list[Path]:
        """Every YAML file of the tree."""
        return sorted(self.flux.rglob("*.yaml"))

    def secret_files(self) -> list[Path]:
        """Every file that SOPS encrypts; `.sops.yaml`, which says for whom, is none."""
        return sorted(self.flux.rglob("?*.sops.yaml"))

    def files_with(self, text: str) -> list[str]:
        """The files that hold a text, as paths from the root."""
        return [file.relative_to(self.root).as_posix() for file in self.yaml_files() if text in file.read_text("utf-8")]

    def kustomization_folders(self) -> list[Path]:
        """Every folder that kustomize can build, components too."""
        return sorted(file.parent for file in self.flux.rglob("kustomization.yaml"))


@cache
def _layers(tree: Tree, cluster: str) -> tuple[Layer, ...]:
    found: list[Layer] = []
    (start,) = [
        one
        for one in documents(tree.flux / "clusters" / cluster / "flux-system" / "gotk-sync.yaml")
        if one["apiVersion"] == FLUX_KUSTOMIZATION
    ]
    waiting = [start]
    while waiting:
        layer = _layer(tree, cluster, waiting.pop(0))
        found.append(layer)
        known = {one.name for one in found} | {one["metadata"]["name"] for one in waiting}
        nested = [one for one in layer.objects if one["apiVersion"] == FLUX_KUSTOMIZATION]
        waiting += [one for one in nested if one["metadata"]["name"] not in known]
    return tuple(found)


def _layer(tree: Tree, cluster: str, document: Document) -> Layer:
    spec = document["spec"]
    folder = tree.folder_of(spec)
    sources = path(spec, "postBuild", "substituteFrom") or []
    values = tree.variables(cluster) if sources else {}
    return Layer(
        cluster=cluster,
        name=document["metadata"]["name"],
        spec=spec,
        folder=folder,
        written=tuple(tree.applied(folder, {})),
        objects=tuple(tree.applied(folder, values)),
    )


def _decrypted(document: Document) -> Document:
    """As Flux applies it: without what SOPS keeps beside the values."""
    return {key: value for key, value in document.items() if key != "sops"}


def names(document: Document) -> set[str]:
    """The object's name; for a generated one also the name before kustomize added the hash."""
    name = document["metadata"]["name"]
    return {name, CONTENT_HASH.sub("", name)} if document["kind"] in GENERATED else {name}


def substituted(value: Any, values: Mapping[str, str]) -> Any:
    """A part of a manifest, substituted. Raises CannotBuild for what is not defined."""
    (found,) = flux_building.substituted([flux_building.written(value)], values)
    return found


TREE = Tree()
"""The tree of this repository."""
FLUX = TREE.flux
variables = TREE.variables
layers = TREE.layers
layer = TREE.layer
everything = TREE.everything
objects_of = TREE.objects_of
named = TREE.named
folder_of = TREE.folder_of
yaml_files = TREE.yaml_files
secret_files = TREE.secret_files
kustomization_folders = TREE.kustomization_folders
