"""What the API answers and takes, as frozen data: the server encodes it, the CLI decodes it, the document describes it.

Moments are UTC in RFC 3339. An empty text means unknown or none.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorForm:
    """What happened, why, and what to do. `code` is stable; the sentences are for people."""

    code: str
    what: str
    why: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Every answer that is no success."""

    error: ErrorForm


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantForm:
    """A config repository. adopted: we may act on it. policy_fault: why its newest policy is not used."""

    tenant: str
    config_project: str
    branch: str
    adopted: bool
    adoption_asked_by: str
    head: str
    policy_sha: str
    policy_fault: str
    seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterForm:
    """What one cluster of an environment was last seen running. since: when it became so."""

    cluster: str
    version: str
    revision: str
    health: str
    because: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionForm:
    """The newest promotion into an environment. url: its merge request on GitLab.

    failure: how it failed, if it did: measured, no-data or unknown.
    """

    id: str
    version: str
    commit: str
    state: str
    because: str
    updated_at: datetime
    merge_request: int | None
    url: str
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """A decision as it was made. decided_at, last_at: the first and last of `repeats` equal ones.

    kind: what was decided (act, wait, hold, skip, would). outcome: what came of it. causes: ids of deliveries.
    trace: the id that log lines of the run carry, and under which a tracing system shows it where one is connected.
    """

    id: int
    handler: str
    subject: str
    kind: str
    outcome: str
    because: str
    decided_at: datetime
    last_at: datetime
    repeats: int
    actions: tuple[str, ...]
    effects: tuple[str, ...]
    causes: tuple[str, ...]
    policy_sha: str
    facts_sha: str
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinForm:
    """The environment stays at a version instead of one that was taken back. failure: measured, no-data or unknown."""

    version: str
    instead_of: str
    failure: str
    since: datetime
    because: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldForm:
    """Nothing is promoted here. until: None for "until somebody lifts it"."""

    tenant: str
    application: str
    environment: str
    principal: str
    because: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldsForm:
    """What is held now, the oldest first."""

    holds: tuple[HeldForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentForm:
    """One application in one environment. declared: by Git, as last looked at. running: in all clusters alike.

    pin, denied (versions): as Git had them when last looked at. holds: those that stand now.
    """

    tenant: str
    application: str
    environment: str
    mode: str
    declared: str
    running: str
    health: str
    clusters: tuple[ClusterForm, ...]
    promotion: PromotionForm | None
    pin: PinForm | None
    denied: tuple[str, ...]
    holds: tuple[HeldForm, ...]
    last_run: RunForm | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadForm:
    """Work that was given up: it waits for a person."""

    key: str
    reason: str
    dead_at: datetime
    attempts: int
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusForm:
    """The whole installation at a glance. deliveries: how many are kept in each phase.

    dead_work: how many keys were given up; dead: the newest of them.
    """

    installation: str
    version: str
    now: datetime
    tenants: tuple[TenantForm, ...]
    environments: tuple[EnvironmentForm, ...]
    deliveries: dict[str, int]
    dead_work: int
    dead: tuple[DeadForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateForm:
    """One condition of a promotion: green, waiting or red."""

    name: str
    verdict: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedForm:
    """What one rule decides. kind: act, wait, hold, skip, would, or unknown when the world could not be read."""

    rule: str
    subject: str
    kind: str
    because: str
    gates: tuple[GateForm, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyForm:
    """Why an environment is as it is. live: decided now by the rules; else what was last recorded, at `at`.

    promotion: the newest one. trace: the id under which a tracing system shows how it began; empty: none was told.
    """

    tenant: str
    application: str
    environment: str
    live: bool
    at: datetime | None
    explained: tuple[ExplainedForm, ...]
    promotion: str
    trace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryForm:
    """A delivery in a list. size: bytes of its body. attempts: how often a person sent it through again."""

    id: str
    endpoint: str
    phase: str
    reason: str
    received_at: datetime
    size: int
    duplicate_of: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesForm:
    """The newest first."""

    deliveries: tuple[DeliveryForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStoryForm:
    """A delivery and what became of it. body_sha256 is empty once retention dropped the body.

    body: JSON with everything that looks like a secret or an address masked; only when asked for.
    """

    delivery: DeliveryForm
    scope: str
    trace: str
    headers: dict[str, str]
    body_sha256: str
    keys: tuple[str, ...]
    runs: tuple[RunForm, ...]
    duplicates: tuple[str, ...]
    body: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkForm:
    """Dead work, the newest first."""

    dead: tuple[DeadForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsForm:
    """The newest first."""

    runs: tuple[RunForm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptForm:
    """The config repository that this installation is to act on."""

    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandForm:
    """A command was taken: its id in the journal, what it is bound to, and what happens now."""

    command: str
    bound_to: str
    state: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStoryForm:
    """A command and what became of it.

    state: accepted (being carried out), open (a rule will deal with it), done, refused or failed.
    because: what happens next while it is open, then the answer.
    """

    command: str
    kind: str
    text: str
    principal: str
    door: str
    bound_to: str
    reason: str
    state: str
    because: str
    at: datetime
    settled_at: datetime | None
