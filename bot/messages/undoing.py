"""What is said when a release is taken back, kept back, and allowed again."""

import re
from typing import Literal

from bot.actions import (
    LiftPin,
    MergeRollback,
    OpenIncident,
    RevokeDenial,
    RollBack,
    TellPromotion,
    TellSource,
)
from bot.keys import EnvironmentKey
from bot.messages.harmless import Harmless, hidden, one_line, shortened
from bot.messages.promotion import LABEL
from bot.messages.templates import render
from bot.messages.wording import (
    LONGEST_SUBJECT,
    LONGEST_TITLE,
    allow_command,
    cut,
    environment_label,
    mentions,
    moment,
    reason,
)
from bot.records import Failure, FailureCause, FailureKind
from bot.releases import Image, Release

ROLLBACK_LABEL = "rollback"
INCIDENT_LABEL = "incident"

CAUSES: dict[FailureCause, str] = {
    "canary": "its canary failed",
    "health_check": "it did not become healthy",
    "reconciliation": "Flux could not apply it",
    "automation": "image automation wrote it over a rollback",
}
"""By what a release failed; a person's request is told in that person's words instead."""
KINDS: dict[FailureKind, str] = {
    "measured": "It was measured to be bad.",
    "no-data": "Nothing could be measured, so it is inconclusive: it may be good.",
    "unknown": "It is not known whether the release itself is at fault.",
}
"""What a person may conclude from each kind of failure (design section 6)."""

Undoing = RollBack | LiftPin | RevokeDenial


def undoing_title(action: Undoing) -> str:
    """The title of the merge request, of at most 255 characters, when that is the way."""
    return cut(_subject(action), LONGEST_TITLE)


def undoing_commit(action: Undoing) -> str:
    """The commit message, with the trailer by which the commit is recognised as ours."""
    return render(
        "undoing_commit.txt.j2",
        subject=cut(_subject(action), LONGEST_SUBJECT),
        because=reason(action.because),
        also=_also(action),
        effect_key=Harmless(one_line(action.effect_key)),
    )


def undoing_merge_commit(action: RevokeDenial | MergeRollback, merge_request: int) -> str:
    """The message of the merge, with the trailer by which it is recognised as ours."""
    return render(
        "merge_commit.txt.j2",
        subject=cut(_subject(action), LONGEST_SUBJECT),
        because=reason(action.because),
        merge_request=merge_request,
        effect_key=Harmless(one_line(action.effect_key)),
    )


def _subject(action: Undoing | MergeRollback) -> str:
    """One line that says what happens to which release where."""
    words = {
        "application": shortened(action.key.application, 63),
        "environment": shortened(action.key.environment, 63),
    }
    match action:
        case RollBack():
            words |= {"kind": "back", "release": _short(action.release), "back_to": _short(action.back_to)}
        case MergeRollback():
            words |= {"kind": "merge", "merge_request": str(action.merge_request)}
        case LiftPin():
            words |= {"kind": "lift", "release": _short(action.release)}
        case RevokeDenial():
            words |= {"kind": "allow", "release": shortened(action.version, 80)}
    return render("undoing_title.txt.j2", **words)


def _short(release: Release) -> str:
    return shortened(release.name, 80)


def _also(action: Undoing) -> str:
    """What else the commit does, as one sentence."""
    match action:
        case RollBack(deny=True):
            return f"{action.release.name} is denied in {action.key.environment}, and {action.back_to.name} is pinned."
        case RollBack():
            return f"{action.release.name} is not denied; {action.back_to.name} is pinned."
        case LiftPin():
            return "Image automation writes the positions again."
        case RevokeDenial():
            return f"Asked for by {action.request.principal}."


def undoing_labels(action: Undoing) -> tuple[str, ...]:
    """`sluice`, `rollback`, and the environment to filter by."""
    return LABEL, ROLLBACK_LABEL, environment_label(action.key)


