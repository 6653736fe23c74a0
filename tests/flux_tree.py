"""The Flux tree as each cluster sees it: every folder a Kustomization applies, built and substituted."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flux_building import CannotBuild, build, documents
from ruamel.yaml import YAML

from bot.sandbox.documents import Document, path

REPOSITORY = Path(__file__).resolve().parents[1]
FLUX = REPOSITORY / "flux"
CLUSTERS = ("minikube", "development", "staging", "production")
FLUX_KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
BRACED = re.compile(r"(?<!\$)\$\{[^}]*\}")
SECRET_VALUE = "secret-value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One Flux Kustomization. written: its folder as built. objects: as applied, after the substitution."""

    cluster: str
    name: str
    spec: Document
    written: tuple[Document, ...]
    objects: tuple[Document, ...]

    @property
    def folder(self) -> Path:
        """Where its objects stand."""
        return folder_of(self.spec)


def folder_of(spec: Document) -> Path:
    """The folder that a Kustomization's path names."""
    return REPOSITORY / str(spec["path"]).removeprefix("./")


@cache
def variables(cluster: str) -> dict[str, str]:
    """What is substituted in a cluster: cluster-config, and a stand-in for each key of cluster-secrets."""
    folder = FLUX / "clusters" / cluster
    (config,) = documents(folder / "cluster-config.yaml")
    (secrets,) = documents(folder / "secrets" / "cluster-secrets.sops.yaml")
    hidden = secrets.get("stringData") or secrets.get("data") or {}
    return {**config["data"], **dict.fromkeys(hidden, SECRET_VALUE)}


@cache
def layers(cluster: str) -> tuple[Layer, ...]:
    """Every Kustomization of a cluster, also those that another one applies; flux-system first."""
    found: list[Layer] = []
    (start,) = [
        one
        for one in documents(FLUX / "clusters" / cluster / "flux-system" / "gotk-sync.yaml")
        if one["apiVersion"] == FLUX_KUSTOMIZATION
    ]
    waiting = [start]
    while waiting:
        layer = _layer(cluster, waiting.pop(0))
        found.append(layer)
        known = {one.name for one in found} | {one["metadata"]["name"] for one in waiting}
        nested = [one for one in layer.objects if one["apiVersion"] == FLUX_KUSTOMIZATION]
        waiting += [one for one in nested if one["metadata"]["name"] not in known]
    return tuple(found)


def layer(cluster: str, name: str) -> Layer:
    """A Kustomization of a cluster by name."""
    (found,) = [one for one in layers(cluster) if one.name == name]
    return found


def _layer(cluster: str, document: Document) -> Layer:
    spec = document["spec"]
    written = build(folder_of(spec))
    names = {source["name"] for source in path(spec, "postBuild", "substituteFrom") or []}
    values = variables(cluster) if names else {}
    return Layer(
        cluster=cluster,
        name=document["metadata"]["name"],
        spec=spec,
        written=tuple(written),
        objects=tuple(substituted(one, values) if values else one for one in written),
    )


def substituted(value: Any, values: dict[str, str]) -> Any:
    """As Flux does: in the object's YAML text, so a scalar that is one variable may become a number or a boolean.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution (Flux 2.9). Raises
    CannotBuild for what is not defined, or not a plain `${name}`.
    """
    if isinstance(value, dict):
        return {_text(key, values): substituted(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [substituted(one, values) for one in value]
    if not isinstance(value, str):
        return value
    text = _text(value, values)
    return YAML(typ="safe", pure=True).load(text) if VARIABLE.fullmatch(value) and text else text


def _text(text: str, values: dict[str, str]) -> str:
    for braced in BRACED.findall(text):
        name = VARIABLE.fullmatch(braced)
        if name is None or name[1] not in values:
            raise CannotBuild(
                f"{braced} is not defined. Add it to cluster-config.yaml of each cluster, or to cluster-secrets; "
                "what is not for Flux is written $${…}."
            )
    return VARIABLE.sub(lambda found: values[found[1]], text)


def objects_of(cluster: str, *kinds: str) -> list[Document]:
    """The objects of these kinds that a cluster gets, from all of its Kustomizations."""
    return [one for found in layers(cluster) for one in found.objects if one["kind"] in kinds]


def named(cluster: str, kind: str, namespace: str, name: str) -> Document | None:
    """One object of a cluster; None when nothing of ours applies it."""
    wanted = (namespace, name)
    return next(
        (
            one
            for one in objects_of(cluster, kind)
            if (one["metadata"].get("namespace", ""), one["metadata"]["name"]) == wanted
        ),
        None,
    )


def yaml_files() -> list[Path]:
    """Every YAML file of the tree."""
    return sorted(FLUX.rglob("*.yaml"))


def secret_files() -> list[Path]:
    """Every file that SOPS encrypts; `.sops.yaml`, which says for whom, is none."""
    return sorted(FLUX.rglob("?*.sops.yaml"))


def kustomization_folders() -> list[Path]:
    """Every folder that kustomize can build, components too."""
    return sorted(file.parent for file in FLUX.rglob("kustomization.yaml"))
