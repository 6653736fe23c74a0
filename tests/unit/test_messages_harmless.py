"""Nothing from outside does anything on GitLab: no mention, reference, command, link, markup or hidden marker."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.actions import (
    ClosePromotion,
    Gate,
    Line,
    MergePromotion,
    ProposePromotion,
    WriteInstall,
    WriteSticky,
)
from bot.keys import ConfigKey, EnvironmentKey
from bot.messages import (
    closing_note,
    install_commit,
    merge_commit,
    promotion_commit,
    promotion_description,
    promotion_title,
    status_description,
    sticky,
)
from bot.messages.harmless import GAP, code, hidden, link, markdown, plain
from bot.releases import Image, Release

KEY = EnvironmentKey("demo", "demo-service", "staging")

ATTACKS = (
    "@all",
    "@group/team please",
    "/close",
    "x\n/merge\n/label ~bug",
    "\r\n/close",
    "\u2028/close",
    "Fix login, closes #12, fixes group/project#3 and GL-7",
    "Resolves ABC-12",
    "implements https://gitlab.example/group/project/-/issues/12",
    "Bump [skip ci]",
    "[CI SKIP]",
    "<img src=x onerror=alert(1)>",
    "<!-- sluice:sticky promotion -->",
    "--> <b>bold</b> <!--",
    "![picture](https://evil.example/pixel.png)",
    "[click](javascript:alert(1))",
    "[click][ref]\n\n[ref]: https://evil.example",
    "<https://evil.example> www.evil.example a@evil.example",
    "a | b | c \\| d",
    "`code` ``double`` ```\nfence",
    "**bold** _under_ ~~gone~~ $`math`$ $$x$$ {+ new +}",
    "# heading\n\n- list\n> quote\n\n| a |\n|---|",
    "&lt;b&gt; &amp; &#64;all",
    '!12 %"mile stone" ~bug ~"my label" &3 ^alert#1 $9 [vulnerability:1] *iteration:4',
    ":tada: :x:",
    "Sluice-Effect: merge:demo:1:forged",
    "ok\n\nSluice-Effect: merge:demo:1:forged",
    "\u202egnp.exe\u202c \u200b@\u200ball",
    "\\",
    "\\@all \\[x\\](y)",
    "",
    "   ",
    "é ünïcode 世界 🎉",
)

outside = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(max_size=60),
    st.lists(
        st.sampled_from([*ATTACKS, " ", "\n", "@", "#", "/", "[", "]", "(", ")", "<", ">", "`", "|", "\\", "a", "1"])
    )
    .map("".join)
    .filter(lambda text: len(text) < 400),
)

# What GitLab looks for in rendered text (docs "GitLab-specific references") …
RENDERED_REFERENCES = [
    re.compile(r"(?<!\w)@[A-Za-z0-9_.]"),
    re.compile(r"(?:^|\W|\w)[#!&]\d"),
    re.compile(r"[~%][\w\"]"),
    re.compile(r"\$\d"),
    re.compile(r"\^alert#\d"),
    re.compile(r"\[\w+:[\w/]*\d+\]"),
    re.compile(r"[a-z][a-z0-9+.-]*://\S", re.IGNORECASE),
    re.compile(r"\bwww\.\S", re.IGNORECASE),
    re.compile(r"(?<![A-Za-z0-9:]):[a-z0-9_+-]+:"),
]
# … and in the raw text: quick actions, the default issue closing pattern, skipped pipelines.
RAW_COMMANDS = [
    re.compile(r"^\s*/[a-z]", re.MULTILINE),
    re.compile(
        r"\b(?:clos|fix|resolv|implement)\w*:? +(?:issues? +)?(?:[\w./-]*#\d|[A-Z][A-Z0-9_]+-\d|https?://)",
        re.IGNORECASE,
    ),
    re.compile(r"\[(?:ci[ _-]skip|skip[ _-]ci)\]", re.IGNORECASE),
]

parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens_of(text: str) -> list[Token]:
    """All tokens of a Markdown text, those inside lines too."""
    return [inner for token in parser.parse(text) for inner in (token, *(token.children or ()))]


def shown(tokens: list[Token]) -> str:
    """The text a reader sees outside of code and links, which GitLab searches for references."""
    return "\n".join(token.content for token in tokens if token.type in ("text", "text_special"))


def shape_of(text: str) -> list[str]:
    """The structure of a Markdown text, with links and code but without the words."""
    return [token.type for token in tokens_of(text) if token.type not in ("text", "text_special", "inline")]


@given(outside)
def test_outside_text_is_only_words_in_markdown(text: str) -> None:
    tokens = tokens_of(f"- x {markdown(text)}")

    assert {token.type for token in tokens if token.nesting == 0} <= {"inline", "text", "text_special"}
    assert not [token for token in tokens if token.type in ("link_open", "image", "html_inline", "em_open", "s_open")]


@given(outside)
def test_outside_text_refers_to_nothing_once_rendered(text: str) -> None:
    words = "".join(token.content for token in tokens_of(f"x {markdown(text)}") if token.type.startswith("text"))

    assert [pattern.pattern for pattern in RENDERED_REFERENCES if pattern.search(words)] == []


@given(outside)
@example("1 | 2")
def test_outside_text_stays_in_its_table_cell(text: str) -> None:
    def table(cell: str) -> str:
        return f"| a | b |\n|---|---|\n| {cell} | end |\n| next | row |\n"

    assert shape_of(table(markdown(text))) == shape_of(table("x"))
    # A cell too many is dropped without a trace: what comes after it must still be there.
    assert [token.content for token in tokens_of(table(markdown(text))) if token.content == "end"] == ["end", "end"]


@given(outside)
def test_a_code_span_is_never_left(text: str) -> None:
    tokens = tokens_of(f"| a |\n|---|\n| {code(text)} |\n")

    assert [token.type for token in tokens].count("code_inline") == 1
    assert shown(tokens).strip() == "a"


@given(outside)
def test_plain_text_is_one_line_that_commands_nothing(text: str) -> None:
    line = plain(text)

    assert len(line.splitlines()) <= 1
    assert [pattern.pattern for pattern in (*RAW_COMMANDS, *RENDERED_REFERENCES[:6]) if pattern.search(line)] == []
    assert "sluice-effect" not in line.lower()


@given(st.text(alphabet=st.characters(categories=["L", "Nd"], include_characters=" ,;.'-"), max_size=80))
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert plain(text).replace(GAP, "") == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    ["1.1.0-rc.1", "1.0.0+build.5", "demo-service", "sluice-demo", "healthy since 2026-01-02 10:30:00 UTC", "50% done"],
)
def test_usual_names_and_moments_get_no_invisible_character(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://x.example/a)b",
        "https://x.example/a b",
        "https://x.example/\n",
        "ftp://x/y",
        "",
        "/-/x",
    ],
)
def test_only_a_web_address_becomes_a_link(url: str) -> None:
    assert link("words", url) == "words"


def test_a_link_of_gitlab_stays_a_link() -> None:
    url = "https://gitlab.example:8443/group/sub/project/-/compare/v1.0.0...v1.1.0?from_project_id=1&straight=true"

    assert link("words", url) == f"[words]({url})"


@given(outside)
def test_a_hidden_marker_is_never_ended_early(text: str) -> None:
    marker = f"<!-- sluice:promotion {hidden(text)} -->"

    assert marker.count("-->") == 1
    assert len(marker.splitlines()) == 1


def release_named(text: str) -> Release:
    """A release all of whose words come from outside."""
    image = Image(name=text, digest=text, tag=text)
    return Release(application="demo-service", version=text, commit=text, images=(image,))


def proposal_of(text: str) -> ProposePromotion:
    """A proposal all of whose words come from outside."""
    return ProposePromotion(
        key=KEY,
        release=release_named(text),
        replaces=release_named(text),
        draft=False,
        changes=(Line(sha=text, title=text), Line(sha="c" * 40, title=text)),
        changes_url="https://gitlab.example/demo/demo-service/-/compare/a...b",
        because=text,
        rebuild=True,
    )


def sticky_of(text: str) -> WriteSticky:
    """A sticky note all of whose words come from outside."""
    gates = (Gate(name=text, verdict="red", because=text), Gate(name="merge proof", verdict="green", because=text))
    return WriteSticky(
        key=KEY, merge_request=3, release=release_named(text), state="waiting", gates=gates, because=text
    )


def markdown_texts(text: str) -> list[str]:
    """Everything that GitLab renders as Markdown."""
    close = ClosePromotion(key=KEY, merge_request=3, because=text, instead=None)
    return [promotion_description(proposal_of(text)), sticky(sticky_of(text))[1], closing_note(close)]


@given(outside.filter(lambda text: bool(plain(text))))
def test_whole_texts_keep_their_shape_whatever_is_told(text: str) -> None:
    # A sha that is no address makes no link; links are told apart from words here.
    ours = [[kind for kind in shape_of(whole) if not kind.startswith("link")] for whole in markdown_texts("x")]

    assert [[k for k in shape_of(whole) if not k.startswith("link")] for whole in markdown_texts(text)] == ours


@given(outside)
def test_whole_texts_command_nothing_and_mention_nobody(text: str) -> None:
    for whole in markdown_texts(text):
        words = shown(tokens_of(whole))

        assert [pattern.pattern for pattern in RENDERED_REFERENCES if pattern.search(words)] == []
        assert [pattern.pattern for pattern in RAW_COMMANDS if pattern.search(whole)] == []
        assert whole.count("<!--") == whole.count("-->") == (1 if whole.startswith("<!-- sluice:promotion") else 0)


@given(outside)
def test_titles_and_commits_command_nothing_and_forge_no_trailer(text: str) -> None:
    install = WriteInstall(key=ConfigKey("demo"), installation="5f", asked_by=text, because=text)
    merge = MergePromotion(key=KEY, merge_request=3, sha="d" * 40, release=release_named(text), because=text)
    commits = [promotion_commit(proposal_of(text)), install_commit(install), merge_commit(merge)]

    for whole in [promotion_title(proposal_of(text)), *commits]:
        assert [pattern.pattern for pattern in (*RAW_COMMANDS, RENDERED_REFERENCES[0]) if pattern.search(whole)] == []
    for commit in commits:
        assert len(re.findall(r"^sluice-effect:", commit, re.MULTILINE | re.IGNORECASE)) == 1
        assert all(len(line) <= 72 for line in commit.splitlines()[:1])


@given(st.one_of(outside, st.text(min_size=100, max_size=400)))
def test_a_status_description_is_one_short_line(text: str) -> None:
    description = status_description(text)

    assert len(description) <= 140
    assert len(description.splitlines()) <= 1


def test_command_that_a_rule_offers_can_be_copied() -> None:
    offered = '`sluice allow demo-service production 1.2.0 --reason "…"`'

    assert markdown(f"it failed_; {offered} lets it in") == f"it failed\\_; {offered} lets it in"
    assert markdown(f"`{offered}") == "\\`\\" + offered[:-1] + "\\`"
    assert "`sluice" not in markdown("`sluice allow a b`").replace("\\`", "")
