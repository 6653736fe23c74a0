"""What GitLab's API v4 answers, as far as Sluice reads it: frozen, under GitLab's own names.

Fields and values: https://docs.gitlab.com/api/api_resources/ (18.x). msgspec checks them where they enter; unknown
fields are ignored, and what older servers or lesser rights leave out has a default.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

StatusState = Literal["pending", "running", "success", "failed", "canceled", "skipped"]
DeploymentState = Literal["running", "success", "failed", "canceled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or a bot. state: `active`, `blocked`, …; bot: a bot of GitLab's, or one that a token made."""

    id: int
    username: str
    name: str = ""
    state: str = "active"
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and the settings that can refuse a merge. None: the token may not see it."""

    id: int
    path_with_namespace: str
    web_url: str
    default_branch: str | None = None
    http_url_to_repo: str = ""
    archived: bool = False
    merge_method: str | None = None
    squash_option: str | None = None
    only_allow_merge_if_pipeline_succeeds: bool | None = None
    allow_merge_on_skipped_pipeline: bool | None = None
    only_allow_merge_if_all_discussions_are_resolved: bool | None = None
    remove_source_branch_after_merge: bool | None = None
    jobs_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline; `source` tells ours (`external`) from real ones, `ref` merged results (`refs/merge-requests/…`)."""

    id: int
    sha: str
    ref: str
    status: str
    source: str = ""
    iid: int | None = None
    web_url: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRefs:
    """The commits a merge request's changes lie between."""

    base_sha: str | None = None
    head_sha: str | None = None
    start_sha: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A merge request. `detailed_merge_status` is GitLab's own text: its list grows, unknown values mean wait.

    `head_pipeline` and `diff_refs` come only when one is read, not in lists. `sha` is the head of the source branch.
    """

    id: int
    iid: int
    project_id: int
    title: str
    state: str
    source_branch: str
    target_branch: str
    author: User
    web_url: str
    description: str | None = None
    sha: str | None = None
    source_project_id: int | None = None
    draft: bool = False
    labels: tuple[str, ...] = ()
    detailed_merge_status: str = ""
    merge_error: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None
    merge_user: User | None = None
    closed_by: User | None = None
    merge_when_pipeline_succeeds: bool = False
    squash: bool = False
    has_conflicts: bool = False
    blocking_discussions_resolved: bool = True
    prepared_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    merged_at: datetime | None = None
    closed_at: datetime | None = None
    head_pipeline: Pipeline | None = None
    diff_refs: DiffRefs | None = None

    @property
    def from_fork(self) -> bool:
        """Whether the source branch lies in another project, where anybody may name a branch as they like."""
        return self.source_project_id is not None and self.source_project_id != self.project_id

    @property
    def landed(self) -> str | None:
        """The commit on the target branch that holds the change: merge, squash, or for fast-forward the head."""
        return self.merge_commit_sha or self.squash_commit_sha or self.sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job of a pipeline."""

    id: int
    name: str
    status: str
    stage: str = ""
    ref: str = ""
    allow_failure: bool = False
    web_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """A row of a commit's statuses: an external one, or a job."""

    id: int
    sha: str
    status: str
    name: str
    ref: str | None = None
    target_url: str | None = None
    description: str | None = None
    allow_failure: bool = False
    pipeline_id: int | None = None
    author: User | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastPipeline:
    """The pipeline GitLab shows beside a commit; it may be an external one made by a status."""

    id: int
    sha: str
    ref: str | None = None
    status: str = ""
    web_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit; `last_pipeline` only when one is read."""

    id: str
    title: str
    author_name: str = ""
    author_email: str = ""
    committer_email: str = ""
    message: str = ""
    parent_ids: tuple[str, ...] = ()
    web_url: str = ""
    committed_date: datetime | None = None
    last_pipeline: LastPipeline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The commits between two revisions, oldest first; `total` counts those left out too.

    paths: files changed since the merge base, under both names where one was renamed, sorted. cut: GitLab left some
    out (https://docs.gitlab.com/administration/diff_limits/, 18.x), so what is not among `paths` may be changed too.
    """

    commits: tuple[Commit, ...]
    total: int
    same: bool
    paths: tuple[str, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A branch and its head."""

    name: str
    commit: Commit
    protected: bool = False
    default: bool = False
    can_push: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag; `commit` is what it points to, through an annotation too."""

    name: str
    commit: Commit
    message: str | None = None
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A GitLab environment."""

    id: int
    name: str
    state: str = ""
    tier: str | None = None
    external_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment to an environment."""

    id: int
    sha: str
    status: str
    environment: Environment
    ref: str = ""
    user: User | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note; `system` ones are GitLab's, `internal` ones must not be answered in public."""

    id: int
    body: str
    author: User
    system: bool = False
    internal: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Award:
    """An emoji that somebody awarded."""

    id: int
    name: str
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue; `issue_type` is `issue` where an `incident` was asked for without the right to open one."""

    id: int
    iid: int
    title: str
    state: str
    author: User
    web_url: str = ""
    description: str | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[User, ...] = ()
    issue_type: str = "issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member, inherited ones too: 10 Guest, 15 Planner, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner."""

    id: int
    username: str
    access_level: int
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """One approval of a merge request. approved_at: None from a GitLab that does not tell it (before gitlab!204605)."""

    user: User
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Who approved a merge request; `approved` is GitLab's own verdict by its rules."""

    approved_by: tuple[Approver, ...] = ()
    approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label of a project or its groups; the colour as #RRGGBB."""

    name: str
    color: str = ""
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Which GitLab this is."""

    version: str
    revision: str = ""
    enterprise: bool = False
