"""A commit status says what it should, written once per change and serialised per commit.

Natural key: (project, sha, ref, name). Rules: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status (18.x);
GitLab updates a row only while it is pending or running and of the same user, ref and name, refuses a state it is in
already, and locks per commit for ten seconds (409). Description and link change only along with the state.
"""

from dataclasses import dataclass
from datetime import timedelta

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import CommitStatus, StatusState
from bot.clients.gitlab.reads import commit_statuses, own_user
from bot.errors import PermanentError, TemporaryError

LONGEST_DESCRIPTION = 140
"""Characters; GitLab's own limit is not documented, this length is accepted everywhere."""

LOCKED_FOR = timedelta(seconds=10)
"""GitLab tries its lock 20 times for half a second before it answers 409."""

_ORDER = {"created": 0, "pending": 1, "running": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedStatus:
    """A status as it should be. `ref` and `pipeline_id` keep GitLab from inventing a pipeline of source external."""

    sha: str
    ref: str
    name: str
    state: StatusState
    pipeline_id: int | None
    description: str = ""
    target_url: str = ""


async def ensure_commit_status(api: GitLabAPI, project: ProjectId, wanted: WantedStatus) -> Ensured[CommitStatus]:
    """The newest status of this name is in the wanted state; nothing is written when it is already.

    TemporaryError while GitLab holds its lock. GitLabRefusal with status 404 when the commit or pipeline is gone.
    """
    async with api.lock(f"status:{project}:{wanted.sha}"):
        found = await _current(api, project, wanted)
        if found is not None and found.status == wanted.state:
            return _ensured(found, wrote=False)
        return await _write(api, project, wanted)


async def _current(api: GitLabAPI, project: ProjectId, wanted: WantedStatus) -> CommitStatus | None:
    rows = await commit_statuses(
        api, project, wanted.sha, name=wanted.name, ref=wanted.ref, pipeline_id=wanted.pipeline_id
    )
    me = await own_user(api)
    ours = [row for row in rows if row.name == wanted.name and _is_by(row, me.id) and _is_of(row, wanted.pipeline_id)]
    return max(ours, key=lambda row: row.id, default=None)


async def _write(api: GitLabAPI, project: ProjectId, wanted: WantedStatus) -> Ensured[CommitStatus]:
    path = of_project(project, "statuses", wanted.sha)
    try:
        row = await api.write("POST", path, CommitStatus, feature="commit statuses", data=_fields(wanted))
    except GitLabRefusal as error:
        if error.status == 409:
            raise TemporaryError(
                f"GitLab is updating another status of {wanted.sha[:12]}. It is tried again by itself.",
                retry_after=LOCKED_FOR,
            ) from error
        if error.status != 400 or "cannot transition" not in error.text.lower():
            raise
        return _ensured(await _settled(api, project, wanted, error), wrote=False)
    return _ensured(row, wrote=True)


async def _settled(api: GitLabAPI, project: ProjectId, wanted: WantedStatus, error: GitLabRefusal) -> CommitStatus:
    """The status that stood in the way, if it says the same or more; else it is a fault that a retry would repeat."""
    found = await _current(api, project, wanted)
    if found is not None and (found.status == wanted.state or _further(found.status, wanted.state)):
        return found
    stands = found.status if found is not None else "missing"
    raise PermanentError(
        f"GitLab refuses to set the status {wanted.name} of {wanted.sha[:12]} to {wanted.state} ({error.text}) "
        f"and it is {stands}. Look at the commit's pipeline: another user may write this name."
    ) from error


def _further(found: str, wanted: str) -> bool:
    return wanted in _ORDER and found in _ORDER and _ORDER[found] > _ORDER[wanted]


def _is_by(row: CommitStatus, user_id: int) -> bool:
    return row.author is None or row.author.id == user_id


def _is_of(row: CommitStatus, pipeline_id: int | None) -> bool:
    return pipeline_id is None or row.pipeline_id in (None, pipeline_id)


def _fields(wanted: WantedStatus) -> dict[str, object]:
    fields: dict[str, object] = {"state": wanted.state, "ref": wanted.ref, "name": wanted.name}
    if wanted.pipeline_id is not None:
        fields["pipeline_id"] = wanted.pipeline_id
    if wanted.description:
        fields["description"] = shortened(wanted.description)
    if wanted.target_url:
        fields["target_url"] = wanted.target_url
    return fields


def shortened(text: str) -> str:
    """The text on one line, cut to what GitLab takes everywhere."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_DESCRIPTION else line[: LONGEST_DESCRIPTION - 1] + "…"


def _ensured(row: CommitStatus, *, wrote: bool) -> Ensured[CommitStatus]:
    return Ensured(value=row, external_id=str(row.id), wrote=wrote)
