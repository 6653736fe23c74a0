"""What a promotion's merge request says: its title, description, commit, sticky note, and why it was closed."""

from bot.actions import ClosePromotion, Gate, MergePromotion, ProposePromotion, Verdict, WriteSticky
from bot.messages.harmless import Harmless, code, hidden, link, one_line, shortened
from bot.messages.templates import render
from bot.messages.wording import LONGEST_SUBJECT, LONGEST_TITLE, cut, environment_label, reason
from bot.records import Pin

LABEL = "sluice"
"""On every merge request of ours, so that one list call finds them all."""

STICKY_MARKER = "sluice:sticky-promotion"
CLOSING_MARKER = "sluice:closing"
"""Names for hidden markers: they locate a note of the bot's and never authorise anything (design section 8)."""

LONGEST_LINE = 120
MOST_LINES = 50
"""Commits listed in a description; the comparison page has the others."""

ICONS: dict[Verdict, str] = {"green": "✅", "waiting": "⏳", "red": "❌"}

STANDINGS = {
    "waiting": ("⏳", "waits to enter"),
    "ready": ("✅", "is ready for"),
    "merging": ("🚀", "is landing in"),
    "applied": ("🚀", "is being rolled out to"),
    "done": ("✅", "runs and is healthy in"),
    "superseded": ("⏭️", "was overtaken on its way to"),
    "declined": ("✋", "was declined for"),
    "denied": ("⛔", "is denied in"),
    "failed": ("❌", "failed in"),
    "rolled_back": ("↩️", "was taken back from"),
    "bypassed": ("⚠️", "went past the gates into"),
    "downgraded": ("⚠️", "is a step back for"),
    "withdrawn": ("✋", "was withdrawn from"),
}
"""What a headline says of each state a promotion can be in (design section 3)."""


def promotion_title(action: ProposePromotion) -> str:
    """One line of at most 255 characters; GitLab takes a title that begins with `Draft:` for a draft."""
    title = f"{'Draft: ' if action.draft else ''}{_subject(action)}"
    return cut(title, LONGEST_TITLE)


def promotion_commit(action: ProposePromotion) -> str:
    """The commit message, with the trailer by which the commit is recognised as ours."""
    replaces = action.replaces.name if action.replaces else ""
    return render(
        "promotion_commit.txt.j2",
        subject=cut(_subject(action), LONGEST_SUBJECT),
        because=reason(action.because),
        replaces=replaces,
        effect_key=Harmless(one_line(action.effect_key)),
    )


def _subject(action: ProposePromotion | MergePromotion) -> str:
    return render(
        "promotion_title.txt.j2",
        application=shortened(action.key.application, 63),
        release=shortened(action.release.name, 80),
        environment=shortened(action.key.environment, 63),
    )


def promotion_description(
    action: ProposePromotion, *, project_url: str = "", pin: Pin | None = None, lifts: bool = False
) -> str:
    """What, why, the commits, the images, and what happens next, below a hidden marker with key and release.

    project_url: the application's project on GitLab, for links; by default the one `changes_url` is a page of.
    pin: what keeps the environment back; lifts: this merge request takes it away.
    """
    page = project_url or action.changes_url.partition("/-/")[0]
    replaces = action.replaces
    key = f"{action.key.tenant}/{action.key.application}@{action.key.environment}"
    return render(
        "promotion_description.md.j2",
        marker=Harmless(f"<!-- sluice:promotion {hidden(key)} release={hidden(action.release.id)} -->"),
        release=action.release,
        replaces=replaces,
        environment=action.key.environment,
        because=reason(action.because),
        commits=[(_commit(line.sha, page), _title(line.title)) for line in action.changes[:MOST_LINES]],
        more=max(0, len(action.changes) - MOST_LINES),
        comparison=_comparison(action),
        built_from=_commit(action.release.commit, page) if action.release.commit else "",
        pin=pin,
        lifts=lifts,
    )


def _commit(sha: str, page: str) -> Harmless:
    return link(code(sha[:8]), f"{page}/-/commit/{sha}")


def _title(title: str) -> str:
    return shortened(title, LONGEST_LINE) or "(no title)"


def _comparison(action: ProposePromotion) -> Harmless | None:
    """A link to all the changes, None when it is not known which commits they are."""
    if action.replaces is None or not action.changes_url:
        return None
    return link("All changes on one page", action.changes_url)


def sticky(action: WriteSticky) -> tuple[str, str]:
    """The name of the marker by which the note is found again, and the note's text without that marker."""
    icon, standing = _headline(action)
    body = render(
        "sticky.md.j2",
        icon=Harmless(icon),
        release=action.release,
        standing=standing,
        environment=action.key.environment,
        gates=action.gates,
        icons={verdict: Harmless(shown) for verdict, shown in ICONS.items()},
        summary=_summary(action.gates),
        because=reason(action.because),
    )
    return STICKY_MARKER, body


def _headline(action: WriteSticky) -> tuple[str, str]:
    """The icon and the words between release and environment; a gate that is not green speaks first."""
    verdicts = {gate.verdict for gate in action.gates}
    if "red" in verdicts:
        return ICONS["red"], "cannot enter"
    if "waiting" in verdicts:
        return STANDINGS["waiting"]
    return STANDINGS.get(action.state, ("ℹ️", f"is {action.state} in"))


def _summary(gates: tuple[Gate, ...]) -> str:
    counted = {verdict: sum(gate.verdict == verdict for gate in gates) for verdict in ICONS}
    if counted["red"]:
        return f"{counted['red']} of {len(gates)} gates stand against it: somebody has to act."
    if counted["waiting"]:
        return f"{counted['waiting']} of {len(gates)} gates are waiting; Sluice looks again by itself."
    return "All gates are green."


def closing_note(action: ClosePromotion) -> str:
    """Why the merge request is closed, and the one to read instead; without its marker."""
    return render("closing_note.md.j2", because=reason(action.because), instead=action.instead)


def merge_commit(action: MergePromotion) -> str:
    """The message of the merge, with the trailer by which it is recognised as ours."""
    return render(
        "merge_commit.txt.j2",
        subject=cut(_subject(action), LONGEST_SUBJECT),
        because=reason(action.because),
        merge_request=action.merge_request,
        effect_key=Harmless(one_line(action.effect_key)),
    )


def promotion_labels(action: ProposePromotion) -> tuple[str, ...]:
    """`sluice`, and the environment to filter by. One colon: two would make a scoped label, a paid feature."""
    return LABEL, environment_label(action.key)
