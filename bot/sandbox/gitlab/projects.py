"""A project of the sandbox GitLab: its settings, who may write which ref, and everything it owns."""

from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from bot.sandbox.gitlab.people import AccessLevel, Group, User
from bot.sandbox.gitlab.records import (
    Deployment,
    Environment,
    FreezePeriod,
    Hook,
    Issue,
    Label,
    MergeRequest,
    Note,
    Pipeline,
    Release,
)
from bot.sandbox.gitlab.repository import Repository

MergeMethod = Literal["merge", "rebase_merge", "ff"]
SquashOption = Literal["never", "always", "default_on", "default_off"]


@dataclass(slots=True, kw_only=True)
class ProtectedRef:
    """A protected branch or tag name (with `*`), and the lowest level that may push to, merge into or create it."""

    id: int
    name: str
    push: AccessLevel = AccessLevel.MAINTAINER
    merge: AccessLevel = AccessLevel.MAINTAINER
    push_users: set[int] = field(default_factory=set)
    merge_users: set[int] = field(default_factory=set)
    allow_force_push: bool = False

    def covers(self, ref_name: str) -> bool:
        return fnmatchcase(ref_name, self.name)


@dataclass(slots=True, kw_only=True)
class Project:
    id: int
    path_with_namespace: str
    name: str
    namespace_id: int
    repository: Repository
    created_at: datetime
    creator: User
    group: Group | None = None
    description: str = ""
    visibility: Literal["private", "internal", "public"] = "private"
    default_branch: str = "main"
    merge_method: MergeMethod = "merge"
    squash_option: SquashOption = "default_off"
    only_allow_merge_if_pipeline_succeeds: bool = False
    allow_merge_on_skipped_pipeline: bool = False
    only_allow_merge_if_all_discussions_are_resolved: bool = False
    remove_source_branch_after_merge: bool = True
    merge_pipelines_enabled: bool = False
    ci_config_path: str = ".gitlab-ci.yml"
    approvals_before_merge: int = 0
    """Paid rule set only: how many approvals a merge request needs."""
    reset_approvals_on_push: bool = True
    authors_may_approve: bool = False
    archived: bool = False
    issues_enabled: bool = True
    members: dict[int, AccessLevel] = field(default_factory=dict)
    protected_branches: list[ProtectedRef] = field(default_factory=list)
    protected_tags: list[ProtectedRef] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    merge_requests: dict[int, MergeRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    pipelines: list[Pipeline] = field(default_factory=list)
    environments: list[Environment] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    freeze_periods: list[FreezePeriod] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    commit_notes: dict[str, list[Note]] = field(default_factory=dict)
    merged_results: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.path_with_namespace.rsplit("/", 1)[-1]

    @property
    def namespace_path(self) -> str:
        return self.path_with_namespace.rsplit("/", 1)[0]

    def protection(self, branch: str) -> list[ProtectedRef]:
        return [rule for rule in self.protected_branches if rule.covers(branch)]

    def tag_protection(self, tag: str) -> list[ProtectedRef]:
        return [rule for rule in self.protected_tags if rule.covers(tag)]

    def environment(self, name: str) -> Environment | None:
        return next((one for one in self.environments if one.name == name), None)

    def label(self, name: str) -> Label | None:
        return next((one for one in self.labels if one.name == name), None)
