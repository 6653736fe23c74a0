"""Rollbacks and re-promotions of denied releases are counted from Git's history, not from anybody's word."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bot.demo.history import WHERE, WORTH, Snapshot, repromotions_of_denied, rollbacks, snapshot

PLACE = ("production", "shop")
GOOD, BAD, NEXT = ("sha256:" + digit * 64 for digit in "123")


def commits(*steps: tuple[str, str]) -> list[Snapshot]:
    """One commit each: the digest released in production, and the one denied there."""
    return [
        Snapshot(
            revision=str(number),
            released={PLACE: frozenset({released})},
            denied={PLACE: frozenset({denied})} if denied else {},
            versions={PLACE: released[7:10]},
        )
        for number, (released, denied) in enumerate(steps)
    ]


def test_going_forward_is_no_rollback() -> None:
    history = commits((GOOD, ""), (BAD, ""), (BAD, ""), (NEXT, ""))

    assert rollbacks(history) == []
    assert repromotions_of_denied(history) == 0


def test_returning_to_what_ran_before_is_a_rollback() -> None:
    history = commits((GOOD, ""), (BAD, ""), (GOOD, BAD), (GOOD, BAD))

    assert rollbacks(history) == [{"environment": "production", "version": "111", "revision": "2"}]
    assert repromotions_of_denied(history) == 0


def test_denied_release_that_comes_again_is_counted_once_per_time() -> None:
    history = commits((BAD, ""), (GOOD, BAD), (BAD, BAD), (BAD, BAD), (GOOD, BAD), (BAD, BAD))

    assert repromotions_of_denied(history) == 2


def test_denial_of_one_environment_does_not_bind_another() -> None:
    elsewhere = {("staging", "shop"): frozenset({BAD})}
    history = [
        Snapshot(revision="0", released={PLACE: frozenset({GOOD})}, denied=elsewhere),
        Snapshot(revision="1", released={PLACE: frozenset({BAD})}, denied=elsewhere),
    ]

    assert repromotions_of_denied(history) == 0


def test_denied_tag_that_stands_in_git_again_is_counted_too() -> None:
    tags = ("1.0.0-prod", "1.1.0-prod", "1.0.0-prod", "1.1.0-prod", "1.1.1-prod")
    history = [
        Snapshot(
            revision=str(number),
            standing={PLACE: frozenset({tag})},
            denied_tags={PLACE: frozenset({"1.1.0-prod"})} if number >= 2 else {},
        )
        for number, tag in enumerate(tags)
    ]

    assert repromotions_of_denied(history) == 1


def test_snapshot_is_read_from_a_real_repository(tmp_path: Path) -> None:
    write(tmp_path, ".sluice/releases/production/shop.yaml", f'version: "1.0.0"\nimages:\n  - digest: "{GOOD}"\n')
    write(tmp_path, ".sluice/denials/production/shop.yaml", f"- digest: {BAD}\n  tag: 1.1.0-prod\n")
    position = f'images:\n  - newTag: "1.0.0-prod" # {{"$sluice-pinned": "apps:shop:tag"}}\n    digest: {NEXT}\n'
    write(tmp_path, "apps/shop/production/kustomization.yaml", position)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "Begin")

    lines = git(tmp_path, "grep", "-o", "-E", WORTH, "HEAD", "--", *WHERE)
    found = snapshot("HEAD", lines)

    assert found.released == {PLACE: frozenset({GOOD})}
    assert found.denied == {PLACE: frozenset({BAD})}
    assert found.versions == {PLACE: "1.0.0"}
    assert found.denied_tags == {PLACE: frozenset({"1.1.0-prod"})}
    assert found.standing == {PLACE: frozenset({"1.0.0-prod"})}


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def git(folder: Path, *arguments: str) -> Sequence[str]:
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()
