"""What a Flux ImageUpdateAutomation writes and has seen.

Fields: https://fluxcd.io/flux/components/image/imageupdateautomations/ (Flux 2.7). It serves the ImagePolicies of its
own namespace that its selector takes, and writes down for each what it last saw selected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bot.clients.kubernetes.objects import RefShape, SelectedImage
from bot.clients.kubernetes.shapes import Metadata, shaped

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of a label selector (Kubernetes `LabelSelectorRequirement`)."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def met(self, labels: Mapping[str, str]) -> bool:
        """Whether an object's labels meet it; an absent label is not in any list."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """An ImageUpdateAutomation. path: the folder it writes below. observed: what it last saw, by policy name.

    selector: all of it must be met by a policy's labels; empty takes every policy of the namespace.
    """

    namespace: str
    name: str
    suspended: bool
    path: str
    selector: tuple[Requirement, ...]
    observed: Mapping[str, SelectedImage]
    last_push_commit: str

    def serves(self, labels: Mapping[str, str]) -> bool:
        """Whether it would write a policy with these labels."""
        return all(requirement.met(labels) for requirement in self.selector)


class _Requirement(msgspec.Struct, frozen=True):
    key: str
    operator: Operator
    values: tuple[str, ...] | None = None


class _Selector(msgspec.Struct, frozen=True, rename="camel"):
    match_labels: dict[str, str] | None = None
    match_expressions: tuple[_Requirement, ...] | None = None


class _Update(msgspec.Struct, frozen=True):
    path: str = ""


class _Spec(msgspec.Struct, frozen=True, rename="camel"):
    suspend: bool | None = None
    update: _Update | None = None
    policy_selector: _Selector | None = None


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    observed_policies: dict[str, RefShape] | None = None
    last_push_commit: str = ""


class _Automation(msgspec.Struct, frozen=True):
    metadata: Metadata
    spec: _Spec
    status: _Status | None = None


def summarise_automation(document: Mapping[str, Any]) -> Automation:
    """The summary of an ImageUpdateAutomation's JSON; PermanentError for another shape."""
    parsed = shaped(document, _Automation, component="Flux")
    status = parsed.status or _Status()
    return Automation(
        namespace=parsed.metadata.namespace,
        name=parsed.metadata.name,
        suspended=bool(parsed.spec.suspend),
        path=parsed.spec.update.path if parsed.spec.update else "",
        selector=_requirements(parsed.spec.policy_selector),
        observed={name: ref.summary() for name, ref in (status.observed_policies or {}).items()},
        last_push_commit=status.last_push_commit,
    )


def _requirements(selector: _Selector | None) -> tuple[Requirement, ...]:
    if selector is None:
        return ()
    equal = (Requirement(key=key, operator="In", values=(text,)) for key, text in (selector.match_labels or {}).items())
    written = (
        Requirement(key=found.key, operator=found.operator, values=found.values or ())
        for found in selector.match_expressions or ()
    )
    return (*equal, *written)
