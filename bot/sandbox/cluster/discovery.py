"""Discovery: which groups, versions and resources the cluster serves."""

from bot.sandbox.cluster.kinds import KINDS, Kind
from bot.sandbox.documents import Document

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
VERSION = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.4-sluice-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def core_versions(host: str) -> Document:
    """The answer of `/api`."""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def groups() -> Document:
    """The answer of `/apis`."""
    names = dict.fromkeys(kind.group for kind in KINDS if kind.group)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name) for name in names]}


def group(name: str) -> Document:
    """The answer of `/apis/{group}`; without versions when there is none."""
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version}
        for version in dict.fromkeys(kind.version for kind in KINDS if kind.group == name)
    ]
    named: Document = {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions}
    if versions:
        named["preferredVersion"] = versions[0]
    return named


def resources(name: str, version: str) -> Document:
    """The answer of `/api/v1` and `/apis/{group}/{version}`."""
    served = [kind for kind in KINDS if (kind.group, kind.version) == (name, version)]
    listed = [_resource(kind, "") for kind in served] + [_resource(kind, "/status") for kind in served if kind.status]
    group_version = f"{name}/{version}" if name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed}


def _resource(kind: Kind, subresource: str) -> Document:
    return {
        "name": kind.plural + subresource,
        "singularName": "" if subresource else kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["get", "patch", "update"] if subresource else VERBS,
    }
