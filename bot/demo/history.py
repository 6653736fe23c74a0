"""What Git's history says of releases and denials: which environments went back, and what came again though denied.

Each commit of the default branch is read as a person would read it: the digests and versions in the files under
`.sluice/releases` and `.sluice/denials`. Nothing is taken from the bot.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Place = tuple[str, str]
"""Environment and application."""

WORTH = r"sha256:[0-9a-f]{64}|^version: .*"
"""What `git grep -o -E` looks for in these files."""
LINE = re.compile(r"[^:]+:\.sluice/(?P<kind>releases|denials)/(?P<place>[^/]+/[^/:]+)\.yaml:(?P<found>.+)")
"""What it answers: revision, path, and what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One commit: the digests released and denied in each place, and the versions released."""

    revision: str
    released: dict[Place, frozenset[str]] = field(default_factory=dict)
    denied: dict[Place, frozenset[str]] = field(default_factory=dict)
    versions: dict[Place, str] = field(default_factory=dict)


def snapshot(revision: str, lines: Iterable[str]) -> Snapshot:
    """A commit from what `git grep` answered for it."""
    found: dict[str, dict[Place, set[str]]] = {"releases": {}, "denials": {}}
    versions: dict[Place, str] = {}
    for matched in filter(None, map(LINE.fullmatch, lines)):
        environment, _, application = matched["place"].partition("/")
        place = (environment, application)
        if matched["found"].startswith("version: "):
            versions[place] = matched["found"].removeprefix("version: ").strip().strip("\"'")
        else:
            found[matched["kind"]].setdefault(place, set()).add(matched["found"])
    return Snapshot(
        revision=revision,
        released={place: frozenset(digests) for place, digests in found["releases"].items()},
        denied={place: frozenset(digests) for place, digests in found["denials"].items()},
        versions=versions,
    )


def rollbacks(history: Sequence[Snapshot]) -> list[dict[str, str]]:
    """Every time the file of an environment returned to digests it had before; oldest commit first in `history`."""
    had: dict[Place, list[frozenset[str]]] = {}
    found = []
    for now in history:
        for place, digests in now.released.items():
            before = had.setdefault(place, [])
            if before and digests != before[-1] and digests in before:
                version = now.versions.get(place, "")
                found.append({"environment": place[0], "version": version, "revision": now.revision})
            before.append(digests)
    return found


def repromotions_of_denied(history: Sequence[Snapshot]) -> int:
    """How often a digest came into an environment whose denials already named it."""
    return sum(
        not denied.isdisjoint(now.released.get(place, frozenset()) - before.released.get(place, frozenset()))
        for before, now in pairwise(history)
        for place, denied in before.denied.items()
    )
