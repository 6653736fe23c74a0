"""The kinds Sluice reads: where the API server serves them.

Versions: Flux 2.7 (https://fluxcd.io/flux/components/), Flagger 1.4x, Kubernetes 1.30 or newer.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "Kustomization", "HelmRelease", "GitRepository", "OCIRepository", "HelmRepository", "HelmChart",
    "ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "Canary", "Deployment", "ConfigMap",
    "Event",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Group (empty: core), version and plural name."""

    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """As objects name it, e.g. `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As messages and RBAC name it, e.g. `kustomizations.kustomize.toolkit.fluxcd.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The path of all, of a namespace's, or of one object; the parts are names and need no quoting."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural, *([name] if name else [])]
        return "/".join(parts)


RESOURCES: dict[Kind, Resource] = {
    "Kustomization": Resource(group="kustomize.toolkit.fluxcd.io", version="v1", plural="kustomizations"),
    "HelmRelease": Resource(group="helm.toolkit.fluxcd.io", version="v2", plural="helmreleases"),
    "GitRepository": Resource(group="source.toolkit.fluxcd.io", version="v1", plural="gitrepositories"),
    "OCIRepository": Resource(group="source.toolkit.fluxcd.io", version="v1", plural="ocirepositories"),
    "HelmRepository": Resource(group="source.toolkit.fluxcd.io", version="v1", plural="helmrepositories"),
    "HelmChart": Resource(group="source.toolkit.fluxcd.io", version="v1", plural="helmcharts"),
    "ImageRepository": Resource(group="image.toolkit.fluxcd.io", version="v1", plural="imagerepositories"),
    "ImagePolicy": Resource(group="image.toolkit.fluxcd.io", version="v1", plural="imagepolicies"),
    "ImageUpdateAutomation": Resource(group="image.toolkit.fluxcd.io", version="v1", plural="imageupdateautomations"),
    "Canary": Resource(group="flagger.app", version="v1beta1", plural="canaries"),
    "Deployment": Resource(group="apps", version="v1", plural="deployments"),
    "ConfigMap": Resource(group="", version="v1", plural="configmaps"),
    "Event": Resource(group="", version="v1", plural="events"),
}
