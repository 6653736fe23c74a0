"""The kinds the cluster serves: their group, version, names, scope, and whether status is a subresource."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One served resource."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    status: bool = True
    """Whether `/status` is a subresource, so that writes of the object leave its status alone."""
    builtin: bool = False
    """Built-in kinds take strategic merge patches; custom resources refuse them (Kubernetes, "Update API Objects")."""

    @property
    def api_version(self) -> str:
        """`group/version`, or the bare version of the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """How messages name it: `kustomizations.kustomize.toolkit.fluxcd.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def _builtin(kind: str, plural: str, *, group: str = "", namespaced: bool = True, status: bool = True) -> Kind:
    return Kind(group=group, version="v1", kind=kind, plural=plural, namespaced=namespaced, status=status, builtin=True)


def _flux(group: str, version: str, *names: tuple[str, str]) -> tuple[Kind, ...]:
    return tuple(
        Kind(group=f"{group}.toolkit.fluxcd.io", version=version, kind=kind, plural=plural) for kind, plural in names
    )


NAMESPACE = _builtin("Namespace", "namespaces", namespaced=False)
POD = _builtin("Pod", "pods")
SERVICE = _builtin("Service", "services")
CONFIG_MAP = _builtin("ConfigMap", "configmaps", status=False)
SECRET = _builtin("Secret", "secrets", status=False)
EVENT = _builtin("Event", "events", status=False)
DEPLOYMENT = _builtin("Deployment", "deployments", group="apps")
(KUSTOMIZATION,) = _flux("kustomize", "v1", ("Kustomization", "kustomizations"))
GIT_REPOSITORY, OCI_REPOSITORY = _flux(
    "source", "v1", ("GitRepository", "gitrepositories"), ("OCIRepository", "ocirepositories")
)
(HELM_RELEASE,) = _flux("helm", "v2", ("HelmRelease", "helmreleases"))
IMAGE_REPOSITORY, IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION = _flux(
    "image",
    "v1",
    ("ImageRepository", "imagerepositories"),
    ("ImagePolicy", "imagepolicies"),
    ("ImageUpdateAutomation", "imageupdateautomations"),
)
(RECEIVER,) = _flux("notification", "v1", ("Receiver", "receivers"))
ALERT, PROVIDER = _flux("notification", "v1beta3", ("Alert", "alerts"), ("Provider", "providers"))
CANARY, METRIC_TEMPLATE, ALERT_PROVIDER = (
    Kind(group="flagger.app", version="v1beta1", kind=kind, plural=plural)
    for kind, plural in (
        ("Canary", "canaries"),
        ("MetricTemplate", "metrictemplates"),
        ("AlertProvider", "alertproviders"),
    )
)

KINDS = (
    NAMESPACE, POD, SERVICE, CONFIG_MAP, SECRET, EVENT, DEPLOYMENT, KUSTOMIZATION, GIT_REPOSITORY, OCI_REPOSITORY,
    HELM_RELEASE, IMAGE_REPOSITORY, IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION, RECEIVER, ALERT, PROVIDER, CANARY,
    METRIC_TEMPLATE, ALERT_PROVIDER,
)  # fmt: skip


def kind_of(api_version: str, kind: str) -> Kind | None:
    """The served kind of an object's apiVersion and kind."""
    return next((one for one in KINDS if one.api_version == api_version and one.kind == kind), None)


def kind_at(group: str, version: str, plural: str) -> Kind | None:
    """The served kind at a path."""
    return next((one for one in KINDS if (one.group, one.version, one.plural) == (group, version, plural)), None)
