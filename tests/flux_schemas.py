"""JSON schemas for every kind that the tree may use, strict, from what each project publishes in the pinned version.

Kubernetes (the oldest minor that the tree's Flux supports), Flux, image automation and ServiceMonitor: made of the
projects' Go types as controller-gen makes their CRDs (tests/tools/schemas). Flagger: the CRD file in its module.
OpenTelemetry: npm's models of the operator's types, for its Go module is not to be had. They are kept beside the
program that makes them, until its module or this file changes.
"""

import fcntl
import hashlib
import inspect
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import flux_models
import pytest
from flux_models import Models, Schema
from ruamel.yaml import YAML
from tools_at_hand import absent, binary

from bot.sandbox.documents import Document

MODULE = Path(__file__).resolve().parent / "tools" / "schemas"
KUBERNETES = "k8s.io/api"
METADATA = "k8s.io/apimachinery/pkg/apis/meta/v1.ObjectMeta"
GO_TYPES = {
    "v1": (f"{KUBERNETES}/core/v1", "ConfigMap Namespace PersistentVolumeClaim Secret Service ServiceAccount"),
    "apps/v1": (f"{KUBERNETES}/apps/v1", "Deployment StatefulSet"),
    "autoscaling/v2": (f"{KUBERNETES}/autoscaling/v2", "HorizontalPodAutoscaler"),
    "networking.k8s.io/v1": (f"{KUBERNETES}/networking/v1", "Ingress NetworkPolicy"),
    "policy/v1": (f"{KUBERNETES}/policy/v1", "PodDisruptionBudget"),
    "rbac.authorization.k8s.io/v1": (f"{KUBERNETES}/rbac/v1", "ClusterRole ClusterRoleBinding Role RoleBinding"),
    "source.toolkit.fluxcd.io/v1": (
        "github.com/fluxcd/source-controller/api/v1",
        "Bucket GitRepository HelmChart HelmRepository OCIRepository",
    ),
    "kustomize.toolkit.fluxcd.io/v1": ("github.com/fluxcd/kustomize-controller/api/v1", "Kustomization"),
    "helm.toolkit.fluxcd.io/v2": ("github.com/fluxcd/helm-controller/api/v2", "HelmRelease"),
    "notification.toolkit.fluxcd.io/v1": ("github.com/fluxcd/notification-controller/api/v1", "Receiver"),
    "notification.toolkit.fluxcd.io/v1beta3": (
        "github.com/fluxcd/notification-controller/api/v1beta3",
        "Alert Provider",
    ),
    "image.toolkit.fluxcd.io/v1": (
        "github.com/fluxcd/image-reflector-controller/api/v1",
        "ImagePolicy ImageRepository",
    ),
    "monitoring.coreos.com/v1": (
        "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1",
        "PodMonitor ServiceMonitor",
    ),
}
"""API version -> Go package and kinds. What is not here is of no version that the tree's components serve."""
MORE_GO_TYPES = {
    "image.toolkit.fluxcd.io/v1/ImageUpdateAutomation": (
        "github.com/fluxcd/image-automation-controller/api/v1.ImageUpdateAutomation"
    ),
}
CRD_FILES = {"github.com/fluxcd/flagger": "artifacts/flagger/crd.yaml"}
MODELS = ("opentelemetry.io/v1beta1/OpenTelemetryCollector", "opentelemetry.io/v1alpha1/Instrumentation")
DEADLINE = 900.0
"""Seconds; downloading and reading the types takes a minute at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What kubeconform says of one object of a build."""

    build: str
    kind: str
    name: str
    message: str


