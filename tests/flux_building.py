"""Builds folders of `flux/` as Flux does, with the real programs: kustomize, then Flux's own substitution.

Both come from `tests/tools`; without Go they are missing, and what needs them is skipped (a failure under CI).
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from tools_at_hand import binary

from bot.sandbox.documents import Document, copy_of, path

CLUSTER_WIDE = frozenset({"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"})
BETWEEN_MANIFESTS = re.compile(r"^---\n", re.MULTILINE)
DEADLINE = 600.0
"""Seconds; a build takes a tenth of one, but the machine may be busy."""


class CannotBuild(Exception):
    """The folder does not build; the message names the file and the mend."""


class Undefined(CannotBuild):
    """A variable has neither value nor default."""

    def __init__(self, variable: str) -> None:
        super().__init__(f"${{{variable}}} is not defined")
        self.variable = variable


UNDEFINED = re.compile(r'variable not set \(strict mode\): "(?P<name>\w+)"')


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


def kustomization(folder: Path) -> Document:
    """The folder's kustomization.yaml."""
    file = folder / "kustomization.yaml"
    if not file.is_file():
        raise CannotBuild(f"{folder} has no kustomization.yaml. Write one, or name another folder.")
    (found,) = documents(file)
    return found


@cache
def built(folder: Path) -> tuple[str, ...]:
    """The manifests that kustomize makes of a folder, each as YAML, nothing substituted yet. Raises CannotBuild."""
    if not folder.is_dir():
        raise CannotBuild(f"{folder} does not exist. Write it, or name another folder.")
    done = _run([binary("kustomize"), "build", folder])
    if done.returncode:
        raise CannotBuild(f"kustomize cannot build {folder}: {done.stderr.strip()}. Mend what it names there.")
    return tuple(part for part in BETWEEN_MANIFESTS.split(done.stdout) if part.strip())


def substituted(manifests: Sequence[str], variables: Mapping[str, str]) -> list[Document]:
    """The objects that Flux applies for these manifests. Raises Undefined for a variable without value and default."""
    build = {"variables": dict(variables), "manifests": list(manifests)}
    done = _run([binary("flux-substitute")], text=json.dumps([build]))
    if done.returncode:
        raise CannotBuild(f"flux-substitute: {done.stderr.strip()}")
    (answer,) = json.loads(done.stdout)
    if "error" not in answer:
        found: list[Document] = answer.get("objects", [])
        return found
    unset = UNDEFINED.search(answer["error"])
    raise Undefined(unset["name"]) if unset else CannotBuild(f"the substitution failed: {answer['error']}")


def build(folder: Path) -> list[Document]:
    """The objects of a folder, nothing substituted."""
    return substituted(built(folder), {})


def written(value: Any) -> str:
    """A document as YAML, its variables in plain scalars wherever YAML lets them."""
    into = StringIO()
    YAML(typ="safe", pure=True).dump(value, into)
    return into.getvalue()


def pod_of(document: Document) -> Document:
    """What a workload of any kind says of its pods; nothing for objects that run none."""
    spec = document.get("spec") or {}
    if document["kind"] == "Pod":
        return spec
    template = path(spec, "jobTemplate", "spec", "template") if document["kind"] == "CronJob" else spec.get("template")
    return path(template or {}, "spec") or {}


def containers(document: Document) -> list[Document]:
    """The containers of whatever runs pods, init containers too; none for objects that run none."""
    pod = pod_of(document)
    return [*(pod.get("initContainers") or []), *(pod.get("containers") or [])]


def _run(command: list[str | Path], text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=DEADLINE, check=False)
