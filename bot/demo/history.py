"""What Git's history says of releases and denials: which environments went back, and what came again though denied.

Each commit of the default branch is read as a person would read it: the digests and versions in the files under
`.sluice/releases` and `.sluice/denials`, and the tag at the image position, which image automation writes too.
Nothing is taken from the bot.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Place = tuple[str, str]
"""Environment and application."""
Found = dict[Place, frozenset[str]]

WORTH = r"sha256:[0-9a-f]{64}|^version: .*|\b(newTag|tag): *[^ #]+"
"""What `git grep -o -E` looks for in these files."""
WHERE = (".sluice/releases", ".sluice/denials", "apps")
"""The folders it looks in."""
LINE = re.compile(
    r"[^:]+:(?:\.sluice/(?P<kind>releases|denials)/(?P<place>[^/]+/[^/:]+)\.yaml"
    r"|apps/(?P<application>[^/:]+)/(?P<environment>[^/:]+)/kustomization\.yaml):(?P<found>.+)"
)
"""What it answers: revision, path, and what it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One commit: in each place the digests released and denied, the tags denied and standing, the version released."""

    revision: str
    released: Found = field(default_factory=dict)
    denied: Found = field(default_factory=dict)
    denied_tags: Found = field(default_factory=dict)
    standing: Found = field(default_factory=dict)
    versions: dict[Place, str] = field(default_factory=dict)


def snapshot(revision: str, lines: Iterable[str]) -> Snapshot:
    """A commit from what `git grep` answered for it."""
    found: dict[tuple[str, str], dict[Place, set[str]]] = {}
    for matched in filter(None, map(LINE.fullmatch, lines)):
        place, what = _place(matched), matched["found"]
        key, _, value = ("digest", "", what) if what.startswith("sha256:") else what.partition(":")
        found.setdefault((matched["kind"] or "position", key), {}).setdefault(place, set()).add(value.strip(" \"'"))

    def of(kind: str, key: str) -> Found:
        return {place: frozenset(values) for place, values in found.get((kind, key), {}).items()}

    return Snapshot(
        revision=revision,
        released=of("releases", "digest"),
        denied=of("denials", "digest"),
        denied_tags=of("denials", "tag"),
        standing=of("position", "newTag"),
        versions={place: "".join(values) for place, values in of("releases", "version").items()},
    )


def _place(matched: "re.Match[str]") -> Place:
    if matched["place"] is None:
        return matched["environment"], matched["application"]
    environment, _, application = matched["place"].partition("/")
    return environment, application


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
    """How often something came into an environment whose denials already named it: a digest into its release file, or
    a tag to its image position."""
    return sum(
        _came_again(before.denied, before.released, now.released)
        + _came_again(before.denied_tags, before.standing, now.standing)
        for before, now in pairwise(history)
    )


def _came_again(denied: Found, before: Found, now: Found) -> int:
    nothing = frozenset[str]()
    return sum(
        not names.isdisjoint(now.get(place, nothing) - before.get(place, nothing)) for place, names in denied.items()
    )
