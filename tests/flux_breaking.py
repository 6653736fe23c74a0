"""A copy of the tree with one thing broken in it, to show that a check sees it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from flux_tree import REPOSITORY, Tree

COPIED = ("flux", ".gitlab", ".gitlab-ci.yml")


@dataclass(frozen=True, slots=True)
class Change:
    """In a file of the repository `ours` becomes `wrong`, everywhere; with no `ours` it is added at the end."""

    file: str
    ours: str
    wrong: str


def broken(place: Path, *changes: Change) -> Tree:
    """A copy below `place`, changed. A change that finds nothing to change is an error of its test."""
    for name in COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, place / name)
        elif source.is_file():
            shutil.copy(source, place / name)
    for change in changes:
        file = place / change.file
        text = file.read_text("utf-8")
        if change.ours not in text:
            raise AssertionError(f"{change.file} does not hold {change.ours!r} any more: mend the test")
        file.write_text(text.replace(change.ours, change.wrong) if change.ours else text + change.wrong)
    return Tree(place)
