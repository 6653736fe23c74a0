"""What the pages name exists: files, make's targets, commands of `sluice` and scripts with their options."""

import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_pages import (
    REPOSITORY,
    Command,
    Fence,
    Span,
    code_spans,
    commands,
    fences,
    is_placeholder,
    name_of,
    pages,
)
from source_sentences import is_written_in
from typer.core import TyperGroup
from typer.main import get_command

from bot.cli import main

BARE = re.compile(r"(?<![\w./:@{}*<>-])(\.?[A-Za-z][\w.-]*/[\w./{},*<>-]*[\w/}*>])")
UNREAD = frozenset({"json", "hcl", "mermaid"})
"""Languages of blocks whose slashes are no paths of ours."""
BRACES = re.compile(r"\{([^{}]*)\}")
PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
MAKEFILE = (REPOSITORY / "Makefile").read_text()
MADE = frozenset({"services/demo-service/target"})
"""What a build writes; git does not keep it."""

every_page = pytest.mark.parametrize("page", pages(), ids=name_of)


@every_page
def test_every_path_of_ours_exists(page: Path) -> None:
    assert missing_paths(page) == []


def missing_paths(page: Path) -> list[str]:
    """Paths on a page that begin with a folder of the repository, or of the page's own, and do not exist."""
    bases = (REPOSITORY,) if page.parent == REPOSITORY / "docs" else (REPOSITORY, page.parent)
    return [
        f"{place}: {path} does not exist. Write the present path."
        for place, path in mentioned(page)
        if any((base / first_of(path)).is_dir() for base in bases) and not any(exists(base, path) for base in bases)
    ]


def mentioned(page: Path) -> Iterator[tuple[str, str]]:
    """Everything on a page that is written like a path, in inline code and in blocks."""
    read = [fence for fence in fences(page) if fence.language not in UNREAD]
    pieces: list[Fence | Span] = [*code_spans(page), *read]
    for piece in pieces:
        for path in BARE.findall(piece.text):
            yield piece.place, path


def first_of(path: str) -> str:
    """Its first folder."""
    return path.split("/", 1)[0]


def exists(base: Path, path: str) -> bool:
    """Whether a path, whose placeholders stand for any name, is in a folder."""
    return any(found_as(base, one) for one in expanded(path))


def found_as(base: Path, path: str) -> bool:
    if any(path.startswith(made) for made in MADE):
        return True
    steps = ["*" if is_placeholder(step) or "<" in step or "{" in step else step for step in path.strip("/").split("/")]
    # A table may leave out what all of its files end with: `secrets/cluster-secrets` for `….sops.yaml`.
    return any(next(base.glob("/".join(steps) + ending), None) is not None for ending in ("", ".*"))


def expanded(path: str) -> Iterator[str]:
    """`a/{b,c}/d` is two paths; `{name}` is a placeholder."""
    found = next((brace for brace in BRACES.finditer(path) if "," in brace[1]), None)
    if found is None:
        yield path
        return
    for choice in found[1].split(","):
        yield from expanded(path[: found.start()] + choice.strip() + path[found.end() :])


@every_page
def test_every_target_of_make_is_in_the_makefile(page: Path) -> None:
    assert unknown_targets(page) == []


def unknown_targets(page: Path) -> list[str]:
    """What a page asks make for that the Makefile does not have."""
    lines = re.findall(r"^([a-z][\w-]*(?: [a-z][\w-]*)*):(?!=)", MAKEFILE, re.M)
    known = {target for line in lines for target in line.split()}
    return [
        f"{command.place}: make {word}. The targets are {sorted(known)}."
        for command in commands(page, "make")
        for word in command.words[1:]
        if not is_known_to_make(word, known)
    ]


def test_every_target_that_make_help_lists_is_told_to_developers() -> None:
    listed = {name for line in re.findall(r"^## ([\w, -]+):", MAKEFILE, re.M) for name in line.split(", ")}
    told = {word for one in commands(REPOSITORY / "docs/development.md", "make") for word in one.words[1:]}

    assert listed - told == set()


