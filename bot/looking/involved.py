"""Who is part of a release: the accounts behind its commits, so that nobody approves what they wrote or merged.

A commit names no account. Its e-mail does where it is GitLab's private one; its merged merge request names who opened
it and who merged it (GitLab "Commits API", merge requests associated with a commit; "Private commit email", 18.x).
What neither tells is told as unknown, instead of being guessed by a name.
"""

import re
from dataclasses import dataclass, field

from bot.clients.gitlab import reads
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.models import Commit
from bot.commanded import Involved, PersonRole
from bot.seen import Comparison

PRIVATE = re.compile(r"(\d+)-([^@]+)@users\.noreply\.\S+")
"""`<id>-<user name>@users.noreply.<host>`."""
REMEMBERED = 10_000

Person = tuple[PersonRole, str, str]
"""Role, user id, user name."""


@dataclass(slots=True)
class Authorship:
    """Reads who is behind commits; one whose people are known is not asked for again."""

    api: GitLabAPI
    _known: dict[tuple[str, str], tuple[Person, ...]] = field(default_factory=dict)

    async def involved(self, project: str, comparison: Comparison | None) -> Involved:
        """The people of what a comparison brings. Without one, nothing is known of anybody."""
        if comparison is None:
            return Involved(unknown=("all of its commits",))
        people: dict[Person, None] = {}
        unknown: list[str] = []
        for change in comparison.brings:
            found = await self._of(project, change.sha)
            people.update(dict.fromkeys(found))
            if not any(role == "author" for role, _, _ in found):
                unknown.append(f"{change.sha:.8} {change.title}")
        return Involved(
            people=tuple((role, account) for role, account, _ in people),
            unknown=tuple(unknown),
            names=tuple(dict.fromkeys((account, name) for _, account, name in people)),
        )

    async def _of(self, project: str, sha: str) -> tuple[Person, ...]:
        if (project, sha) in self._known:
            return self._known[project, sha]
        found = (*await self._written(project, sha), *await self._merged(project, sha))
        if found:
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[project, sha] = found
        return found

    async def _written(self, project: str, sha: str) -> list[Person]:
        commit = await reads.commit(self.api, project, sha)
        return by_mail(commit) if commit is not None else []

    async def _merged(self, project: str, sha: str) -> list[Person]:
        found: list[Person] = []
        for request in await reads.commit_merge_requests(self.api, project, sha):
            if request.merged_at is None:
                continue
            found.append(("author", str(request.author.id), request.author.username))
            if request.merge_user is not None:
                found.append(("merger", str(request.merge_user.id), request.merge_user.username))
        return found


def by_mail(commit: Commit) -> list[Person]:
    """The accounts that a commit's e-mails name."""
    mails: tuple[tuple[PersonRole, str], ...] = (
        ("author", commit.author_email),
        ("committer", commit.committer_email),
    )
    named = [(role, PRIVATE.fullmatch(mail)) for role, mail in mails]
    return [(role, found[1], found[2]) for role, found in named if found]
