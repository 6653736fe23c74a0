"""What image policies select in a cluster, and whether every automation that could write it has seen it.

Source: https://fluxcd.io/flux/components/image/imageupdateautomations/ (Flux 2.7): an automation reads the policies of
its namespace before it checks Git out, and notes in `status.observedPolicies` what it saw. Until it notes the present
selection, a run that saw an older one may still write it (failures F1).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.clients.kubernetes import (
    Automation,
    Cluster,
    FluxObject,
    Kind,
    NotServed,
    SelectedImage,
    summarise,
    summarise_automation,
)
from bot.errors import PermanentError, TemporaryError
from bot.looking.images import Images
from bot.observing import SelectionSeen
from bot.releases import Image
from config.policy import EnvironmentPolicy

POLICY: Kind = "ImagePolicy"
AUTOMATION: Kind = "ImageUpdateAutomation"


@dataclass(slots=True)
class SelectionTruth:
    """Reads the image policies that the setter markers of an environment name."""

    clusters: Mapping[str, Cluster]
    images: Images

    async def read(self, environment: EnvironmentPolicy, policies: Mapping[str, str]) -> tuple[SelectionSeen, ...]:
        """At least one line for each image, in its order. policies: `<namespace>:<name>` by the image as it is built.

        Clusters without the policy say nothing. Where none has it, or one is not read or away, the line has neither
        tag nor digest and is not observed.
        """
        seen: list[SelectionSeen] = []
        for built, marker in sorted(policies.items()):
            name = environment.image_name(built)
            found = [await self._in_cluster(cluster, marker, name) for cluster in environment.clusters]
            known = [selection for selection in found if selection is not None]
            seen += known or [_nothing(cluster, marker, name) for cluster in environment.clusters[:1]]
        return tuple(seen)

    async def _in_cluster(self, cluster_name: str, marker: str, image_name: str) -> SelectionSeen | None:
        """None where the cluster has no such policy: then nothing there writes it."""
        cluster = self.clusters.get(cluster_name)
        if cluster is None:
            return _nothing(cluster_name, marker, image_name)
        namespace, name = named(marker)
        try:
            document = await cluster.get(POLICY, namespace, name)
            automations = await _automations(cluster, namespace)
        except NotServed:
            return None
        except TemporaryError:
            return _nothing(cluster_name, marker, image_name)
        if document is None:
            return None
        policy = summarise(document)
        if policy.selected is None:
            return _nothing(cluster_name, marker, image_name)
        return SelectionSeen(
            cluster=cluster_name,
            policy=f"{namespace}:{name}",
            image=Image(name=image_name, digest=await self._digest(policy.selected), tag=policy.selected.tag),
            observed=is_observed(policy, automations),
        )

    async def _digest(self, selected: SelectedImage) -> str:
        """As the policy reflects it, else what its tag names now; empty when it names nothing."""
        return selected.digest or await self.images.digest(selected.name, selected.tag) or ""


async def _automations(cluster: Cluster, namespace: str) -> tuple[Automation, ...]:
    try:
        items, _ = await cluster.list(AUTOMATION, namespace)
    except NotServed:
        return ()
    return tuple(summarise_automation(item) for item in items)


def _nothing(cluster: str, marker: str, image_name: str) -> SelectionSeen:
    policy = ":".join(named(marker))
    return SelectionSeen(cluster=cluster, policy=policy, image=Image(name=image_name, digest=""), observed=False)


def named(marker: str) -> tuple[str, str]:
    """Namespace and name of the policy that a setter marker names, whatever part of the image it asks for."""
    match marker.split(":"):
        case [namespace, name] | [namespace, name, _] if namespace and name:
            return namespace, name
        case _:
            raise PermanentError(
                f"the setter marker {marker[:100]!r} names no image policy: it is not of the form NAMESPACE:NAME. "
                "Mend the marker in the config repository."
            )


def is_observed(policy: FluxObject, automations: Iterable[Automation]) -> bool:
    """Whether the selection is of the policy's present form, and no automation may still write an older one.

    Automations that do not serve the policy cannot write it; suspended ones read policies anew before they write.
    """
    writing = [found for found in automations if not found.suspended and found.serves(policy.labels)]
    return policy.ready == "True" and all(found.observed.get(policy.name) == policy.selected for found in writing)
