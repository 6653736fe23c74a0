"""image-reflector-controller: repositories are scanned for tags, and policies select the latest of them."""

import re
import zlib
from collections.abc import Callable
from datetime import datetime

import aiohttp

from bot.sandbox.cluster.conditions import Conditions, is_ready
from bot.sandbox.cluster.controller import REQUESTED, Controller, interval_of
from bot.sandbox.cluster.images.registry_client import Image, ScanFailed, credentials_of, digest_of, tags_of
from bot.sandbox.cluster.images.selection import Filter, InvalidPolicy, NothingSelected, Order, Policy, select
from bot.sandbox.cluster.kinds import IMAGE_POLICY, IMAGE_REPOSITORY, SECRET
from bot.sandbox.cluster.objects import Change, Objects
from bot.sandbox.cluster.recorder import Recorder
from bot.sandbox.cluster.settings import Settings
from bot.sandbox.documents import Document, path, seconds_text

NAME = "image-reflector-controller"
# ImageRepository docs: tags that end in .sig are excluded unless the object says otherwise.
EXCLUDED = ["^.*\\.sig$"]


def image_of(objects: Objects, repository: Document) -> Image:
    """The image of an ImageRepository with the credentials of its Secret."""
    name = str(repository["spec"]["image"])
    secret_name = path(repository, "spec", "secretRef", "name")
    secret = objects.find(SECRET, repository["metadata"]["namespace"], secret_name) if secret_name else None
    username, password = credentials_of(secret or {}, name.partition("/")[0])
    return Image(name=name, username=username, password=password)


class Scans(Controller):
    """Scans ImageRepositories. `tags` is the controller's database: image name to tags, in descending order."""

    kind = IMAGE_REPOSITORY

    def __init__(self, objects: Objects, recorder: Recorder, settings: Settings, clock: Callable[[], datetime]) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self.session: aiohttp.ClientSession | None = None
        self.tags: dict[str, list[str]] = {}

    def start(self) -> None:
        """Begin to scan."""
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        super().start()

    async def stop(self) -> None:
        """Stop scanning."""
        await super().stop()
        if self.session is not None:
            await self.session.close()

    async def reconcile(self, document: Document) -> float | None:
        """One scan."""
        if document["spec"].get("suspend") or self.session is None:
            return None
        was_ready, old_message = is_ready(document), _ready_message(document)
        status, conditions = _status(document, self._clock())
        try:
            found = await tags_of(self.session, image_of(self.objects, document))
            tags = _included(found, document["spec"].get("exclusionList") or EXCLUDED)
        except ScanFailed as error:
            message = f"scan failed: {error}"
            conditions.mark("Reconciling", "True", "ProgressingWithRetry", message)
            conditions.mark("Ready", "False", "ReadOperationFailed", message)
            self._write(document, status)
            self._recorder.say(document, "error", "ReadOperationFailed", message, controller=NAME)
            return self._settings.failure_retry
        self._scanned(document, status, tags)
        message = f"successful scan: found {len(tags)} tags with checksum {status['lastScanResult']['revision']}"
        conditions.drop("Reconciling")
        conditions.mark("Ready", "True", "Succeeded", message)
        self._write(document, status)
        if not was_ready or message != old_message:
            self._recorder.say(document, "info", "Succeeded", message, controller=NAME)
        return interval_of(document)

    def _scanned(self, document: Document, status: Document, tags: list[str]) -> None:
        name = str(document["spec"]["image"])
        self.tags[name] = tags
        status["canonicalImageName"] = name
        status["observedExclusionList"] = document["spec"].get("exclusionList") or EXCLUDED
        status["observedGeneration"] = document["metadata"]["generation"]
        status["lastScanResult"] = {
            "tagCount": len(tags),
            "scanTime": seconds_text(self._clock()),
            "latestTags": tags[:10],
            "revision": str(zlib.crc32("\n".join(tags).encode())),
        }

    def _write(self, document: Document, status: Document) -> None:
        self.objects.set_status(self.kind, document["metadata"]["namespace"], document["metadata"]["name"], status)


