"""The page about commands lists every verb as the grammar reads it, and no other."""

import re
from pathlib import Path

import pytest

from bot.verbs import VerbForm
from handlers import FORMS

PAGE = (Path(__file__).parents[2] / "docs" / "chatops.md").read_text()
ROW = re.compile(r"^\| `/sluice (.+?)` \| (.+) \|$", re.MULTILINE)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_verb_is_listed_as_it_is_read(form: VerbForm) -> None:
    rows = {usage.replace("\\|", "|"): about for usage, about in ROW.findall(PAGE)}

    assert rows.get(form.usage) == form.about


def test_no_verb_is_listed_that_does_not_exist() -> None:
    listed = {usage.split()[0] for usage, _ in ROW.findall(PAGE)}

    assert listed == {form.name for form in FORMS}