def is_known_to_make(word: str, targets: set[str]) -> bool:
    name, equals, _ = word.partition("=")
    if equals:
        return re.search(rf"\b{name}\b", MAKEFILE) is not None
    return word in targets or word.startswith("-") or is_placeholder(word)


@every_page
def test_every_command_and_option_of_sluice_is_there(page: Path) -> None:
    assert wrong_commands(page) == []


def wrong_commands(page: Path) -> list[str]:
    """Calls of `sluice` on a page that it would refuse; `/sluice` is said in notes, and has a page of its own."""
    typed = (one for one in commands(page, "sluice") if one.words[0] != "/sluice")
    return [f"{one.place}: {fault}" for one in typed if (fault := fault_of(one))]


def fault_of(command: Command) -> str:
    """What `sluice` would say to these words; empty when it would take them."""
    group: Any = get_command(main)
    called, words = "sluice", list(command.words[1:])
    while words and has_commands(group) and not words[0].startswith("-"):
        word = words.pop(0)
        if is_placeholder(word):
            return ""
        found = group.get_command(None, word)
        if found is None:
            sentence = " ".join(command.words)
            return "" if is_written_in(sentence, "bot") else f"{called} has no command {word}."
        group, called = found, f"{called} {word}"
    options = {option for one in group.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
    unknown = [word for word in words if word.startswith("-") and word.split("=")[0] not in options]
    return f"{called} has no option {unknown[0]}." if unknown else ""


def has_commands(command: object) -> bool:
    return isinstance(command, TyperGroup)


@every_page
def test_every_script_can_be_run_and_takes_the_options_that_are_shown(page: Path) -> None:
    assert wrong_scripts(page) == []


def wrong_scripts(page: Path) -> list[str]:
    """Calls of scripts on a page that would be refused."""
    scripts = {file.name: file for file in (REPOSITORY / "scripts").iterdir() if file.is_file()}
    return [
        f"{one.place}: {fault}"
        for one in commands(page, *scripts)
        if "scripts/" in one.words[0] and (fault := script_fault(scripts[Path(one.words[0]).name], one))
    ]


def script_fault(script: Path, command: Command) -> str:
    if not script.stat().st_mode & stat.S_IXUSR:
        return f"{script.name} cannot be executed."
    # A wrapper in shell hands its options to the module beside it.
    module = script.with_name(f"{script.name.replace('-', '_')}.py")
    text = script.read_text() + (module.read_text() if module.is_file() else "")
    options = [word.split("=")[0] for word in command.words[1:] if re.match(r"^--?[A-Za-z]", word)]
    unknown = [option for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)]
    return f"{script.name} has no option {unknown[0]}." if unknown else ""


@every_page
def test_every_python_module_that_is_run_is_there(page: Path) -> None:
    wrong = [
        f"{one.place}: there is no module {name}."
        for one in commands(page, "python", "python3")
        for name in [one.words[2] if one.words[1:2] == ("-m",) else "pytest"]
        if not is_module(name)
    ]

    assert wrong == []


def is_module(name: str) -> bool:
    place = REPOSITORY.joinpath(*name.split("."))
    dependencies = " ".join(PYPROJECT["dependency-groups"]["dev"])
    return place.with_suffix(".py").is_file() or (place / "__main__.py").is_file() or name in dependencies


STALE = """
`bot/nothing_here.py` and `bot/worker.py`

```sh
make everything PYTEST_ARGS=-x
sluice events list --dead
sluice rollback demo-service production --reason "x" --deny
scripts/build-and-tag.sh -v 1.0.0 -x
```
"""


def test_what_is_not_there_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(STALE)

    assert [line.split(" ")[1] for line in missing_paths(page)] == ["bot/nothing_here.py"]
    assert [line.partition(". ")[0] for line in unknown_targets(page)] == ["page.md:5 (+0): make everything"]
    assert wrong_commands(page) == ["page.md:5 (+1): sluice events list has no option --dead."]
    assert wrong_scripts(page) == ["page.md:5 (+3): build-and-tag.sh has no option -x."]
