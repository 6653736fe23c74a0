"""What Sluice reads from GitLab: one typed function per question; lists follow all pages unless they are capped."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from bot.clients.gitlab.addresses import Parameter, ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import (
    Approvals,
    Branch,
    Commit,
    CommitStatus,
    Comparison,
    Deployment,
    Environment,
    Issue,
    Job,
    Label,
    Member,
    MergeRequest,
    Metadata,
    Note,
    Pipeline,
    Project,
    Tag,
    User,
)


class _Changed(msgspec.Struct, frozen=True):
    old_path: str
    new_path: str


class _Compared(msgspec.Struct, frozen=True):
    commits: tuple[Commit, ...] = ()
    diffs: tuple[_Changed, ...] = ()
    compare_timeout: bool = False
    """GitLab's word for a list of files that its limits cut (lib/api/entities/compare.rb, 18.x)."""
    compare_same_ref: bool = False


async def metadata(api: GitLabAPI) -> Metadata:
    """Which GitLab this is (15.2 or newer)."""
    return await api.get("metadata", Metadata, feature="version")


async def own_user(api: GitLabAPI) -> User:
    """Who the token is; asked once per process."""
    if api.shared.own_user is None:
        api.shared.own_user = await api.get("user", User, feature="user")
    return api.shared.own_user


async def project(api: GitLabAPI, project: ProjectId) -> Project:
    """A project by path or id."""
    return await api.get(of_project(project), Project, feature="project")


async def member(api: GitLabAPI, project: ProjectId, user_id: int) -> Member | None:
    """A user's highest role in the project, inherited and invited groups included; None for no member."""
    return await api.find(of_project(project, "members", "all", user_id), Member, feature="members")


async def merge_request(api: GitLabAPI, project: ProjectId, iid: int) -> MergeRequest:
    """A merge request; reading it makes GitLab recheck an `unchecked` merge status."""
    return await api.get(of_project(project, "merge_requests", iid), MergeRequest, feature="merge requests")


async def merge_requests(
    api: GitLabAPI,
    project: ProjectId,
    *,
    state: str = "all",
    source_branch: str | None = None,
    target_branch: str | None = None,
    labels: Sequence[str] = (),
    updated_after: datetime | None = None,
    limit: int | None = None,
) -> tuple[MergeRequest, ...]:
    """Merge requests, newest first. state: opened, closed, merged, locked or all; labels: all of them."""
    params = {
        "state": state,
        "scope": "all",
        "source_branch": source_branch,
        "target_branch": target_branch,
        "labels": ",".join(labels) or None,
        "updated_after": updated_after.isoformat() if updated_after is not None else None,
    }
    path = of_project(project, "merge_requests")
    return await api.all(path, MergeRequest, feature="merge requests", params=params, limit=limit)


async def approvals(api: GitLabAPI, project: ProjectId, iid: int) -> Approvals:
    """Who approved a merge request in GitLab itself."""
    return await api.get(of_project(project, "merge_requests", iid, "approvals"), Approvals, feature="approvals")


async def notes(api: GitLabAPI, project: ProjectId, iid: int) -> tuple[Note, ...]:
    """All notes of a merge request, oldest first."""
    path = of_project(project, "merge_requests", iid, "notes")
    return await api.all(path, Note, feature="notes", params={"sort": "asc", "order_by": "created_at"})


async def merge_request_pipelines(api: GitLabAPI, project: ProjectId, iid: int) -> tuple[Pipeline, ...]:
    """The pipelines of a merge request, newest first: of its branch, of itself, and of merged results."""
    return await api.all(of_project(project, "merge_requests", iid, "pipelines"), Pipeline, feature="pipelines")


async def pipelines(
    api: GitLabAPI, project: ProjectId, *, sha: str | None = None, ref: str | None = None, limit: int | None = None
) -> tuple[Pipeline, ...]:
    """The pipelines of a commit or a ref, newest first, external ones included."""
    params = {"sha": sha, "ref": ref, "order_by": "id", "sort": "desc"}
    return await api.all(of_project(project, "pipelines"), Pipeline, feature="pipelines", params=params, limit=limit)


async def pipeline(api: GitLabAPI, project: ProjectId, pipeline_id: int) -> Pipeline:
    """One pipeline."""
    return await api.get(of_project(project, "pipelines", pipeline_id), Pipeline, feature="pipelines")


async def pipeline_jobs(api: GitLabAPI, project: ProjectId, pipeline_id: int) -> tuple[Job, ...]:
    """The latest jobs of a pipeline, without retried ones and without external statuses."""
    return await api.all(of_project(project, "pipelines", pipeline_id, "jobs"), Job, feature="pipelines")


async def commit_statuses(
    api: GitLabAPI,
    project: ProjectId,
    sha: str,
    *,
    name: str | None = None,
    ref: str | None = None,
    pipeline_id: int | None = None,
) -> tuple[CommitStatus, ...]:
    """The latest status of each name on a commit, jobs and external ones, without retried rows."""
    params = {"name": name, "ref": ref, "pipeline_id": pipeline_id}
    path = of_project(project, "repository", "commits", sha, "statuses")
    return await api.all(path, CommitStatus, feature="commit statuses", params=params)


