"""A message that a page quotes is one that a program here prints, word for word."""

from pathlib import Path

import pytest
from doc_pages import REPOSITORY, Fence, code_spans, fences, name_of
from source_sentences import LEFT_OUT, is_written_in

SOURCES = ("bot", "handlers", "config", "services", "scripts")
QUOTING = (REPOSITORY / "docs" / "troubleshooting.md",)
"""Pages whose blocks of plain text are messages, one a line; `…` stands for a value."""
PROGRAMS = frozenset({"sluice", "kubectl", "flux", "scripts/new-age-key"})
QUOTES = [fence for page in QUOTING for fence in fences(page, "text")]


@pytest.mark.parametrize("quote", QUOTES, ids=lambda quote: quote.place)
def test_every_quoted_message_is_in_the_source(quote: Fence) -> None:
    lines = [line.strip() for line in quote.text.splitlines() if line.strip()]

    assert lines != []
    assert [line for line in lines if not is_written_in(line, *SOURCES)] == []


@pytest.mark.parametrize("page", QUOTING, ids=name_of)
def test_every_sentence_with_something_left_out_is_in_the_source(page: Path) -> None:
    sentences = [span for span in code_spans(page) if LEFT_OUT in span.text and " " in span.text]
    quoted = [span for span in sentences if span.text.split(" ")[0] not in PROGRAMS]

    assert quoted != []
    assert [f"{one.place}: {one.text}" for one in quoted if not is_written_in(one.text, *SOURCES)] == []


@pytest.mark.parametrize(
    ("sentence", "is_ours"),
    [
        ("the config repository was not adopted yet; run `sluice adopt`", True),
        ("Its token is none of the live ones.", True),
        ("GitLab asked to slow down: … was answered 429.", True),
        ("the pin of production stays until Flux selects 1.2.1: …", True),
        ("the config repository was not adopted yet; please run `sluice adopt`", False),
        ("a sentence that no program here prints", False),
    ],
)
def test_only_what_the_source_says_counts_as_quoted(sentence: str, is_ours: bool) -> None:
    assert is_written_in(sentence, *SOURCES) is is_ours
