"""The files that the seeded world begins with: the config repository's and the application's, their blanks filled."""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal


def tree(name: Literal["config", "application"], blanks: Mapping[str, str]) -> dict[str, str]:
    """Every file of one repository by path; `@blank@` in a text is replaced."""
    return dict(_below(files(__package__).joinpath(name), "", blanks))


def _below(folder: Traversable, prefix: str, blanks: Mapping[str, str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _below(entry, f"{prefix}{entry.name}/", blanks)
        else:
            found.append((prefix + entry.name, _filled(entry.read_text(encoding="utf-8"), blanks)))
    return found


def _filled(text: str, blanks: Mapping[str, str]) -> str:
    for name, value in blanks.items():
        text = text.replace(f"@{name}@", value)
    return text
