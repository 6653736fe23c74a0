"""How a change that needs no promotion gate reaches Git: a commit, a merge request merged at once, or a person."""

from datetime import datetime, timedelta

from bot.actions import Decision, MergeRollback, RollBack, Way, act, digest, wait
from bot.observing import Installation, MergeRequestSeen, Rights
from config.policy import EnvironmentPolicy
from handlers.hints import take_back
from handlers.modes import mode_of

LOOK_AGAIN = timedelta(seconds=2)
"""GitLab tells nobody when its mergeability check ends (gitlab #339740), so an open merge request is polled."""
LOOK_AGAIN_LATER = timedelta(minutes=1)
"""For waits that only a person or a cluster ends."""
PATIENCE = timedelta(minutes=5)
"""A rollback that did not land within this time is no longer waited for in silence: people are mentioned."""

BEING_CHECKED = frozenset({"checking", "unchecked", "preparing", "approvals_syncing", "ci_still_running"})
"""GitLab's `detailed_merge_status` values that time heals."""
REBUILD = frozenset({"conflict", "need_rebase"})
"""Those that a branch built anew on the default branch heals."""


def by_a_person(environment: EnvironmentPolicy, installation: Installation) -> bool:
    """Whether the merge is left to a person (design section 6, way down)."""
    return mode_of(environment, installation) != "act" or environment.rollback.way == "person"


def way_of(environment: EnvironmentPolicy, installation: Installation, rights: Rights | None) -> Way:
    """A commit where mode, policy and rights allow it, else a merge request."""
    may_push = rights is not None and rights.may_push
    if may_push and environment.rollback.way == "commit" and not by_a_person(environment, installation):
        return "commit"
    return "merge_request"


def carry(change: RollBack, request: MergeRequestSeen | None, written: str, *, left_to_people: bool) -> Decision:
    """The next step of a rollback towards the default branch.

    request: the open merge request of its branch. written: the digest last written under its key, empty when never.
    """
    if request is None:
        return being_read(change) if written else begin(change)
    if not request.ours:
        because = f"{change.because}; a person committed to !{request.iid}, who merges it or closes it"
        return wait(because=because, look_again=LOOK_AGAIN_LATER)
    if written != digest(change) or is_stale(change, request):
        return begin(change)
    if left_to_people or request.draft:
        why = "it is a draft" if request.draft else f"{change.key.environment} leaves that to people"
        because = f"{change.because} as soon as a person merges !{request.iid}: {why}"
        return wait(because=because, look_again=LOOK_AGAIN_LATER)
    return land(change, request)


def land(change: RollBack, request: MergeRequestSeen) -> Decision:
    """Merge it as soon as GitLab calls it mergeable; no gate of a promotion counts (design section 6)."""
    if request.status == "mergeable":
        merge = MergeRollback(
            key=change.key,
            merge_request=request.iid,
            sha=request.sha,
            release=change.release,
            because=change.because,
        )
        return act(merge, because=f"{change.because}: !{request.iid} is merged", look_again=LOOK_AGAIN)
    soon = LOOK_AGAIN_LATER if is_refused(request) else LOOK_AGAIN
    because = f"{change.because} as soon as GitLab lets !{request.iid} be merged: it says {request.status}"
    return wait(because=because, look_again=soon)


def begin(change: RollBack) -> Decision:
    """Write it, whole."""
    return act(change, because=change.because, look_again=LOOK_AGAIN)


def being_read(change: RollBack) -> Decision:
    """It was written and no merge request is open: it landed a moment ago, or a person closed it, who is respected."""
    because = (
        f"{change.because}; it is written, and Git is being read. If a person closed its merge request, "
        f"{take_back(change.key)} asks again"
    )
    return wait(because=because, look_again=LOOK_AGAIN_LATER)


def is_stale(change: RollBack, request: MergeRequestSeen) -> bool:
    """The branch is about something else, or cannot be merged as it stands."""
    if request.status in REBUILD or request.release_id != change.release.id:
        return True
    return request.proposes is None or request.proposes.id != change.back_to.id


def is_refused(request: MergeRequestSeen) -> bool:
    """GitLab will not merge it as it is, and no time heals that."""
    if request.status == "ci_must_pass":
        return request.proof.verdict not in ("running", "missing")
    return request.status != "mergeable" and request.status not in BEING_CHECKED | REBUILD


def is_late(since: datetime, now: datetime) -> bool:
    """Whether people should know by now."""
    return now - since > PATIENCE
