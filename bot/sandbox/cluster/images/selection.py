"""Which tag an ImagePolicy selects: filter, extract, then the latest by semver range, number or alphabet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.sandbox.cluster.images.semver import BadRange, Range, Version, parse

Order = Literal["asc", "desc"]


class InvalidPolicy(Exception):
    """The policy cannot work: Flux stalls it."""


class NothingSelected(Exception):
    """The policy works, but no tag fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """filterTags: tags that match, seen as what is extracted of them."""

    pattern: str
    extract: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One ImagePolicy's choice. Exactly one kind; `range` counts for semver only, `order` for the others."""

    kind: Literal["semver", "numerical", "alphabetical"]
    range: str = "*"
    order: Order = "asc"
    filter: Filter | None = None


def select(tags: Sequence[str], policy: Policy) -> str:
    """The selected tag. Raises InvalidPolicy or NothingSelected.

    Source: image-reflector-controller 1.0, internal/policy.
    """
    candidates = {tag: tag for tag in tags} if policy.filter is None else _filtered(tags, policy.filter)
    if policy.kind == "semver":
        _range(policy.range)  # Flux makes the policy before it looks at tags, so a broken one is told without any
    if not candidates:
        raise NothingSelected("version list argument cannot be empty")
    return candidates[_latest(list(candidates), policy)]


def _filtered(tags: Sequence[str], wanted: Filter) -> dict[str, str]:
    """Extracted text to tag; of two tags with equal extracts the later one in the list stays, as in Flux."""
    try:
        pattern = re.compile(_python_names(wanted.pattern))
    except re.error as error:
        raise InvalidPolicy(
            f"failed to filter tags: invalid regular expression pattern '{wanted.pattern}': {error}"
        ) from error
    matches = ((tag, pattern.search(tag)) for tag in tags)
    return {_expanded(found, wanted.extract) if wanted.extract else tag: tag for tag, found in matches if found}


def _python_names(pattern: str) -> str:
    """Go writes named groups `(?P<name>…)` or, newer, `(?<name>…)`."""
    return re.sub(r"\(\?<(?![=!])", "(?P<", pattern)


def _expanded(found: "re.Match[str]", template: str) -> str:
    """Go's Regexp.Expand: `$name` takes the longest word, `${name}` is exact, unknown names are empty, `$$` is `$`."""

    def value(reference: "re.Match[str]") -> str:
        if reference[0] == "$$":
            return "$"
        name = reference[1] or reference[2]
        known = int(name) <= (found.re.groups) if name.isdecimal() else name in found.re.groupindex
        return (found[int(name) if name.isdecimal() else name] or "") if known else ""

    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", value, template)


def _latest(versions: list[str], policy: Policy) -> str:
    match policy.kind:
        case "semver":
            return _by_semver(versions, policy.range)
        case "numerical":
            return _by_number(versions, policy.order)
        case "alphabetical":
            return max(versions) if policy.order == "asc" else min(versions)


def _by_semver(versions: list[str], text: str) -> str:
    wanted = _range(text)
    fitting: list[Version] = [one for one in map(parse, versions) if one is not None and wanted.holds(one)]
    if not fitting:
        raise NothingSelected("unable to determine latest version from provided list")
    # max keeps the first of equals, as Flux does.
    return max(fitting).original


def _range(text: str) -> Range:
    try:
        return Range(text)
    except BadRange as error:
        raise InvalidPolicy(f"invalid policy: {error}") from error


def _by_number(versions: list[str], order: Order) -> str:
    numbers: list[tuple[float, str]] = []
    for version in versions:
        try:
            numbers.append((float(version), version))
        except ValueError as error:
            raise NothingSelected(f"failed to parse invalid numeric value '{version}'") from error
    latest, best = numbers[0][1], numbers[0][0]
    for number, version in numbers[1:]:
        if (number < best) if order == "asc" else (number > best):
            continue
        latest, best = version, number
    return latest
