"""A command is a line of plain text that begins with our name, as a reader of the Markdown sees it; nothing else is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.lines import MOST_LINES, lines_for_us, looks_like, plain_line

NAMES = ("/sluice", "@bot")


def said(message: str) -> list[str]:
    """What follows our name, line by line."""
    return [line.said for line in lines_for_us(message, NAMES)]


HEARD = [
    ("/sluice help", ["help"]),
    ("/sluice", [""]),
    ("/SLUICE help", ["help"]),
    ("@bot help", ["help"]),
    ("/sluice   help  ", ["help"]),
    ("/sluice help\r\n/sluice status\r\n", ["help", "status"]),
    ("/sluice help\r/sluice status", ["help", "status"]),
    ("Good morning.\n\n/sluice help\n\nThanks.", ["help"]),
    ("Good morning.\n/sluice help\nThanks.", ["help"]),
    ("Two spaces at the end.  \n/sluice help", ["help"]),
    ("A backslash at the end.\\\n/sluice help", ["help"]),
    ("/sluice hold --reason *soon*", ["hold --reason *soon*"]),
    ("/sluice hold --reason `x`", ["hold --reason `x`"]),
    ("> quoted\n\n/sluice help", ["help"]),
    ("```\ncode\n```\n/sluice help", ["help"]),
    ("<!-- a comment -->\n\n/sluice help", ["help"]),
    (">>>\nquoted\n>>>\n\n/sluice help", ["help"]),
    (">>>\nquoted\n>>>\n\n/sluice help\n\n>>>\nquoted\n>>>", ["help"]),
    ("```\n>>>\n```\n\n/sluice help\n\n```\n>>>\n```", []),
    ("# A title\n/sluice help", ["help"]),
    ("- an item\n\n/sluice help", ["help"]),
    ("/sluice one\n/sluice two\n/sluice three", ["one", "two", "three"]),
]


@pytest.mark.parametrize(("message", "expected"), HEARD)
def test_a_line_of_plain_text_is_heard(message: str, expected: list[str]) -> None:
    assert said(message) == expected


UNHEARD = [
    "> /sluice help",
    ">/sluice help",
    "> quoted\n/sluice help",
    "> > /sluice help",
    "> - item\n> /sluice help",
    "```\n/sluice help\n```",
    "```sh\n/sluice help\n```",
    "~~~\n/sluice help\n~~~",
    "````\n```\n/sluice help\n```\n````",
    "```\n/sluice help",
    "    /sluice help",
    "\t/sluice help",
    " /sluice help",
    "`/sluice help`",
    "``\n/sluice help\n``",
    "a `code\n/sluice help\nspan` here",
    "<!-- /sluice help -->",
    "<!--\n/sluice help\n-->",
    "<!--\n\n/sluice help\n\n-->",
    "<pre>\n/sluice help\n</pre>",
    "<div>\n/sluice help\n</div>",
    ">>>\n/sluice help\n>>>",
    ">>>\n\n/sluice help\n\n>>>\n",
    ">>>\nnever closed\n\n/sluice help",
    ">>>>\n/sluice help\n>>>>",
    ">>>>\n>>>\nquoted\n>>>\n/sluice help\n>>>>",
    " >>>\n/sluice help\n >>>  ",
    "```\n>>>\n```\n>>>\n/sluice help\n>>>",
    "- /sluice help",
    "* /sluice help",
    "1. /sluice help",
    "# /sluice help",
    "see /sluice help",
    "/sluicehelp",
    "/sluices help",
    "//sluice help",
    "sluice help",
    "@bots help",
    "@botany",
    "**/sluice help**",
    "*/sluice help*",
    "[/sluice help](https://gitlab.example)",
    "[text\n/sluice help\n](https://gitlab.example)",
    "[label]: /sluice help",
    '[label]: https://gitlab.example "title\n/sluice help\n"',
    "![text\n/sluice help\n](x.png)",
    "<a title='\n/sluice help\n'>",
    "*emphasis\n/sluice help\nends*",
    "",
    "\n\n",
    "/",
]


@pytest.mark.parametrize("message", UNHEARD)
def test_what_is_quoted_shown_or_only_mentioned_is_not(message: str) -> None:
    assert said(message) == []


def test_a_lazy_line_behind_a_quote_belongs_to_the_quote() -> None:
    assert said("> Somebody wrote:\n> something\n/sluice rollback") == []
    assert said("> Somebody wrote:\n\n/sluice help") == ["help"]


def test_a_line_over_an_underline_is_a_title_and_still_begins_a_line() -> None:
    assert said("/sluice help\n===") == said("/sluice help\n---") == ["help"]


LOOK_ALIKES = [
    "/sluіce help",
    "/ѕluice help",
    "/ｓｌｕｉｃｅ help",
    "／sluice help",
    "/slui\u200bce help",
    "\u2060/sluice help",
]


@pytest.mark.parametrize("message", LOOK_ALIKES)
def test_a_name_that_only_looks_like_ours_is_heard_as_such(message: str) -> None:
    (line,) = lines_for_us(message, NAMES)

    assert line.look_alike
    assert looks_like(message.split()[0], "/sluice")


@pytest.mark.parametrize("message", ["/schleuse help", "/sluicé2 help", "Fluß", "/slüicee"])
def test_other_words_in_other_letters_are_none_of_ours(message: str) -> None:
    assert lines_for_us(message, NAMES) == ()


def test_nobody_types_more_commands_than_are_read() -> None:
    assert len(said("/sluice help\n" * (MOST_LINES + 5))) == MOST_LINES


def test_a_chat_message_is_one_line_whatever_it_holds() -> None:
    assert plain_line("  hold   production\nfor 2h ").said == "hold production for 2h"


PIECES = st.sampled_from(
    ["/sluice help", "@bot x", "> ", ">>>", "```", "~~~", "`", "<!--", "-->", "- ", "    ", "\t", "\n", "\n\n", "\r\n",
     "\r", "*", "# ", "===", "[", "](", "<div>", "\\", "&nbsp;", "\u200b", "\x00", "sluiceline", "0x", "é", "𝔰"]
)  # fmt: skip
MESSAGES = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))


@settings(max_examples=500, deadline=None)
@given(MESSAGES)
def test_no_message_breaks_the_reader(message: str) -> None:
    rows = message.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    for line in lines_for_us(message, NAMES):
        assert line.text in [row.strip() for row in rows]
        assert line.look_alike or line.text.lower().startswith(NAMES)


@settings(max_examples=200, deadline=None)
@given(MESSAGES)
def test_nothing_in_a_quote_or_a_fence_is_ever_heard(message: str) -> None:
    inside = message.replace("\r", "")
    quoted = "\n".join(f"> {row}" for row in inside.split("\n"))

    assert lines_for_us(quoted, NAMES) == ()
    assert lines_for_us(f"``````````\n{inside.replace('``````````', '')}\n``````````", NAMES) == ()
