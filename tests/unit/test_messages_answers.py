"""Answers are read as they were meant: a table of commands keeps its columns."""

from itertools import pairwise

from markdown_it import MarkdownIt

from bot.answers import Helped, HelpLine
from bot.messages import answer_text

USAGE = 'hold [APPLICATION] ENVIRONMENT [until TIME | for DURATION] --reason "…"'


def cells(text: str) -> list[str]:
    """What stands in a table's body, cell by cell, as a reader of GitLab's Markdown sees it."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [token.content for before, token in pairwise(tokens) if before.type == "td_open"]


def test_a_command_with_a_choice_stays_in_its_cell_of_the_help() -> None:
    line = HelpLine(usage=USAGE, about="Promote nothing for a while.", allowed=True, where=("production",))

    text = answer_text(Helped(name="/sluice", lines=(line,)))

    assert cells(text) == ["✅", f"`/sluice {USAGE}`", "Promote nothing for a while.", "production"]
