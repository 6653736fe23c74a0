"""Flux Receivers of type gitlab: a webhook that makes sources and image repositories reconcile at once."""

import hashlib
from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from bot.sandbox.cluster.conditions import Conditions, is_ready
from bot.sandbox.cluster.controller import REQUESTED, Controller, interval_of
from bot.sandbox.cluster.kinds import RECEIVER, SECRET, kind_of
from bot.sandbox.cluster.notifications import secret_values
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.documents import Document, path

# notification-controller answers bodies over about 3 MiB with 413.
LIMIT = 3 * 1024 * 1024
RESOURCES = {
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "OCIRepository": "source.toolkit.fluxcd.io/v1",
    "ImageRepository": "image.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
}


class Receivers(Controller):
    """Gives each Receiver its path and answers the requests to it (notification-controller, receiver_handlers.go)."""

    kind = RECEIVER

    def __init__(self, objects: Objects, clock: Callable[[], datetime]) -> None:
        super().__init__(objects)
        self._clock = clock

    async def reconcile(self, document: Document) -> float | None:
        """Publish the path `/hook/<sha256 of token, name and namespace>`."""
        meta, status = document["metadata"], document.get("status") or {}
        conditions = Conditions(status, generation=meta["generation"], now=self._clock())
        token = self._token(document)
        digest = hashlib.sha256(f"{token}{meta['name']}{meta['namespace']}".encode()).hexdigest()
        status |= {"webhookPath": f"/hook/{digest}", "observedGeneration": meta["generation"]}
        conditions.mark("Ready", "True", "Succeeded", f"Receiver initialized for path: /hook/{digest}")
        self.objects.set_status(self.kind, meta["namespace"], meta["name"], status)
        return interval_of(document, default="10m")

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """404 unknown path, 413 too large, 503 suspended, 400 wrong token or event, 200 with everything asked for."""
        place = f"/hook/{request.match_info['digest']}"
        found = next((one for one in self.objects.all(RECEIVER) if path(one, "status", "webhookPath") == place), None)
        if found is None:
            return web.Response(status=404)
        if (request.content_length or 0) > LIMIT:
            return web.Response(status=413)
        if found["spec"].get("suspend") or not is_ready(found):
            return web.Response(status=503)
        wanted = found["spec"].get("events") or []
        if request.headers.get("X-Gitlab-Token", "") != self._token(found):
            return web.Response(status=400)
        if wanted and request.headers.get("X-Gitlab-Event", "") not in wanted:
            return web.Response(status=400)
        self._ask(found)
        return web.Response(status=200)

    def _ask(self, receiver: Document) -> None:
        for resource in receiver["spec"].get("resources", []):
            kind = kind_of(resource.get("apiVersion") or RESOURCES.get(resource["kind"], ""), resource["kind"])
            if kind is None:
                continue
            namespace = resource.get("namespace") or receiver["metadata"]["namespace"]
            document = self.objects.find(kind, namespace, resource["name"])
            if document is not None:
                document["metadata"].setdefault("annotations", {})[REQUESTED] = self._clock().isoformat()
                self.objects.update(kind, document)

    def _token(self, receiver: Document) -> str:
        secret = self.objects.find(SECRET, receiver["metadata"]["namespace"], receiver["spec"]["secretRef"]["name"])
        return secret_values(secret or {}).get("token", "")
