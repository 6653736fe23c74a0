"""The seeded world's beginning: commits, release 1.0.0, the cluster's own objects, and the wait until it is healthy."""

import base64
import json
from dataclasses import dataclass

from bot.errors import PermanentError
from bot.sandbox.cluster import Cluster
from bot.sandbox.cluster.conditions import is_ready
from bot.sandbox.cluster.kinds import CANARY, KUSTOMIZATION
from bot.sandbox.credentials import Credentials
from bot.sandbox.documents import Document, path
from bot.sandbox.gitlab import GitLab, Project
from bot.sandbox.people import People
from bot.sandbox.registry import Registry
from bot.sandbox.waiting import until_nothing_hinders
from bot.sandbox.world import tree

FIRST_VERSION = "1.0.0"
ENVIRONMENTS = ("dev", "staging", "production")
BEGINNING = ("Say hello", "Say it in many languages", "Answer health checks")
PATIENCE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """One release of the application as its CI made it."""

    version: str
    commit: str
    image: str
    digest: str


async def seed_application(gitlab: GitLab, project: Project, people: People) -> str:
    """The application's first commits and its first tag; returns the tagged commit."""
    commit = await gitlab.commit_files(project, "main", tree("application", {}), BEGINNING[0], people.developer)
    for number, subject in enumerate(BEGINNING[1:], start=1):
        change = {f"src/change-{number}.txt": f"{subject}\n"}
        commit = await gitlab.commit_files(project, "main", change, subject, people.developer)
    await gitlab.create_tag(project, f"v{FIRST_VERSION}", commit, user=people.developer)
    return commit


async def seed_config(gitlab: GitLab, project: Project, people: People, blanks: dict[str, str]) -> str:
    """The config repository's one first commit."""
    return await gitlab.commit_files(project, "main", tree("config", blanks), "Begin", people.maintainer)


def seed_cluster(cluster: Cluster, *, git: str, flux_token: str, registry: Registry, credentials: Credentials) -> None:
    """What `flux bootstrap` leaves in a cluster: namespaces, Secrets, and the source with the root Kustomization."""
    for name in ("default", "flux-system", *ENVIRONMENTS):
        cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    who = base64.b64encode(f"sluice:{credentials.registry_password}".encode()).decode()
    docker = json.dumps({"auths": {registry.host: {"auth": who}}})
    cluster.put(secret("flux-config", {"username": "fluxcdbot", "password": flux_token}))
    cluster.put(secret("registry", {".dockerconfigjson": docker}, kind="kubernetes.io/dockerconfigjson"))
    cluster.put(secret("receiver", {"token": credentials.receiver_token}))
    cluster.put(secret("sluice-webhook", {"token": credentials.flux_secret}))
    reference = {"kind": "GitRepository", "name": "flux-config"}
    source = {"interval": "1s", "url": git, "ref": {"branch": "main"}, "secretRef": {"name": "flux-config"}}
    root = {"interval": "10m", "path": "./clusters/demo", "prune": True, "sourceRef": reference}
    cluster.put(_flux("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-config", source))
    cluster.put(_flux("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", root))


def secret(name: str, values: dict[str, str], *, kind: str = "Opaque") -> Document:
    """A Secret of flux-system."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    meta = {"namespace": "flux-system", "name": name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": kind, "data": data}


async def until_healthy(cluster: Cluster, commit: str) -> None:
    """Wait until every environment has applied a commit. Raises PermanentError with what hinders it."""
    hindrance = await until_nothing_hinders(lambda: _hindrance(cluster, commit), patience=PATIENCE)
    if hindrance:
        raise PermanentError(f"the sandbox's world did not become healthy: {hindrance}. Please report this")


def _hindrance(cluster: Cluster, commit: str) -> str:
    for environment in ENVIRONMENTS:
        found = cluster.objects.find(KUSTOMIZATION, "flux-system", f"demo-service-{environment}")
        status = (found or {}).get("status") or {}
        if status.get("lastAppliedRevision") != f"main@sha1:{commit}" or not is_ready(found or {}):
            return f"{environment}: {status.get('conditions', 'not there')}"
    canary = path(cluster.objects.find(CANARY, "production", "demo-service") or {}, "status", "phase")
    return "" if canary == "Initialized" else f"production's canary: {canary or 'not there'}"


def _flux(api_version: str, kind: str, name: str, spec: Document) -> Document:
    meta = {"namespace": "flux-system", "name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": spec}