def rollback_description(action: RollBack, denied: tuple[Image, ...]) -> str:
    """What failed, what is changed and denied, what lifts it, and who merges; `denied` are the images that stay out."""
    return render(
        "rollback_description.md.j2",
        marker=_marker("rollback", action.key, action.release),
        action=action,
        environment=action.key.environment,
        happened=_happened(action.failure),
        because=reason(action.because),
        denied=denied,
        command=allow_command(action.key, action.release.name),
        people=mentions(action.people),
    )


def lifting_description(action: LiftPin) -> str:
    """Why the pin goes, and what writes the environment from then on."""
    return render(
        "lifting_description.md.j2",
        marker=_marker("unpin", action.key, action.release),
        release=action.release,
        environment=action.key.environment,
        because=reason(action.because),
    )


def revoking_description(action: RevokeDenial) -> str:
    """Who allows which release again, and why."""
    return render(
        "revoking_description.md.j2",
        key=action.key,
        version=action.version,
        principal=action.request.principal,
        asked=reason(action.request.because),
        because=reason(action.because),
    )


def incident_marker(action: OpenIncident) -> str:
    """The name of the incident's hidden marker: one for (environment, application, release)."""
    return _named(f"sluice:incident:{action.key.environment}/{action.key.application}/{action.release.id[:20]}")


def incident_title(action: OpenIncident) -> str:
    """One line of at most 255 characters: what failed where, and whether somebody has to act."""
    return cut(
        render(
            "incident_title.txt.j2",
            application=shortened(action.key.application, 63),
            environment=shortened(action.key.environment, 63),
            release=_short(action.release),
            taken_back=action.taken_back,
        ),
        LONGEST_TITLE,
    )


def incident_description(action: OpenIncident) -> str:
    """What happened, why, what Sluice did, and what a person can do; without its marker."""
    return render(
        "incident_description.md.j2",
        action=action,
        environment=action.key.environment,
        happened=_happened(action.failure),
        because=reason(action.because),
        allow=allow_command(action.key, action.release.name),
        rollback=Harmless(
            f'`sluice rollback {hidden(action.key.application)} {hidden(action.key.environment)} --reason "…"`'
        ),
        people=mentions(action.people),
    )


def incident_labels(action: OpenIncident) -> tuple[str, ...]:
    """`sluice`, `incident`, and the environment to filter by."""
    return LABEL, INCIDENT_LABEL, environment_label(action.key)


def taken_back_note(action: TellPromotion | TellSource) -> tuple[str, str]:
    """The name of the note's marker, and its text without that marker: the release was taken back, and why."""
    body = render(
        "taken_back_note.md.j2",
        release=action.release,
        back_to=action.back_to,
        environment=action.key.environment,
        happened=_happened(action.failure),
        because=reason(action.because),
        command=allow_command(action.key, action.release.name),
    )
    return _named(f"sluice:rollback:{action.key.environment}:{action.release.id[:12]}"), body


QUIET_MARKER = "sluice:quiet"


def quiet_note(notes: int, minutes: int) -> str:
    """The last note in a thread that grew too fast; without its marker."""
    return render("quiet_note.md.j2", notes=notes, minutes=minutes)


def _happened(failure: Failure) -> str:
    """What a person asked for is told in that person's words, and proves nothing of the release."""
    cause = CAUSES.get(failure.cause)
    if cause is None:
        return f"{reason(failure.because)} ({moment(failure.at)})."
    return f"{cause} on {moment(failure.at)}: {reason(failure.because)}. {KINDS[failure.kind]}"


def _marker(kind: Literal["rollback", "unpin"], key: EnvironmentKey, release: Release) -> Harmless:
    name = hidden(f"{key.tenant}/{key.application}@{key.environment}")
    return Harmless(f"<!-- sluice:{kind} {name} release={hidden(release.id)} -->")


def _named(marker: str) -> str:
    """A marker's name; two hyphens in a row would end the comment it stands in (CommonMark 0.31, 6.6)."""
    return re.sub("-(?=-)", "-.", hidden(marker).replace("?", "."))