class Policies(Controller):
    """Selects for ImagePolicies whenever their repository was scanned or they changed."""

    kind = IMAGE_POLICY

    def __init__(
        self, objects: Objects, recorder: Recorder, settings: Settings, clock: Callable[[], datetime], scans: Scans
    ) -> None:
        super().__init__(objects)
        self._recorder = recorder
        self._settings = settings
        self._clock = clock
        self._scans = scans

    def hear(self, change: Change) -> None:
        """Also follow scans."""
        super().hear(change)
        if change.kind is not IMAGE_REPOSITORY or change.after is None:
            return
        results = [path(one or {}, "status", "lastScanResult", "revision") for one in (change.before, change.after)]
        if results[0] == results[1]:
            return
        meta = change.after["metadata"]
        for document in self.objects.all(self.kind):
            if _repository_key(document) == (meta["namespace"], meta["name"]):
                self.nudge(document["metadata"]["namespace"], document["metadata"]["name"])

    async def reconcile(self, document: Document) -> float | None:
        """One selection."""
        if document["spec"].get("suspend"):
            return None
        was_ready, old_message = is_ready(document), _ready_message(document)
        status, conditions = _status(document, self._clock())
        try:
            latest = await self._selected(document, status.get("latestRef"))
        except InvalidPolicy as error:
            self._refuse(document, status, conditions, "InvalidPolicy", str(error), stalled=True)
            return None
        except NothingSelected as error:
            self._refuse(document, status, conditions, "Failure", str(error), stalled=False)
            return self._settings.failure_retry
        except ScanFailed as error:
            self._refuse(document, status, conditions, "DependencyNotReady", str(error), stalled=False)
            return self._settings.failure_retry
        if latest != status.get("latestRef"):
            if "latestRef" in status:
                status["observedPreviousRef"] = status["latestRef"]
            status["latestRef"] = latest
        message = resolved(latest, status.get("observedPreviousRef"))
        for gone in ("Reconciling", "Stalled"):
            conditions.drop(gone)
        conditions.mark("Ready", "True", "Succeeded", message)
        status["observedGeneration"] = document["metadata"]["generation"]
        self._write(document, status)
        if not was_ready or message != old_message:
            self._recorder.say(document, "info", "Succeeded", message, controller=NAME)
        always = document["spec"].get("digestReflectionPolicy") == "Always"
        return interval_of(document) if always else None

    async def _selected(self, document: Document, known: Document | None) -> Document:
        repository = self.objects.find(IMAGE_REPOSITORY, *_repository_key(document))
        if repository is None:
            raise ScanFailed("failed to get the referred ImageRepository: referenced ImageRepository does not exist")
        name = str(repository["spec"]["image"])
        tags = self._scans.tags.get(name)
        if not tags:
            raise ScanFailed("no tags in database")
        latest: Document = {"name": name, "tag": select(tags, policy_of(document))}
        reflects = document["spec"].get("digestReflectionPolicy", "Never")
        same = known is not None and (known["name"], known["tag"]) == (latest["name"], latest["tag"])
        if reflects == "IfNotPresent" and same and known is not None and known.get("digest"):
            return known
        if reflects != "Never" and self._scans.session is not None:
            latest["digest"] = await digest_of(self._scans.session, image_of(self.objects, repository), latest["tag"])
        return latest

    def _refuse(
        self, document: Document, status: Document, conditions: Conditions, reason: str, message: str, *, stalled: bool
    ) -> None:
        if stalled:
            conditions.drop("Reconciling")
            conditions.mark("Stalled", "True", reason, message)
            status["observedGeneration"] = document["metadata"]["generation"]
        conditions.mark("Ready", "False", reason, message)
        self._write(document, status)
        self._recorder.say(document, "error", reason, message, controller=NAME)

    def _write(self, document: Document, status: Document) -> None:
        self.objects.set_status(self.kind, document["metadata"]["namespace"], document["metadata"]["name"], status)


def policy_of(document: Document) -> Policy:
    """The choice an ImagePolicy asks for. Raises InvalidPolicy."""
    spec = document["spec"]
    wanted = spec.get("policy") or {}
    tag_filter = spec.get("filterTags")
    filtered = None
    if tag_filter:
        filtered = Filter(pattern=tag_filter.get("pattern", ""), extract=tag_filter.get("extract", ""))
    if "semver" in wanted:
        return Policy(kind="semver", range=wanted["semver"]["range"], filter=filtered)
    if "numerical" in wanted:
        return Policy(kind="numerical", order=_order(wanted["numerical"]), filter=filtered)
    if "alphabetical" in wanted:
        return Policy(kind="alphabetical", order=_order(wanted["alphabetical"]), filter=filtered)
    raise InvalidPolicy("invalid policy: given ImagePolicyChoice object is invalid")


def _order(choice: Document | None) -> Order:
    match (choice or {}).get("order") or "asc":
        case "asc":
            return "asc"
        case "desc":
            return "desc"
        case other:
            raise InvalidPolicy(f"invalid policy: invalid order argument provided: '{other}'")


def resolved(latest: Document, previous: Document | None) -> str:
    """The Ready message (image-reflector-controller 1.0, composeImagePolicyReadyMessage)."""
    message = f"Latest image tag for {latest['name']} resolved to {latest['tag']}"
    if latest.get("digest"):
        message += f" with digest {latest['digest']}"
    if previous is not None and previous != latest:
        digest = f"@{previous['digest']}" if previous.get("digest") else ""
        message += f" (previously {previous['name']}:{previous['tag']}{digest})"
    return message


def _included(tags: list[str], excluded: list[str]) -> list[str]:
    try:
        patterns = [re.compile(pattern) for pattern in excluded]
    except re.error as error:
        raise ScanFailed(f"failed to compile regex: {error}") from error
    kept = [tag for tag in tags if not any(pattern.search(tag) for pattern in patterns)]
    return sorted(kept, reverse=True)


def _repository_key(document: Document) -> tuple[str, str]:
    reference = document["spec"]["imageRepositoryRef"]
    return reference.get("namespace") or document["metadata"]["namespace"], reference["name"]


def _status(document: Document, now: datetime) -> tuple[Document, Conditions]:
    status: Document = document.get("status") or {}
    requested = path(document, "metadata", "annotations", REQUESTED)
    if requested:
        status["lastHandledReconcileAt"] = requested
    return status, Conditions(status, generation=document["metadata"]["generation"], now=now)


def _ready_message(document: Document) -> str:
    found = path(document, "status", "conditions") or []
    return next((str(one["message"]) for one in found if one["type"] == "Ready"), "")
