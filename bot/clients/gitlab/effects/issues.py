"""One issue per natural name, opened once and told anew only when there is something new to tell.

The hidden marker in its description locates it and authorises nothing: an issue counts only if its author is the bot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.notes import marked, same_words
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.models import Issue
from bot.clients.gitlab.reads import issues_by, own_user, user_named

IssueType = Literal["issue", "incident"]
"""What may be asked for; whoever is below Reporter gets an `issue` either way (project_policy.rb, 18.x)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedIssue:
    """How an issue should look. marker: as for notes, e.g. `sluice:incident:production/shop/1.2.3`.

    labels, issue_type and assignees (user names) are set when it is opened and left to people afterwards.
    """

    marker: str
    title: str
    description: str
    labels: frozenset[str] = frozenset()
    issue_type: IssueType = "issue"
    assignees: tuple[str, ...] = ()


async def ensure_issue(api: GitLabAPI, project: ProjectId, wanted: WantedIssue) -> Ensured[Issue]:
    """The bot's one issue with this marker says `description`; one that a person closed is told, and stays closed.

    GitLabRefusal, a PermanentError, where issues are switched off or the right is missing. Of several (residue of a
    race) the oldest counts. Names that GitLab does not know are not assigned.
    """
    text = marked(wanted.marker, wanted.description)
    async with api.lock(f"issues:{project}:{wanted.marker}"):
        found = await _own_issue(api, project, wanted.marker)
        if found is None:
            return _ensured(await _open(api, project, wanted, text), wrote=True)
        if same_words(found.description or "", text):
            return _ensured(found, wrote=False)
        path = of_project(project, "issues", found.iid)
        data = {"title": wanted.title.strip(), "description": text}
        return _ensured(await api.write("PUT", path, Issue, feature="issues", data=data), wrote=True)


async def _open(api: GitLabAPI, project: ProjectId, wanted: WantedIssue, text: str) -> Issue:
    data: dict[str, object] = {
        "title": wanted.title.strip(),
        "description": text,
        "labels": ",".join(sorted(wanted.labels)),
        "issue_type": wanted.issue_type,
        "assignee_ids": await _ids(api, wanted.assignees),
    }
    path = of_project(project, "issues")
    return await api.write("POST", path, Issue, feature="issues", data={key: one for key, one in data.items() if one})


async def _ids(api: GitLabAPI, usernames: Sequence[str]) -> list[int]:
    found = [await user_named(api, username) for username in usernames]
    return [user.id for user in found if user is not None]


async def _own_issue(api: GitLabAPI, project: ProjectId, marker: str) -> Issue | None:
    me = await own_user(api)
    first_line = f"<!-- {marker} -->"
    async for issue in issues_by(api, project, me):
        if issue.author.id == me.id and (issue.description or "").startswith(first_line):
            return issue
    return None


def _ensured(issue: Issue, *, wrote: bool) -> Ensured[Issue]:
    return Ensured(value=issue, external_id=str(issue.iid), wrote=wrote)
