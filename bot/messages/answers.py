"""What is said in answer to a command; names are never mentions, and what somebody else wrote can do nothing."""

from typing import assert_never

from bot.answers import Answer, DiffTold, Helped, Refused, StatusTold, Told, WhoAmI, WhoCan, WhyTold
from bot.messages.harmless import Harmless, code, link, markdown, shortened
from bot.messages.promotion import ICONS
from bot.messages.templates import render
from bot.messages.wording import reason

MOST_CHANGES = 20
VERDICTS = {"green": ICONS["green"], "waiting": ICONS["waiting"], "red": ICONS["red"]}


def answer_text(answer: Answer, *, name: str = "/sluice") -> str:
    """Markdown, as GitLab reads it. name: ours, as commands are written at this door."""
    match answer:
        case Refused():
            return render(
                "answer_refused.md.j2", answer=answer, rule=reason(answer.rule), next=offered(answer.next, name)
            )
        case Told():
            return render("answer_told.md.j2", because=reason(answer.because), dry_run=answer.dry_run)
        case Helped():
            commands = [_in_a_table(code_span(f"{name} {line.usage}")) for line in answer.lines]
            return render("answer_help.md.j2", lines=list(zip(commands, answer.lines, strict=True)))
        case StatusTold():
            return render("answer_status.md.j2", lines=answer.lines, at=f"{answer.at:%Y-%m-%d %H:%M} UTC")
        case WhyTold():
            return render("answer_why.md.j2", answer=answer, icons={k: Harmless(v) for k, v in VERDICTS.items()})
        case DiffTold():
            return _diff(answer)
        case WhoCan():
            return render("answer_who_can.md.j2", answer=answer)
        case WhoAmI():
            return render("answer_whoami.md.j2", answer=answer)
        case _:
            assert_never(answer)


def _in_a_table(span: Harmless) -> Harmless:
    """A code span whose `|` ends no cell: GitLab takes tables apart before it looks at code."""
    return Harmless(span.replace("|", "\\|"))


def _diff(answer: DiffTold) -> str:
    changes = [(code(sha[:8]), shortened(title, 120)) for sha, title in answer.changes[:MOST_CHANGES]]
    return render(
        "answer_diff.md.j2",
        answer=answer,
        changes=changes,
        more=max(0, len(answer.changes) - MOST_CHANGES),
        loses=[(code(sha[:8]), shortened(title, 120)) for sha, title in answer.loses[:MOST_CHANGES]],
        images=[(code(image), code(before or "-"), code(after)) for image, before, after in answer.images],
        all_changes=link("All changes on one page", answer.url) if answer.url else None,
    )


def offered(text: str, name: str) -> Harmless:
    """A step that helps: what stands in backquotes is a command of ours, and is shown whole under our name there."""
    parts = text.split("`")
    shown = [
        code_span(f"{name} {part.removeprefix(name).strip()}") if at % 2 else prose(part)
        for at, part in enumerate(parts)
    ]
    return Harmless("".join(shown))


def prose(text: str) -> Harmless:
    """Words around a code span, with the blanks that keep them apart."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return Harmless(f"{before and ' '}{markdown(text)}{after and ' '}") if text.strip() else Harmless(text and " ")


def code_span(text: str) -> Harmless:
    """A whole command as a code span: GitLab neither runs nor links what stands in one."""
    return Harmless(f"`{shortened(text, 300).replace('`', chr(39))}`")
