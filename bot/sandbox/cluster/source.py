"""source-controller: a GitRepository's branch is followed over smart HTTP and kept as an artifact."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from bot.sandbox.cluster.conditions import Conditions
from bot.sandbox.cluster.controller import REQUESTED, Controller, interval_of
from bot.sandbox.cluster.git import GitFailed, Mirror, Remote, head_of
from bot.sandbox.cluster.ignoring import kept
from bot.sandbox.cluster.kinds import GIT_REPOSITORY, SECRET
from bot.sandbox.cluster.notifications import secret_values
from bot.sandbox.cluster.objects import Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.documents import Document, path, seconds_text

NAME = "source-controller"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The files of one revision."""

    revision: str
    """`branch@sha1:<commit>`."""
    digest: str
    files: dict[str, bytes]


class Sources(Controller):
    """Follows GitRepositories with `spec.ref.branch`; other refs are refused loudly."""

    kind = GIT_REPOSITORY

    def __init__(
        self, objects: Objects, recorder: Recorder, settings: Settings, clock: Callable[[], datetime], folder: Path
    ) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._folder = folder
        self._session: aiohttp.ClientSession | None = None
        self.artifacts: dict[tuple[str, str], Artifact] = {}

    def start(self) -> None:
        """Begin to follow."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        super().start()

    async def stop(self) -> None:
        """Stop following."""
        await super().stop()
        if self._session is not None:
            await self._session.close()

    async def reconcile(self, document: Document) -> float | None:
        """Look at the branch once."""
        if document["spec"].get("suspend"):
            return None
        try:
            fresh = await self._fetch(document)
        except GitFailed as error:
            self._fail(document, f"failed to checkout and determine revision: {error}")
            return self._settings.failure_retry
        self._succeed(document, fresh)
        return interval_of(document)

    async def _fetch(self, document: Document) -> tuple[Artifact, str] | None:
        """The new artifact and its commit's subject, or None when the branch did not move."""
        branch = path(document, "spec", "ref", "branch")
        if not branch:
            raise GitFailed("only spec.ref.branch is modelled by the sandbox")
        if self._session is None:
            raise GitFailed("the controller is stopped")
        remote, key = remote_of(self.objects, document), _key(document)
        head = await head_of(self._session, remote, branch)
        known = self.artifacts.get(key)
        if known is not None and known.revision == f"{branch}@sha1:{head}":
            return None
        mirror = Mirror(self._folder / f"{key[0]}-{key[1]}.git")
        head = await mirror.fetch(remote, branch)
        files = kept(await mirror.files(head))
        content = hashlib.sha256(b"".join(name.encode() + b"\0" + files[name] for name in sorted(files)))
        artifact = Artifact(revision=f"{branch}@sha1:{head}", digest=f"sha256:{content.hexdigest()}", files=files)
        return artifact, await mirror.subject(head)

    def _succeed(self, document: Document, fresh: tuple[Artifact, str] | None) -> None:
        meta = document["metadata"]
        status, conditions = self._status(document)
        recovered = conditions.is_true("FetchFailed")
        if fresh is not None:
            self.artifacts[_key(document)] = fresh[0]
            status["artifact"] = self._described(document, fresh[0])
        revision = self.artifacts[_key(document)].revision
        for gone in ("Reconciling", "FetchFailed", "Stalled"):
            conditions.drop(gone)
        message = f"stored artifact for revision '{revision}'"
        conditions.mark("ArtifactInStorage", "True", "Succeeded", message)
        conditions.mark("Ready", "True", "Succeeded", message)
        status["observedGeneration"] = meta["generation"]
        stored = self.objects.set_status(self.kind, meta["namespace"], meta["name"], status)
        if stored is None or not (fresh or recovered):
            return
        # source-controller, gitrepository_controller.go (notify): new content, or recovery from a failed fetch.
        reason = "NewArtifact" if fresh else "Succeeded"
        said = f"stored artifact for commit '{fresh[1]}'" if fresh else message
        self._recorder.say(document, "info", reason, said, controller=NAME, metadata={"revision": revision})

    def _fail(self, document: Document, message: str) -> None:
        meta = document["metadata"]
        status, conditions = self._status(document)
        reason = "GitOperationFailed"
        conditions.mark("FetchFailed", "True", reason, message)
        conditions.mark("Reconciling", "True", "ProgressingWithRetry", message)
        conditions.mark("Ready", "False", reason, message)
        if self.objects.set_status(self.kind, meta["namespace"], meta["name"], status) is not None:
            self._recorder.say(document, "error", reason, message, controller=NAME)

    def _status(self, document: Document) -> tuple[Document, Conditions]:
        status: Document = document.setdefault("status", {})
        requested = path(document, "metadata", "annotations", REQUESTED)
        if requested:
            status["lastHandledReconcileAt"] = requested
        return status, Conditions(status, generation=document["metadata"]["generation"], now=self._clock())

    def _described(self, document: Document, artifact: Artifact) -> Document:
        namespace, name = _key(document)
        place = f"gitrepository/{namespace}/{name}/{artifact.revision.rpartition(':')[2]}.tar.gz"
        return {
            "revision": artifact.revision,
            "digest": artifact.digest,
            "lastUpdateTime": seconds_text(self._clock()),
            "path": place,
            "size": sum(len(content) for content in artifact.files.values()),
            "url": f"http://{NAME}.flux-system.svc.cluster.local./{place}",
        }


def remote_of(objects: Objects, repository: Document) -> Remote:
    """The Git remote of a GitRepository with the credentials of its Secret."""
    spec = repository["spec"]
    name = path(repository, "spec", "secretRef", "name")
    secret = objects.find(SECRET, repository["metadata"]["namespace"], name) if name else None
    values = secret_values(secret or {})
    return Remote(url=spec["url"], username=values.get("username", ""), password=values.get("password", ""))


def _key(document: Document) -> tuple[str, str]:
    return document["metadata"]["namespace"], document["metadata"]["name"]