async def commit(api: GitLabAPI, project: ProjectId, revision: str) -> Commit | None:
    """A commit by sha, branch or tag, with its last pipeline; None when there is none."""
    return await api.find(of_project(project, "repository", "commits", revision), Commit, feature="repository")


async def commit_merge_requests(api: GitLabAPI, project: ProjectId, sha: str) -> tuple[MergeRequest, ...]:
    """The merge requests a commit came with, in any state; none for a commit GitLab does not have."""
    path = of_project(project, "repository", "commits", sha, "merge_requests")
    try:
        return await api.all(path, MergeRequest, feature="merge requests")
    except GitLabRefusal as error:
        if error.status != 404:
            raise
        return ()


async def compare(api: GitLabAPI, project: ProjectId, from_: str, to: str, *, limit: int = 100) -> Comparison:
    """The commits in `to` that are not in `from_`, oldest first, and the files they change since the merge base.

    Of more than `limit` commits the newest are kept.
    """
    path = of_project(project, "repository", "compare")
    found = await api.get(path, _Compared, feature="repository", params={"from": from_, "to": to})
    return Comparison(
        commits=found.commits[-limit:] if limit else (),
        total=len(found.commits),
        same=found.compare_same_ref,
        paths=tuple(sorted({path for one in found.diffs for path in (one.old_path, one.new_path)})),
        cut=found.compare_timeout,
    )


async def branch(api: GitLabAPI, project: ProjectId, name: str) -> Branch | None:
    """A branch, or None. `can_push` is about the user of this token (https://docs.gitlab.com/api/branches/, 18.x)."""
    return await api.find(of_project(project, "repository", "branches", name), Branch, feature="repository")


async def tags(
    api: GitLabAPI, project: ProjectId, *, search: str | None = None, limit: int | None = None
) -> tuple[Tag, ...]:
    """Tags, last updated first; search: part of a name, `^start` or `end$`."""
    path = of_project(project, "repository", "tags")
    return await api.all(path, Tag, feature="repository", params={"search": search}, limit=limit)


async def tag(api: GitLabAPI, project: ProjectId, name: str) -> Tag | None:
    """A tag, or None."""
    return await api.find(of_project(project, "repository", "tags", name), Tag, feature="repository")


async def file(api: GitLabAPI, project: ProjectId, path: str, *, ref: str) -> bytes:
    """A file's bytes at a revision; GitLabRefusal with status 404 when there is none."""
    address = of_project(project, "repository", "files", path, "raw")
    return await api.raw(address, feature="repository", params={"ref": ref})


async def environments(api: GitLabAPI, project: ProjectId, *, name: str | None = None) -> tuple[Environment, ...]:
    """Environments, or the one of exactly this name."""
    return await api.all(
        of_project(project, "environments"), Environment, feature="environments", params={"name": name}
    )


async def deployments(
    api: GitLabAPI, project: ProjectId, *, environment: str, sha: str | None = None, limit: int = 100
) -> tuple[Deployment, ...]:
    """Deployments to an environment, newest first, of one commit if given; only the newest `limit` are looked at.

    GitLab's list has no filter by sha, so that one is ours (https://docs.gitlab.com/api/deployments/, 18.x).
    """
    params = {"environment": environment, "order_by": "id", "sort": "desc"}
    path = of_project(project, "deployments")
    found = await api.all(path, Deployment, feature="deployments", params=params, limit=limit)
    return tuple(deployment for deployment in found if sha is None or deployment.sha == sha)


async def labels(api: GitLabAPI, project: ProjectId) -> tuple[Label, ...]:
    """The labels of a project, those of its groups included."""
    return await api.all(of_project(project, "labels"), Label, feature="labels")


def issues_by(api: GitLabAPI, project: ProjectId, author: User) -> AsyncIterator[Issue]:
    """The issues and incidents of one author, open and closed, oldest first.

    By author and not by GitLab's search, which finds words (a hidden marker is none) and has a rate limit of its own.
    """
    oldest_first: dict[str, Parameter] = {"order_by": "created_at", "sort": "asc"}
    params = {"author_id": author.id, "state": "all", "scope": "all", **oldest_first}
    return api.each(of_project(project, "issues"), Issue, feature="issues", params=params)


async def user(api: GitLabAPI, user_id: str) -> User | None:
    """An account by its number, None when there is none."""
    return await api.find(f"users/{int(user_id)}", User, feature="user")


async def group_member(api: GitLabAPI, group: str, user_id: str) -> Member | None:
    """Somebody's membership of a group, inherited ones too; None for strangers, and where the token may not look."""
    path = f"groups/{quote(group, safe='')}/members/all/{int(user_id)}"
    return await api.find(path, Member, feature="members")


async def note(api: GitLabAPI, project: ProjectId, noteable: str, iid: int, note_id: int) -> Note | None:
    """One note of a merge request (`merge_requests`) or issue (`issues`), None when it is gone."""
    return await api.find(of_project(project, noteable, iid, "notes", note_id), Note, feature="notes")


async def user_named(api: GitLabAPI, username: str) -> User | None:
    """The user of exactly this name (GitLab compares without case), None when there is none to be seen."""
    found = await api.all("users", User, feature="user", params={"username": username}, limit=1)
    return found[0] if found else None
