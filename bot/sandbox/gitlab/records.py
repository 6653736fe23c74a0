"""What a project of the sandbox GitLab keeps: merge requests, notes, pipelines, deployments, hooks and the rest."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bot.sandbox.gitlab.people import User

MergeRequestState = Literal["opened", "closed", "merged", "locked"]
MergeStatus = Literal["preparing", "unchecked", "checking", "can_be_merged", "cannot_be_merged"]
IssueType = Literal["issue", "incident", "test_case", "task"]
NoteableKind = Literal["MergeRequest", "Issue", "Commit"]
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})


@dataclass(slots=True, kw_only=True)
class Label:
    id: int
    name: str
    color: str = "#428BCA"
    description: str | None = None


@dataclass(slots=True, kw_only=True)
class Award:
    """One emoji of one user on a merge request, an issue or a note."""

    id: int
    name: str
    user: User
    awardable_type: NoteableKind | Literal["Note"]
    awardable_id: int
    created_at: datetime


@dataclass(slots=True, kw_only=True)
class Note:
    id: int
    body: str
    author: User
    noteable_type: NoteableKind
    noteable_id: int
    created_at: datetime
    updated_at: datetime
    discussion_id: str
    system: bool = False
    internal: bool = False
    resolvable: bool = False
    resolved: bool = False
    commit_id: str | None = None
    awards: list[Award] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class MergeRequest:
    id: int
    iid: int
    title: str
    source_branch: str
    target_branch: str
    author: User
    head_sha: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    base_sha: str | None = None
    """Merge base of target and head when the diff was last refreshed."""
    state: MergeRequestState = "opened"
    merge_status: MergeStatus = "preparing"
    conflict: bool = False
    prepared_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    reviewers: list[User] = field(default_factory=list)
    squash: bool = False
    force_remove_source_branch: bool = False
    discussion_locked: bool | None = None
    approvals: dict[int, datetime] = field(default_factory=dict)
    approvals_syncing: bool = False
    auto_merge_by: User | None = None
    merge_error: str | None = None
    rebase_in_progress: bool = False
    merged_at: datetime | None = None
    merge_user: User | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    latest_build_started_at: datetime | None = None
    check_number: int = 0
    """Grows with each needed mergeability check, so that an older check cannot overwrite a newer verdict."""
    notes: list[Note] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)

    @property
    def draft(self) -> bool:
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


@dataclass(slots=True, kw_only=True)
class Issue:
    id: int
    iid: int
    title: str
    author: User
    created_at: datetime
    updated_at: datetime
    description: str = ""
    state: Literal["opened", "closed"] = "opened"
    confidential: bool = False
    labels: list[str] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    closed_at: datetime | None = None
    closed_by: User | None = None
    due_date: str | None = None
    issue_type: IssueType = "issue"
    notes: list[Note] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Job:
    """A CI job, or a commit status written through the API (`external`): GitLab keeps both as commit statuses."""

    id: int
    name: str
    stage: str
    ref: str
    sha: str
    user: User
    created_at: datetime
    status: str = "created"
    external: bool = False
    tag: bool = False
    allow_failure: bool = False
    retried: bool = False
    target_url: str | None = None
    description: str | None = None
    coverage: float | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Pipeline:
    id: int
    iid: int
    ref: str
    sha: str
    source: str
    user: User
    created_at: datetime
    updated_at: datetime
    status: str = "created"
    tag: bool = False
    before_sha: str = "0" * 40
    source_sha: str | None = None
    """Head of the merge request when `sha` is a merged-result commit."""
    merge_request_iid: int | None = None
    yaml_errors: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    jobs: list[Job] = field(default_factory=list)

    def latest_jobs(self) -> list[Job]:
        return [job for job in self.jobs if not job.retried]

    def matches(self, sha: str) -> bool:
        """Whether this pipeline ran for the head `sha`, directly or as a merged result."""
        return sha in (self.sha, self.source_sha)


@dataclass(slots=True, kw_only=True)
class Deployment:
    id: int
    iid: int
    environment: str
    sha: str
    ref: str
    tag: bool
    user: User
    created_at: datetime
    updated_at: datetime
    status: str = "created"
    finished_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Environment:
    id: int
    name: str
    slug: str
    created_at: datetime
    updated_at: datetime
    state: str = "available"
    external_url: str | None = None
    tier: str = "other"
    description: str | None = None
    cluster_agent_id: int | None = None
    kubernetes_namespace: str | None = None
    flux_resource_path: str | None = None


@dataclass(slots=True, kw_only=True)
class FreezePeriod:
    id: int
    freeze_start: str
    freeze_end: str
    cron_timezone: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True, kw_only=True)
class Release:
    tag_name: str
    name: str
    description: str
    author: User
    created_at: datetime
    released_at: datetime


@dataclass(slots=True, kw_only=True)
class Hook:
    """A webhook with its secrets and its health (auto-disable: GitLab docs, user/project/integrations/webhooks)."""

    id: int
    url: str
    created_at: datetime
    events: frozenset[str]
    project_id: int | None = None
    group_id: int | None = None
    token: str | None = None
    signing_token: str | None = None
    branch_filter: str | None = None
    enable_ssl_verification: bool = True
    recent_failures: int = 0
    backoff_count: int = 0
    disabled_until: datetime | None = None
    disabled_for_good: bool = False
