"""What arrives and what it means: a Delivery as it came, an Event once it is understood.

An event is a hint, never the truth: it says where to look. Names are past tense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.commanded import Heard
from bot.keys import ApplicationKey as ApplicationKey
from bot.keys import CommandKey as CommandKey
from bot.keys import ConfigKey as ConfigKey
from bot.keys import EnvironmentKey as EnvironmentKey
from bot.keys import Key as Key
from bot.keys import SourceKey as SourceKey
from bot.keys import Subject as Subject

Phase = Literal["received", "done", "unheard", "unreadable", "dead"]
"""received: stored, not yet parsed. done: its keys are dirty. unheard: authentic, of a kind nobody handles.
unreadable: authentic, could not be parsed. dead: our own failure; kept with its reason, redeliverable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A request as it arrived, authenticated and not yet understood.

    endpoint: `gitlab`, `flux/<cluster>`, `flagger/<cluster>/<hook>`, `gates/<cluster>/<gate>`, `registry/<name>`.
    idempotency_key: the sender's (GitLab `Idempotency-Key`/`webhook-id`), else one of ours that is unique.
    headers: only those a parser needs, lower-case names, never a credential or signature.
    scope: what the matching secret is bound to: `instance`, `group:<path>`, `project:<path>`, or `cluster:<name>`.
    trace: a W3C traceparent, or empty.
    """

    id: str
    endpoint: str
    idempotency_key: str
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes
    scope: str
    trace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPushed:
    """A branch of a GitLab project moved (Push Hook). `after` is 40 zeros when it was deleted."""

    project: str
    branch: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagPushed:
    """A tag of a GitLab project was made or moved (Tag Push Hook)."""

    project: str
    tag: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineChanged:
    """A pipeline of a GitLab project changed its status (Pipeline Hook)."""

    project: str
    pipeline_id: int
    ref: str
    sha: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequestChanged:
    """A merge request was opened, updated, approved, merged or closed (Merge Request Hook)."""

    project: str
    iid: int
    action: str
    source_branch: str
    target_branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentChanged:
    """A GitLab deployment changed its status (Deployment Hook)."""

    project: str
    environment: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReported:
    """A Flux controller reported on one of its objects (notification-controller, generic-hmac)."""

    cluster: str
    kind: str
    namespace: str
    name: str
    reason: str
    severity: str
    revision: str
    timestamp: datetime
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryReported:
    """Flagger called one of its hooks for a canary; the hook is told apart by the path alone.

    message, severity, said_at: of an `event` hook: its sentence, `Normal` or `Warning`, and when it was said.
    """

    cluster: str
    hook: str
    namespace: str
    name: str
    phase: str
    checksum: str
    message: str = ""
    severity: str = ""
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePushed:
    """A registry received a manifest under a tag (distribution notification, or a vendor's hook)."""

    registry: str
    repository: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten:
    """Somebody wrote or edited a note in a GitLab project (Note Hook). text: as signed, never what it says later.

    noteable: `merge_request`, `issue`, or `other` (commits, snippets). iid: of the noteable, 0 for others.
    branch: the merge request's source branch. fork: it comes from another project. system: GitLab's own.
    """

    project: str
    noteable: Literal["merge_request", "issue", "other"]
    iid: int
    note: int
    discussion: str
    author: int
    username: str
    text: str
    action: Literal["create", "update"]
    internal: bool
    system: bool
    written_at: datetime
    branch: str = ""
    fork: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSaid:
    """Somebody used our slash command in a chat. chat: its name in the settings. user: the chat's own id of them.

    message: unique for what was said, the delivery's id. username: for people; it never decides.
    """

    chat: str
    kind: Literal["slack", "mattermost"]
    team: str
    channel: str
    user: str
    username: str
    text: str
    message: str
    said_at: datetime


Event = (
    BranchPushed
    | TagPushed
    | PipelineChanged
    | MergeRequestChanged
    | DeploymentChanged
    | SourceReported
    | CanaryReported
    | ImagePushed
    | NoteWritten
    | ChatSaid
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A parsed delivery. `semantic_key` is equal for two deliveries that say the same thing (failures 2b)."""

    events: tuple[Event, ...]
    semantic_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """Authentic, and of a kind no receiver turns into an event: stored, nothing follows."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Authentic, and not parseable: stored with the reason."""

    reason: str
    detail: Mapping[str, str] = field(default_factory=dict)


Parsed = Understood | Unheard | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A delivery as it was read: its meaning, the keys it makes dirty, and the commands that were said in it."""

    parsed: Parsed
    keys: tuple[Key, ...] = ()
    heard: tuple[Heard, ...] = ()