@cache
def folder() -> Path:
    """The folder with all schemas, `group/version/kind.json`; made once."""
    program = binary("schemas")
    own = hashlib.sha256((Path(__file__).read_text() + inspect.getsource(flux_models)).encode()).hexdigest()[:16]
    made = program.parent / f"json-{own}"
    with (program.parent / "json.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            with tempfile.TemporaryDirectory(dir=program.parent) as place:
                unfinished = Path(place) / "json"
                _write(_all(program, Path(place)), unfinished)
                unfinished.rename(made)
    return made


def faults(builds: Mapping[str, Sequence[Document]], place: Path) -> tuple[int, list[Fault]]:
    """How many objects were looked at, and what is wrong with them. builds: by any name, to be said of a fault."""
    names = dict(enumerate(builds))
    for number, name in names.items():
        (place / f"{number}.yaml").write_text("\n---\n".join(json.dumps(one) for one in builds[name]))
    schemas = f"{folder()}/{{{{.Group}}}}/{{{{.ResourceAPIVersion}}}}/{{{{.ResourceKind}}}}.json"
    command = [str(binary("kubeconform")), "-strict", "-summary", "-output", "json", "-schema-location", schemas]
    done = subprocess.run([*command, str(place)], capture_output=True, text=True, timeout=DEADLINE, check=False)
    answer = json.loads(done.stdout)
    return sum(answer["summary"].values()), [
        Fault(
            build=names[int(Path(one["filename"]).stem)],
            kind=one["kind"],
            name=one["name"],
            message=one["msg"].rpartition("json#' - ")[2],
        )
        for one in answer.get("resources") or []
    ]


def _write(schemas: Iterable[tuple[str, Schema]], into: Path) -> None:
    for name, schema in schemas:
        *group, version, kind = name.split("/")
        # kubeconform's Group of the core API is its version.
        file = into / (group[0] if group else version) / version / f"{kind.lower()}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))


def _all(program: Path, place: Path) -> Iterator[tuple[str, Schema]]:
    kinds = {
        f"{version}/{kind}": f"{package}.{kind}"
        for version, (package, named) in GO_TYPES.items()
        for kind in named.split()
    } | MORE_GO_TYPES
    models = _models(place)
    foreign: set[str] = set()
    _collected(models, foreign)
    types = _printed(program, sorted({*kinds.values(), *foreign, METADATA}))
    for name, go_type in kinds.items():
        yield name, _whole(name, types[go_type], types[METADATA])
    for name, schema in _crds():
        yield name, _whole(name, schema, types[METADATA])
    declared = Models(folder=models, foreign=lambda name: types[name])
    for name in MODELS:
        yield name, _whole(name, declared.schema(models / f"{name}.d.ts"), types[METADATA])


def _printed(program: Path, types: list[str]) -> dict[str, Schema]:
    found: dict[str, Schema] = json.loads(_run([program, *types], MODULE))
    return {name: strict(schema) for name, schema in found.items()}


def _crds() -> Iterator[tuple[str, Schema]]:
    for module, file in CRD_FILES.items():
        _run(["go", "mod", "download", module], MODULE)
        home = Path(_run(["go", "list", "-m", "-f", "{{.Dir}}", module], MODULE).strip())
        for crd in YAML(typ="safe", pure=True).load_all((home / file).read_text("utf-8")):
            for version in crd["spec"]["versions"]:
                name = f"{crd['spec']['group']}/{version['name']}/{crd['spec']['names']['kind']}"
                if version["served"]:
                    yield name, strict(version["schema"]["openAPIV3Schema"])


def _models(place: Path) -> Path:
    """The unpacked npm package; its checksum stands in tests/tools/schemas/opentelemetry.json."""
    if shutil.which("npm") is None:
        absent(
            "npm is not on PATH: the schemas of OpenTelemetry come from an npm package. Install Node.js 20 or newer."
        )
    wanted = json.loads((MODULE / "opentelemetry.json").read_text("utf-8"))
    package = f"{wanted['package']}@{wanted['version']}"
    _run(["npm", "pack", "--silent", "--ignore-scripts", package], place)
    (archive,) = place.glob("*.tgz")
    found = hashlib.sha512(archive.read_bytes()).hexdigest()
    if found != wanted["sha512"]:
        pytest.fail(f"{package} is not what it was: its sha512 is {found}. See why before you change the pinned one.")
    with tarfile.open(archive) as content:
        content.extractall(place, filter="data")
    return place / "package"


def _collected(models: Path, into: set[str]) -> None:
    def remember(name: str) -> Schema:
        into.add(name)
        return {"type": "object", "properties": {}}

    names = Models(folder=models, foreign=remember)
    for name in MODELS:
        names.schema(models / f"{name}.d.ts")


def strict(schema: Schema) -> Schema:
    """An OpenAPI schema of Kubernetes as JSON schema that knows no field but its own."""
    found = {key: _part(key, value) for key, value in schema.items() if not key.startswith("x-") and key not in UNUSED}
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
        found.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    if "properties" in found and not schema.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, found]}
    return found


UNUSED = frozenset({"description", "default", "example", "nullable", "externalDocs", "title", "format"})


def _part(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: strict(one) for name, one in value.items()}
    if key in ("items", "additionalProperties", "not") and isinstance(value, dict):
        return strict(value)
    if key in ("anyOf", "allOf", "oneOf"):
        # They only add conditions to what stands beside them, so they must not refuse its fields.
        return [{name: one for name, one in each.items() if name not in UNUSED} for each in value]
    return value


def _whole(name: str, schema: Schema, metadata: Schema) -> Schema:
    version, _, kind = name.rpartition("/")
    properties = {
        **schema["properties"],
        "apiVersion": {"const": version},
        "kind": {"const": kind},
        "metadata": {**metadata, "required": ["name"]},
    }
    required = ["apiVersion", "kind", "metadata", *schema.get("required", [])]
    return {**schema, "properties": properties, "required": sorted(set(required)), "additionalProperties": False}


def _run(command: list[str | Path], place: Path) -> str:
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]} failed: {done.stderr.strip()}", pytrace=False)
    return done.stdout
