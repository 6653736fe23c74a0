"""image-automation-controller: selected tags are written at their markers and pushed to the branch, never by force."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from bot.sandbox.cluster.conditions import Conditions, is_ready
from bot.sandbox.cluster.controller import REQUESTED, Controller, interval_of
from bot.sandbox.cluster.git import Checkout, GitFailed, Remote, head_of
from bot.sandbox.cluster.images.setters import Selected, updated
from bot.sandbox.cluster.kinds import GIT_REPOSITORY, IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.cluster.source import remote_of
from bot.sandbox.documents import Document, path, seconds_text

NAME = "image-automation-controller"
MESSAGE = "Update from image update automation"
Observed = dict[str, Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What a run has pushed."""

    commit: str
    branch: str
    message: str


@dataclass(slots=True, kw_only=True)
class Memory:
    """What an automation knew after its last run."""

    head: str = ""
    selection: Observed | None = None


class Automations(Controller):
    """Runs ImageUpdateAutomations with the Setters strategy."""

    kind = IMAGE_UPDATE_AUTOMATION

    def __init__(
        self, objects: Objects, recorder: Recorder, settings: Settings, clock: Callable[[], datetime], folder: Path
    ) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._folder = folder
        self._session: aiohttp.ClientSession | None = None
        self._memories: dict[tuple[str, str], Memory] = {}
        self.pushes = 0
        """How many commits were pushed."""
        self.stale_writes = 0
        """How many of them wrote a selection that was no longer the policies'."""

    def start(self) -> None:
        """Begin to run."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        super().start()

    async def stop(self) -> None:
        """Stop running."""
        await super().stop()
        if self._session is not None:
            await self._session.close()

    def hear(self, change: Change) -> None:
        """Also follow selections and revisions in the automation's namespace."""
        super().hear(change)
        field = {IMAGE_POLICY: ("latestRef",), GIT_REPOSITORY: ("artifact", "revision")}.get(change.kind)
        if field is None or change.after is None:
            return
        values = [path(one or {}, "status", *field) for one in (change.before, change.after)]
        if values[0] == values[1]:
            return
        for document in self.objects.all(self.kind, change.last["metadata"]["namespace"]):
            self.nudge(document["metadata"]["namespace"], document["metadata"]["name"])

    async def reconcile(self, document: Document) -> float | None:
        """One run."""
        if document["spec"].get("suspend"):
            return None
        was_ready = is_ready(document)
        status: Document = document.get("status") or {}
        conditions = Conditions(status, generation=document["metadata"]["generation"], now=self._clock())
        status["lastAutomationRunTime"] = seconds_text(self._clock())
        requested = path(document, "metadata", "annotations", REQUESTED)
        if requested:
            status["lastHandledReconcileAt"] = requested
        memory = self._memories.setdefault(_key(document), Memory())
        try:
            pushed = await self._run(document, status, memory)
        except GitFailed as error:
            conditions.mark("Reconciling", "True", "ProgressingWithRetry", str(error))
            conditions.mark("Ready", "False", "GitOperationFailed", str(error))
            self._write(document, status)
            self._recorder.say(document, "error", "GitOperationFailed", str(error), controller=NAME)
            return self._settings.failure_retry
        message = "repository up-to-date"
        conditions.drop("Reconciling")
        conditions.mark("Ready", "True", "Succeeded", message)
        status["observedGeneration"] = document["metadata"]["generation"]
        self._write(document, status)
        if pushed is not None:
            message = f"pushed commit '{pushed.commit}' to '{pushed.branch}'\n{pushed.message}"
        if pushed is not None or not was_ready:
            self._recorder.say(document, "info", "Succeeded", message, controller=NAME)
        return interval_of(document)

    async def _run(self, document: Document, status: Document, memory: Memory) -> Pushed | None:
        remote, branch = self._source(document)
        current = self._selection(document["metadata"]["namespace"])
        if self._session is None:
            raise GitFailed("failed to checkout source: the controller is stopped")
        head = await head_of(self._session, remote, branch)
        if memory.head == head and memory.selection == current:
            return None
        selection = self._written_selection(current, head, memory)
        checkout = Checkout(self._folder / "-".join(_key(document)))
        head = await checkout.at_head(remote, branch)
        changed = self._update(document, checkout.folder, selection)
        status["observedPolicies"] = selection
        status["observedSourceRevision"] = f"{branch}@sha1:{head}"
        commit = await self._push(document, checkout, remote, branch) if changed else head
        memory.head, memory.selection = commit, selection
        if selection != current:
            self.nudge(*_key(document))
        if not changed:
            return None
        self.stale_writes += selection != current
        status["observedSourceRevision"] = f"{branch}@sha1:{commit}"
        status["lastPushCommit"] = commit
        status["lastPushTime"] = seconds_text(self._clock())
        return Pushed(commit=commit, branch=branch, message=_message(document))

    def _written_selection(self, current: Observed, head: str, memory: Memory) -> Observed:
        """The selection of this run: on a head it does not know, the controller's cache may still have the old one.

        Known from flux2 #4676 and from the order of the watches (GitRepository before ImagePolicy): the run that a
        new revision starts reads policies that have not been reconciled against it.
        """
        stale = self._settings.stale_selection and memory.selection not in (None, current) and head != memory.head
        if not stale or memory.selection is None:
            return current
        return memory.selection

    async def _push(self, document: Document, checkout: Checkout, remote: Remote, branch: str) -> str:
        author = path(document, "spec", "git", "commit", "author") or {}
        message = _message(document)
        commit = await checkout.commit(
            message,
            name=author.get("name", "fluxcdbot"),
            email=author.get("email", "fluxcdbot@users.noreply.example.com"),
            seconds=int(self._clock().timestamp()),
        )
        target = path(document, "spec", "git", "push", "branch") or branch
        try:
            await checkout.push(remote, target)
        except GitFailed as error:
            raise GitFailed(f"failed to update source: {error}") from error
        self.pushes += 1
        return commit

    def _update(self, document: Document, folder: Path, selection: Observed) -> bool:
        update = document["spec"].get("update") or {}
        if update.get("strategy", "Setters") != "Setters":
            raise GitFailed("failed to apply policies: unsupported update strategy")
        namespace = document["metadata"]["namespace"]
        setters: dict[str, str] = {}
        for name, latest in selection.items():
            selected = Selected(name=latest["name"], tag=latest["tag"], digest=latest.get("digest", ""))
            setters |= selected.parts(f"{namespace}:{name}")
        changed = False
        root = (folder / update.get("path", "./")).resolve()
        for file in sorted(one for one in root.rglob("*") if one.suffix in (".yaml", ".yml")):
            before = file.read_text()
            after = updated(before, setters)
            if after != before:
                file.write_text(after)
                changed = True
        return changed

    def _selection(self, namespace: str) -> Observed:
        policies = self.objects.all(IMAGE_POLICY, namespace)
        found = ((policy["metadata"]["name"], path(policy, "status", "latestRef")) for policy in policies)
        return {name: latest for name, latest in found if latest}

    def _source(self, document: Document) -> tuple[Remote, str]:
        reference = document["spec"]["sourceRef"]
        namespace = reference.get("namespace") or document["metadata"]["namespace"]
        repository = self.objects.find(GIT_REPOSITORY, namespace, reference["name"])
        if repository is None:
            raise GitFailed(f"failed to checkout source: GitRepository {namespace}/{reference['name']} not found")
        branch = path(document, "spec", "git", "checkout", "ref", "branch") or path(repository, "spec", "ref", "branch")
        if not branch:
            raise GitFailed("failed configuring source manager: no branch to check out")
        return remote_of(self.objects, repository), branch

    def _write(self, document: Document, status: Document) -> None:
        self.objects.set_status(self.kind, *_key(document), status)


def _message(document: Document) -> str:
    template = path(document, "spec", "git", "commit", "messageTemplate") or MESSAGE
    if "{{" in template:
        raise GitFailed("failed to update source: Go templates in messageTemplate are not modelled by the sandbox")
    return str(template)


def _key(document: Document) -> tuple[str, str]:
    return document["metadata"]["namespace"], document["metadata"]["name"]
