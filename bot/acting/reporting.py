"""What people are told of a release that failed: an incident, and notes on the merge requests that brought it."""

from bot.acting.hands import Done, Hands
from bot.acting.speaking import say
from bot.actions import OpenIncident, TellPromotion, TellSource
from bot.clients.gitlab.effects.issues import WantedIssue, ensure_issue
from bot.clients.gitlab.models import MergeRequest
from bot.clients.gitlab.reads import commit_merge_requests
from bot.errors import PermanentError
from bot.messages import (
    incident_description,
    incident_labels,
    incident_marker,
    incident_title,
    taken_back_note,
)

MOST_THREADS = 3
"""A commit comes with one merge request, seldom with two; what was merged into ten branches is told in three."""


async def open_incident(action: OpenIncident, hands: Hands) -> Done:
    """The one incident of the release in the environment says what happened and what a person can do."""
    wanted = WantedIssue(
        marker=incident_marker(action),
        title=incident_title(action),
        description=incident_description(action),
        labels=frozenset(incident_labels(action)),
        issue_type="incident",
        assignees=action.people,
    )
    made = await ensure_issue(hands.api, hands.tenant.config_project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def tell_promotion(action: TellPromotion, hands: Hands) -> Done:
    """The config merge request that brought the release says that it was taken back."""
    marker, body = taken_back_note(action)
    made = await say(hands, hands.tenant.config_project, action.merge_request, marker=marker, body=body)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def tell_source(action: TellSource, hands: Hands) -> Done:
    """The application's merge requests that brought the commit say so, too; there may be none.

    Raises PermanentError where the operator's grant does not cover the project: the policy alone opens no project.
    """
    if not hands.tenant.may_govern(action.project):
        raise PermanentError(
            f"the operator does not grant {action.project} to {hands.tenant.name}, so no merge request there is told. "
            "Ask for it in the tenant's application_projects, or mend policy.yaml."
        )
    if not action.release.commit:
        return Done(external_id="", wrote=False)
    marker, body = taken_back_note(action)
    brought = await _brought(action, hands)
    said = [await say(hands, action.project, one.iid, marker=marker, body=body) for one in brought]
    return Done(external_id=",".join(one.external_id for one in said), wrote=any(one.wrote for one in said))


async def _brought(action: TellSource, hands: Hands) -> tuple[MergeRequest, ...]:
    """The merged ones, or what is open while nothing was merged; never one from a fork: anybody may open those."""
    found = await commit_merge_requests(hands.api, action.project, action.release.commit)
    ours = [one for one in found if not one.from_fork]
    merged = [one for one in ours if one.state == "merged"]
    return tuple(merged or [one for one in ours if one.state == "opened"])[:MOST_THREADS]
