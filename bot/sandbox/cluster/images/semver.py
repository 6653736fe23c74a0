"""Semantic versions and ranges as Masterminds/semver v3 decides them, which is what Flux's semver policies use."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import total_ordering

NUMBER = r"(?:0|[1-9]\d*)"
IDENTIFIER = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
STRICT = re.compile(
    rf"v?({NUMBER})\.({NUMBER})\.({NUMBER})(?:-({IDENTIFIER}(?:\.{IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
# Masterminds v3.4.0, constraints.go: what one comparison may look like.
PLACE = r"[0-9|x|X|\*]+"
WORDS = r"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
LOOSE = rf"v?{PLACE}(?:\.{PLACE})?(?:\.{PLACE})?(?:-{WORDS})?(?:\+{WORDS})?"
OPERATOR = r"=|!=|>|<|>=|=>|<=|=<|~|~>|\^|"
COMPARISON = re.compile(rf"\s*({OPERATOR})\s*({LOOSE})\s*")
GROUP = re.compile(rf"\s*(?:{OPERATOR})\s*{LOOSE}\s*(?:(?:\s+|,\s*)(?:{OPERATOR})\s*{LOOSE}\s*)*")
HYPHEN = re.compile(rf"\s*({LOOSE})\s+-\s+({LOOSE})\s*")
WILD = frozenset("xX*")


class BadRange(ValueError):
    """The range cannot be read; Flux stalls the policy."""


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """One version; compared by precedence (semver.org, 11), build metadata ignored."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    original: str = ""

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor, patch."""
        return self.major, self.minor, self.patch

    def _rank(self) -> tuple[tuple[int, int, int], bool, list[tuple[bool, int, str]]]:
        parts = self.pre.split(".") if self.pre else []
        # Numbers rank below words; a version without pre-release ranks above one with.
        return (
            self.core,
            not parts,
            [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts],
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._rank() == other._rank()

    def __lt__(self, other: "Version") -> bool:
        return self._rank() < other._rank()

    def __hash__(self) -> int:
        return hash((self.core, self.pre))


def parse(text: str) -> Version | None:
    """A complete version with or without leading v, or None (fluxcd/pkg/version, ParseVersion)."""
    found = STRICT.fullmatch(text)
    if found is None:
        return None
    return Version(int(found[1]), int(found[2]), int(found[3]), found[4] or "", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One comparison of a range; `given` counts the places that were written as numbers."""

    operator: str
    version: Version
    given: int

    def holds(self, version: Version) -> bool:
        """Whether a version passes, pre-releases apart."""
        return CHECKS[self.operator](self, version)


def _same(comparison: Comparison, version: Version, places: int) -> bool:
    return version.core[:places] == comparison.version.core[:places]


def _tilde(comparison: Comparison, version: Version) -> bool:
    if comparison.given == 0 or (comparison.given == 3 and comparison.version.core == (0, 0, 0)):
        return version >= comparison.version
    return version >= comparison.version and _same(comparison, version, min(comparison.given, 2))


def _caret(comparison: Comparison, version: Version) -> bool:
    wanted = comparison.version
    places = 3
    if wanted.major > 0 or comparison.given == 1:
        places = 1
    elif wanted.minor > 0 or comparison.given == 2:
        places = 2
    return version >= wanted and _same(comparison, version, places)


def _equal(comparison: Comparison, version: Version) -> bool:
    return version == comparison.version if comparison.given == 3 else _tilde(comparison, version)


def _unequal(comparison: Comparison, version: Version) -> bool:
    if comparison.given in (0, 3):
        return version != comparison.version
    if comparison.given == 1 or not _same(comparison, version, 2):
        return not _same(comparison, version, comparison.given)
    return version.pre != comparison.version.pre


def _greater(comparison: Comparison, version: Version) -> bool:
    if comparison.given in (1, 2):
        return version.core[: comparison.given] > comparison.version.core[: comparison.given]
    return version > comparison.version


def _at_most(comparison: Comparison, version: Version) -> bool:
    if comparison.given == 3:
        return version <= comparison.version
    places = 1 if comparison.given == 1 else 2
    return version.core[:places] <= comparison.version.core[:places]


CHECKS: dict[str, Callable[[Comparison, Version], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _unequal,
    ">": _greater,
    ">=": lambda comparison, version: version >= comparison.version,
    "=>": lambda comparison, version: version >= comparison.version,
    "<": lambda comparison, version: version < comparison.version,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


class Range:
    """Alternatives of comparisons. A pre-release passes only an alternative that names a pre-release itself."""

    def __init__(self, text: str) -> None:
        rewritten = HYPHEN.sub(r">= \1, <= \2 ", text)
        self._alternatives = [_alternative(part) for part in rewritten.split("||")]

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range."""
        return any(self._passes(alternative, version) for alternative in self._alternatives)

    def _passes(self, alternative: list[Comparison], version: Version) -> bool:
        if version.pre and not any(one.version.pre for one in alternative):
            return False
        return all(one.holds(version) for one in alternative)


def _alternative(text: str) -> list[Comparison]:
    if not text.strip():
        raise BadRange(f"improper constraint: {text}")
    if not GROUP.fullmatch(text):
        raise BadRange(f"improper constraint: {text}")
    return [_comparison(operator, version) for operator, version in COMPARISON.findall(text)]


def _comparison(operator: str, text: str) -> Comparison:
    core, _, pre = text.partition("+")[0].removeprefix("v").partition("-")
    places = core.split(".")
    given = next((index for index, place in enumerate(places) if place in WILD), len(places))
    try:
        major, minor, patch = [int(place) for place in places[:given]] + [0] * (3 - given)
    except ValueError as error:
        raise BadRange(f"improper constraint: {text}") from error
    return Comparison(operator=operator, version=Version(major, minor, patch, pre), given=given)
