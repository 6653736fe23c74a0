"""The kubeconfig file by which clients find the cluster."""

import json
from pathlib import Path

from bot.sandbox.cluster.access import User


def write_kubeconfig(file: Path, *, cluster: str, server: str, users: tuple[User, ...]) -> None:
    """Write one context per user, the first one current. JSON is YAML, so every client reads it."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server}}],
        "users": [{"name": user.context, "user": {"token": user.token}} for user in users],
        "contexts": [
            {"name": user.context, "context": {"cluster": cluster, "user": user.context, "namespace": "flux-system"}}
            for user in users
        ],
        "current-context": users[0].context,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(document, indent=2) + "\n")
