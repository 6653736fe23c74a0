"""One open merge request per branch: made, adopted or updated in place, and closed when it has had its day.

Natural key: (project, source branch, target branch, opened). Only the bot's own merge requests are ever touched.
"""

from dataclasses import dataclass

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import MergeRequest
from bot.clients.gitlab.reads import merge_request, merge_requests, own_user
from bot.errors import PermanentError, StaleError

DRAFT = "Draft: "
"""What makes a merge request a draft (https://docs.gitlab.com/user/project/merge_requests/drafts/)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMergeRequest:
    """How a merge request should look. `labels` must be on it, `absent_labels` must not; people's others stay.

    `squash` and `remove_source_branch` are set when it is made and left alone afterwards: people may change them.
    """

    source_branch: str
    target_branch: str
    title: str
    description: str
    labels: frozenset[str] = frozenset()
    absent_labels: frozenset[str] = frozenset()
    draft: bool = False
    squash: bool | None = None
    remove_source_branch: bool = True

    @property
    def full_title(self) -> str:
        """The title as GitLab stores it."""
        return f"{DRAFT if self.draft else ''}{self.title.strip()}"


async def ensure_merge_request(api: GitLabAPI, project: ProjectId, wanted: WantedMergeRequest) -> Ensured[MergeRequest]:
    """The one open merge request of the branch, looking as wanted; adopted when somebody was quicker (409).

    PermanentError when a person opened one from this branch: theirs is not touched.
    """
    found = await _opened(api, project, wanted)
    if found is None:
        return await _create(api, project, wanted)
    return await _update(api, project, found, wanted)


async def ensure_merge_request_closed(api: GitLabAPI, project: ProjectId, iid: int) -> Ensured[MergeRequest]:
    """The merge request is not open any more; a merged one stays merged (the caller sees its `state`)."""
    found = await merge_request(api, project, iid)
    if found.state != "opened":
        return _ensured(found, wrote=False)
    await _own(api, found)
    return _ensured(await _put(api, project, iid, {"state_event": "close"}), wrote=True)


async def _opened(api: GitLabAPI, project: ProjectId, wanted: WantedMergeRequest) -> MergeRequest | None:
    candidates = await merge_requests(
        api, project, state="opened", source_branch=wanted.source_branch, target_branch=wanted.target_branch
    )
    # A fork's branch of the same name is another merge request; it may lie open beside ours.
    return next((one for one in candidates if one.source_project_id in (None, one.project_id)), None)


async def _create(api: GitLabAPI, project: ProjectId, wanted: WantedMergeRequest) -> Ensured[MergeRequest]:
    path = of_project(project, "merge_requests")
    try:
        made = await api.write("POST", path, MergeRequest, feature="merge requests", data=_fields(wanted))
    except GitLabRefusal as error:
        if error.status != 409:
            raise
        return await _adopt(api, project, wanted, error)
    return _ensured(made, wrote=True)


async def _adopt(
    api: GitLabAPI, project: ProjectId, wanted: WantedMergeRequest, error: GitLabRefusal
) -> Ensured[MergeRequest]:
    found = await _opened(api, project, wanted)
    if found is None:
        raise StaleError(
            f"GitLab says a merge request from {wanted.source_branch} is open, but lists none: "
            "it was closed in between, or leads to another branch. It is looked at again by itself."
        ) from error
    return await _update(api, project, found, wanted)


async def _update(
    api: GitLabAPI, project: ProjectId, found: MergeRequest, wanted: WantedMergeRequest
) -> Ensured[MergeRequest]:
    await _own(api, found)
    changes = _differences(found, wanted)
    if not changes:
        return _ensured(found, wrote=False)
    return _ensured(await _put(api, project, found.iid, changes), wrote=True)


async def _put(api: GitLabAPI, project: ProjectId, iid: int, data: dict[str, object]) -> MergeRequest:
    path = of_project(project, "merge_requests", iid)
    return await api.write("PUT", path, MergeRequest, feature="merge requests", data=data)


async def _own(api: GitLabAPI, found: MergeRequest) -> None:
    me = await own_user(api)
    if found.author.id != me.id:
        raise PermanentError(
            f"merge request !{found.iid} from {found.source_branch} was opened by {found.author.username}, not by "
            f"{me.username}: it is left as it is. Close it, or let it run from a branch with another name."
        )


def _fields(wanted: WantedMergeRequest) -> dict[str, object]:
    fields: dict[str, object] = {
        "source_branch": wanted.source_branch,
        "target_branch": wanted.target_branch,
        "title": wanted.full_title,
        "description": wanted.description,
        "labels": ",".join(sorted(wanted.labels)),
        "remove_source_branch": wanted.remove_source_branch,
    }
    if wanted.squash is not None:
        fields["squash"] = wanted.squash
    return fields


def _differences(found: MergeRequest, wanted: WantedMergeRequest) -> dict[str, object]:
    changes: dict[str, object] = {}
    if found.title != wanted.full_title:
        changes["title"] = wanted.full_title
    if same_text(found.description) != same_text(wanted.description):
        changes["description"] = wanted.description
    present = frozenset(found.labels)
    if missing := wanted.labels - present:
        changes["add_labels"] = ",".join(sorted(missing))
    if surplus := wanted.absent_labels & present:
        changes["remove_labels"] = ",".join(sorted(surplus))
    return changes


def same_text(text: str | None) -> str:
    """The text with what GitLab may change on its way evened out: line ends and the white space around."""
    return "\n".join(line.rstrip() for line in (text or "").replace("\r\n", "\n").strip().split("\n"))


def _ensured(found: MergeRequest, *, wrote: bool) -> Ensured[MergeRequest]:
    return Ensured(value=found, external_id=str(found.iid), wrote=wrote)
