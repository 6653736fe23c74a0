"""The locks hold what pyproject.toml asks for, by hash, and name no place to fetch it from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
ASKED = {
    "build": PROJECT["build-system"]["requires"],
    "run": PROJECT["project"]["dependencies"],
    "dev": PROJECT["dependency-groups"]["dev"],
    "tracing": PROJECT["dependency-groups"]["tracing"],
}
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)


@pytest.mark.parametrize("lock", ASKED)
def test_lock_pins_each_asked_dependency_within_its_bounds(lock: str) -> None:
    pinned = {canonicalize_name(name): version for name, version in PINNED.findall(_lock_text(lock))}

    wanted = [Requirement(line) for line in ASKED[lock]]

    unmet = [str(asked) for asked in wanted if not _is_met(asked, pinned.get(canonicalize_name(asked.name)))]
    assert not unmet, f"requirements/{lock}.txt lacks {unmet}: run make lock"


@pytest.mark.parametrize("lock", ASKED)
def test_lock_names_no_place_to_fetch_from(lock: str) -> None:
    text = _lock_text(lock)

    assert not re.search(r"://|^-|index-url|find-links|trusted-host", text, re.MULTILINE)


@pytest.mark.parametrize("lock", ASKED)
def test_lock_gives_a_hash_for_each_pin(lock: str) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", _lock_text(lock), flags=re.MULTILINE)[1:]

    unhashed = [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry]

    assert entries
    assert not unhashed


def test_locks_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in ASKED:
        for name, version in PINNED.findall(_lock_text(lock)):
            versions.setdefault(name, set()).add(version)

    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def _is_met(asked: Requirement, version: str | None) -> bool:
    return version is not None and asked.specifier.contains(version)


def _lock_text(lock: str) -> str:
    return (REPOSITORY / "requirements" / f"{lock}.txt").read_text()
