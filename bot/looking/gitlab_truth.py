"""What GitLab says: merge requests with their proof, commit histories, and where a commit status can be put."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bot.clients.gitlab import reads
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.models import MergeRequest, Pipeline
from bot.keys import EnvironmentKey
from bot.looking.git_truth import GitTruth
from bot.looking.proof import EXTERNAL, merge_proof
from bot.messages import LABEL
from bot.observing import Change, CommitSeen, Comparison, MergeProof, MergeRequestMark, MergeRequestSeen, Rights
from bot.releases import Release

RECENT = 20
"""How many of a branch's merge requests are listed; at most one of them is open."""
MARKED = re.compile(r"<!-- sluice:(promotion|rollback) \S+ release=([0-9a-f]{64}) -->")
Purpose = Literal["promotion", "rollback"]
HISTORY = 100
"""How many commits of a change list are kept."""

_NO_PROOF = MergeProof(verdict="none", because="it is not open")


@dataclass(slots=True)
class GitLabTruth:
    """Reads one GitLab; what belongs to a commit never changes and is remembered."""

    api: GitLabAPI
    bot: GitLabAPI
    """The same GitLab as the user who writes merge requests: to know who closed one."""
    comparisons: dict[tuple[str, str, str], Comparison] = field(default_factory=dict)

    async def marks(self, project: str) -> tuple[MergeRequestMark, ...]:
        """Our open merge requests, by one list."""
        found = await reads.merge_requests(self.api, project, state="opened", labels=[LABEL])
        marks = [
            MergeRequestMark(
                iid=request.iid,
                branch=request.source_branch,
                updated_at=request.updated_at.isoformat() if request.updated_at else "",
            )
            for request in found
        ]
        return tuple(sorted(marks))

    async def merge_request(self, git: GitTruth, key: EnvironmentKey, iid: int | None) -> MergeRequestSeen | None:
        """The open one of the environment's branch, else the one numbered `iid`, else the branch's newest."""
        project = git.tenant.config_project
        found = await reads.merge_requests(self.api, project, source_branch=key.branch, limit=RECENT)
        ours = [one for one in found if one.target_branch == git.tenant.branch and not one.from_fork]
        opened = next((request.iid for request in ours if request.state == "opened"), None)
        wanted = opened or iid or (ours[0].iid if ours else None)
        if wanted is None:
            return None
        # One by one, because a list neither rechecks the merge status nor tells who closed it.
        return await self._seen(git, key, await reads.merge_request(self.api, project, wanted), "promotion")

    async def rollback_request(self, git: GitTruth, key: EnvironmentKey) -> MergeRequestSeen | None:
        """The open one of the environment's rollback branch, asked for in the config project itself, not a fork."""
        project, branch = git.tenant.config_project, key.rollback_branch
        found = await reads.merge_requests(self.api, project, state="opened", source_branch=branch, limit=RECENT)
        ours = [one for one in found if one.target_branch == git.tenant.branch and not one.from_fork]
        if not ours:
            return None
        return await self._seen(git, key, await reads.merge_request(self.api, project, ours[0].iid), "rollback")

    async def rights(self, project: str, branch: str) -> Rights:
        """Whether whoever writes for us may push to a branch; asked anew each time, because people protect branches."""
        found = await reads.branch(self.bot, project, branch)
        if found is None:
            return Rights(may_push=False, because=f"{project} has no branch {branch} that the bot may see")
        who = (await reads.own_user(self.bot)).username
        if found.can_push:
            return Rights(may_push=True, because=f"{who} may push to {branch} of {project}")
        guarded = "is protected and does not let" if found.protected else "does not let"
        return Rights(may_push=False, because=f"{branch} of {project} {guarded} {who} push")

    async def _seen(
        self, git: GitTruth, key: EnvironmentKey, request: MergeRequest, purpose: Purpose
    ) -> MergeRequestSeen:
        head = request.sha or ""
        target = await git.head()
        opened = request.state == "opened"
        has_ci = opened and await git.exists(head, ".gitlab-ci.yml")
        bot = await reads.own_user(self.bot)
        project = git.tenant.config_project
        return MergeRequestSeen(
            iid=request.iid,
            state=_state(request.state),
            sha=head,
            title=request.title,
            draft=request.draft,
            status=request.detailed_merge_status,
            url=request.web_url,
            ours=not opened or await git.is_ours(head),
            closed_by_bot=request.closed_by is not None and request.closed_by.id == bot.id,
            merged_revision=(request.landed or "") if request.state == "merged" else "",
            proposes=await git.proposed(head, key) if opened else None,
            proof=await merge_proof(self.api, project, request, target=target, has_ci=has_ci) if opened else _NO_PROOF,
            release_id=_named_release(request.description or "", purpose),
            merged_at=request.merged_at,
            change=await git.change(target, head) if opened else "",
        )

    async def comparison(self, project: str, running: Release, target: Release) -> Comparison | None:
        """Both directions; None when a commit is unknown to us or to GitLab."""
        if not running.commit or not target.commit:
            return None
        known = (project, running.commit, target.commit)
        if known not in self.comparisons:
            found = await self._compare(*known)
            if found is None:
                return None
            self.comparisons[known] = found
        return self.comparisons[known]

    async def _compare(self, project: str, running: str, target: str) -> Comparison | None:
        if running == target:
            return Comparison(brings=(), loses=())
        for sha in (running, target):
            if await reads.commit(self.api, project, sha) is None:
                return None
        brings = await reads.compare(self.api, project, running, target, limit=HISTORY)
        loses = await reads.compare(self.api, project, target, running, limit=HISTORY)
        found = await reads.project(self.api, project)
        return Comparison(
            brings=tuple(Change(sha=commit.id, title=commit.title) for commit in brings.commits),
            loses=tuple(Change(sha=commit.id, title=commit.title) for commit in loses.commits),
            url=f"{found.web_url}/-/compare/{running}...{target}",
            paths=brings.paths,
            cut=brings.cut,
        )

    async def commit(self, project: str, sha: str, is_tag: Callable[[str], bool]) -> CommitSeen | None:
        """A commit with its newest real pipeline: a status without one would create an external pipeline (F7)."""
        commit = await reads.commit(self.api, project, sha)
        if commit is None:
            return None
        pipeline = newest_real(await reads.pipelines(self.api, project, sha=sha))
        found = await reads.project(self.api, project)
        ref = pipeline.ref if pipeline else found.default_branch or ""
        return CommitSeen(
            project=project,
            sha=commit.id,
            ref=ref,
            tag=is_tag(ref),
            pipeline_id=pipeline.id if pipeline else None,
        )


def newest_real(pipelines: tuple[Pipeline, ...]) -> Pipeline | None:
    """The newest pipeline that CI made, not a commit status."""
    real = [pipeline for pipeline in pipelines if pipeline.source != EXTERNAL]
    return max(real, key=lambda pipeline: pipeline.id, default=None)


def _named_release(description: str, purpose: Purpose) -> str:
    """The release that the hidden marker of a description names; it locates, and never authorises.

    Markers of another purpose name nothing: on a rollback's branch, one that lifts a pin brings a release back.
    """
    found = MARKED.match(description)
    return found[2] if found and found[1] == purpose else ""


def _state(text: str) -> Literal["opened", "closed", "merged", "locked"]:
    """GitLab's state; `locked` is the moment of merging, and stands for any state yet to be invented."""
    match text:
        case "opened" | "closed" | "merged":
            return text
        case _:
            return "locked"
