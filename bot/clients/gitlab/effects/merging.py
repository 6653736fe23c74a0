"""A merge request is merged at exactly the head that was judged, or it is said why not.

GitLab answers 405 for not mergeable yet, and for merged already; 409 for another head; 422 for not ready
(https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request, 18.x; gitlab #353984, #488615, #217710, #473054):
so after each of them the merge request is read again, and only that reading is judged.
"""

from dataclasses import dataclass

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import MergeRequest
from bot.clients.gitlab.reads import merge_request
from bot.errors import StaleError

LOOK_AGAIN = frozenset({400, 405, 406, 409, 422})
"""Refusals that say nothing until the merge request is read again."""

NEEDS_SOMEONE: dict[str, str] = {
    "broken_status": "source and target conflict",
    "blocked_status": "another merge request blocks it",
    "ci_must_pass": "its pipeline has to succeed first",
    "commits_status": "its source branch is gone or has no commits",
    "conflict": "it conflicts with the target branch",
    "discussions_not_resolved": "discussions are not resolved",
    "draft_status": "it is a draft",
    "external_status_checks": "an external status check has not passed",
    "jira_association_missing": "its title or description has to name a Jira issue",
    "locked_lfs_files": "it changes LFS files that others have locked",
    "locked_paths": "it changes paths that others have locked",
    "merge_time": "it may not be merged before its merge time",
    "need_rebase": "it has to be rebased onto the target branch",
    "not_approved": "GitLab's own approval rules are not met",
    "not_open": "it is not open",
    "policies_denied": "a security policy denies it",
    "requested_changes": "a reviewer requested changes",
    "security_policy_violations": "a security policy denies it",
    "status_checks_must_pass": "an external status check has not passed",
    "title_regex": "its title does not match the project's rule",
}
"""Verdicts of `detailed_merge_status` that time alone does not change; all others, unknown ones too, mean wait.

https://docs.gitlab.com/api/merge_requests/#merge-status (18.x)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """It is merged. `head` is the head that was merged, `landed` the commit on the target branch."""

    landed: str
    head: str
    wrote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """GitLab is still looking (or moving): try again soon. `status` is GitLab's own word."""

    status: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Somebody or something has to change first. `status` is GitLab's own word."""

    status: str
    because: str


MergeOutcome = Merged | NotYet | Refused


async def ensure_merged(
    api: GitLabAPI,
    project: ProjectId,
    iid: int,
    *,
    sha: str,
    remove_source_branch: bool = True,
    message: str | None = None,
) -> MergeOutcome:
    """Merge at the head `sha`. StaleError when the head is another one; merged already is a success.

    message: of the merge commit, e.g. with a `Sluice-Effect:` trailer; None leaves the project's template.
    """
    before = await merge_request(api, project, iid)
    judged = _judge(before, sha, wrote=False)
    if judged is not None:
        return judged
    data: dict[str, object] = {"sha": sha, "should_remove_source_branch": remove_source_branch}
    if message is not None:
        data["merge_commit_message"] = message
    try:
        path = of_project(project, "merge_requests", iid, "merge")
        after = await api.write("PUT", path, MergeRequest, feature="merging", data=data)
    except GitLabRefusal as error:
        if error.status not in LOOK_AGAIN:
            raise
        return await _look_again(api, project, iid, sha, error)
    return _judge(after, sha, wrote=True) or NotYet(
        status=after.state, because="GitLab took the merge and has not done it"
    )


async def _look_again(api: GitLabAPI, project: ProjectId, iid: int, sha: str, error: GitLabRefusal) -> MergeOutcome:
    now = await merge_request(api, project, iid)
    judged = _judge(now, sha, wrote=False)
    if judged is not None:
        return judged
    # Mergeable in its own words, and yet refused: what it says of itself lags behind (gitlab #353984).
    return NotYet(status=now.detailed_merge_status, because=f"GitLab answered {error.status} ({error.text})")


def _judge(found: MergeRequest, sha: str, *, wrote: bool) -> MergeOutcome | None:
    """What can be said without asking GitLab to merge; None when it should be asked."""
    if found.state == "merged":
        return Merged(landed=found.landed or sha, head=found.sha or sha, wrote=wrote)
    if found.state == "locked":
        return NotYet(status=found.state, because="GitLab is merging it right now")
    if found.state != "opened":
        return Refused(status=found.state, because=f"it is {found.state}")
    if found.sha != sha:
        raise StaleError(
            f"merge request !{found.iid} has the head {found.sha}, and {sha} was judged: somebody pushed in between. "
            "It is looked at again by itself."
        )
    status = found.detailed_merge_status
    if status in NEEDS_SOMEONE:
        return Refused(status=status, because=NEEDS_SOMEONE[status])
    if status != "mergeable":
        return NotYet(status=status, because=f"GitLab has no verdict yet ({status or 'no status'})")
    return None
