"""Which images a Deployment's pod template names (Kubernetes apps/v1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bot.clients.kubernetes.shapes import Metadata, shaped


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentObject:
    """A Deployment. images: references of all containers as written, init containers too, sorted, each once.

    The images are of the template at `generation`; `observed_generation` is how far its controller came.
    """

    namespace: str
    name: str
    generation: int
    observed_generation: int
    images: tuple[str, ...]


class _Container(msgspec.Struct, frozen=True):
    image: str = ""


class _Pods(msgspec.Struct, frozen=True, rename="camel"):
    containers: tuple[_Container, ...]
    init_containers: tuple[_Container, ...] | None = None


class _Template(msgspec.Struct, frozen=True):
    spec: _Pods


class _Spec(msgspec.Struct, frozen=True):
    template: _Template


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    observed_generation: int = 0


class _Deployment(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: _Spec
    status: _Status | None = None


def summarise_deployment(document: Mapping[str, Any]) -> DeploymentObject:
    """The summary of a Deployment's JSON; PermanentError for another shape."""
    parsed = shaped(document, _Deployment, component="Kubernetes")
    pods = parsed.spec.template.spec
    containers = (*pods.containers, *(pods.init_containers or ()))
    return DeploymentObject(
        namespace=parsed.metadata.namespace,
        name=parsed.metadata.name,
        generation=parsed.metadata.generation,
        observed_generation=parsed.status.observed_generation if parsed.status else 0,
        images=tuple(sorted({container.image for container in containers if container.image})),
    )
