"""Image policies that never select, or select the wrong version for ever."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from config.diagnostics import Diagnostic
from config.lints.manifest import Manifest

SUFFIX = re.compile(r"(-[A-Za-z][A-Za-z0-9.-]{0,31})\)?\$?$")
"""A literal suffix at the end of a filter pattern: `-staging$`."""

DOTTED = re.compile(r"v?\d+(\.\d+)+(-[0-9A-Za-z.-]+)?")
SAMPLES = ("1.9.0", "1.10.0")
EXTRACT = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A sample tag that the filter lets through, and what the policy would order it by."""

    tag: str
    value: str


def never_selects(manifest: Manifest) -> Iterator[Diagnostic]:
    """A suffix makes a tag a pre-release, which a range without one leaves out (flux2 #1298, #4599, #5684)."""
    wanted = manifest.scalar("spec", "policy", "semver", "range")
    if manifest.kind != "ImagePolicy" or wanted is None or _admits_prereleases(wanted.text):
        return
    selected = _selected(manifest)
    if selected and all("-" in sample.value for sample in selected):
        sample = selected[0]
        yield manifest.finding(
            wanted,
            "image-policy-never-selects",
            what=f"{manifest} never selects anything",
            why=f"the filter lets through tags like {sample.tag}, which are pre-releases, and {wanted.text} has none",
            do="Write filterTags.extract with a group around the version, or a range that admits pre-releases "
            "such as >=1.0.0-0.",
        )


def alphabetical_versions(manifest: Manifest) -> Iterator[Diagnostic]:
    """As text 1.10.0 comes before 1.9.0, so the environment would stay at 1.9.x for ever."""
    policy = manifest.scalar("spec", "policy", "alphabetical", "order")
    if manifest.kind != "ImagePolicy" or policy is None or manifest.scalar("spec", "filterTags", "pattern") is None:
        return
    selected = _selected(manifest)
    if len(selected) > 1 and all(DOTTED.fullmatch(sample.value) for sample in selected):
        yield manifest.finding(
            policy,
            "alphabetical-versions",
            what=f"{manifest} orders versions as text",
            why=f"{selected[1].value} comes before {selected[0].value} then, and is never selected",
            do="Use policy.semver, with filterTags.extract for suffixed tags.",
        )


def _selected(manifest: Manifest) -> list[Selected]:
    pattern = manifest.text("spec", "filterTags", "pattern") or ""
    extract = manifest.text("spec", "filterTags", "extract") or ""
    try:
        expression = re.compile(pattern[:500])
    except re.error:
        return []
    suffix = SUFFIX.search(pattern)
    for before in ("", "v"):
        for after in ("", suffix[1].replace("\\", "") if suffix else ""):
            tags = [f"{before}{sample}{after}" for sample in SAMPLES]
            found = [(tag, expression.search(tag)) for tag in tags]
            if pattern and all(match for _, match in found):
                return [Selected(tag=tag, value=_expand(extract, match, tag)) for tag, match in found if match]
    return []


def _expand(extract: str, match: re.Match[str], tag: str) -> str:
    # Go's regexp.Expand: $name, ${name} and $1; unknown names become nothing.
    if not extract:
        return tag
    groups = {"0": match[0], **{str(i): text or "" for i, text in enumerate(match.groups(), 1)}, **match.groupdict("")}
    return EXTRACT.sub(lambda found: groups.get(found[1] or found[2], ""), extract)


def _admits_prereleases(wanted: str) -> bool:
    """Whether one alternative names a pre-release in every comparison (Masterminds/semver 3, pre-release rule)."""
    alternatives = (part.replace(" - ", " ") for part in wanted.split("||"))
    return any(
        all("-" in comparison for comparison in comparisons)
        for comparisons in (re.findall(r"[^\s,<>=!~^]+", part) for part in alternatives)
        if comparisons
    )
