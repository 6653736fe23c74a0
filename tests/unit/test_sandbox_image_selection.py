"""Flux's image policies select what the real ones select."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.cluster.images.selection import Filter, InvalidPolicy, NothingSelected, Policy, select
from bot.sandbox.cluster.images.semver import BadRange, Range, parse
from bot.sandbox.cluster.images.setters import Selected, updated

# Made with the Go library github.com/Masterminds/semver/v3 v3.4.0; null: the range was refused.
TABLE = json.loads(Path(__file__).with_name("semver_ranges.json").read_text())
numbers = st.integers(0, 30)
versions = st.builds(lambda a, b, c: f"{a}.{b}.{c}", numbers, numbers, numbers)


@pytest.mark.parametrize("text", TABLE["ranges"], ids=repr)
def test_a_range_holds_what_the_go_library_says(text: str) -> None:
    expected = TABLE["ranges"][text]

    if expected is None:
        with pytest.raises(BadRange):
            Range(text)
        return
    wanted = Range(text)
    found = [one for one in TABLE["versions"] if (version := parse(one)) is not None and wanted.holds(version)]
    assert found == expected


@pytest.mark.parametrize(
    ("tags", "policy", "expected"),
    [
        (["1.0.0", "1.2.0", "1.10.0"], Policy(kind="semver", range=">=1.0.0"), "1.10.0"),
        (["1.0.0", "1.1.0-rc.1"], Policy(kind="semver", range=">=1.0.0"), "1.0.0"),
        (["1.0.0", "1.1.0-rc.1"], Policy(kind="semver", range=">=1.0.0-0"), "1.1.0-rc.1"),
        (["1.0", "latest", "1.0.0", "01.2.3"], Policy(kind="semver", range="*"), "1.0.0"),
        (["v1.0.0", "1.0.0"], Policy(kind="semver", range="1.x"), "v1.0.0"),
        (["9", "10", "1e1"], Policy(kind="numerical"), "1e1"),
        (["9", "10"], Policy(kind="numerical", order="desc"), "9"),
        (["9", "10"], Policy(kind="alphabetical"), "9"),
        (["b", "a", "c"], Policy(kind="alphabetical", order="desc"), "a"),
        (
            ["main-abc-100", "main-def-99", "dev-aaa-500"],
            Policy(kind="numerical", filter=Filter(pattern=r"^main-[a-f0-9]+-(?P<ts>[0-9]+)$", extract="$ts")),
            "main-abc-100",
        ),
        (
            ["1.0.0-staging", "1.2.0-staging", "9.0.0"],
            Policy(kind="semver", range="*", filter=Filter(pattern=r"^(?P<v>.*)-staging$", extract="${v}")),
            "1.2.0-staging",
        ),
        (["x-1", "x-2"], Policy(kind="alphabetical", filter=Filter(pattern="x-")), "x-2"),
    ],
)
def test_the_latest_tag_is_selected(tags: list[str], policy: Policy, expected: str) -> None:
    assert select(tags, policy) == expected


@pytest.mark.parametrize(
    ("tags", "policy", "error"),
    [
        (["latest"], Policy(kind="semver", range="*"), NothingSelected),
        ([], Policy(kind="alphabetical"), NothingSelected),
        (["1", "x"], Policy(kind="numerical"), NothingSelected),
        (["1.0.0"], Policy(kind="semver", range="nonsense"), InvalidPolicy),
        (["1.0.0"], Policy(kind="semver", filter=Filter(pattern="(")), InvalidPolicy),
    ],
)
def test_a_policy_that_cannot_select_says_which_way(tags: list[str], policy: Policy, error: type[Exception]) -> None:
    with pytest.raises(error):
        select(tags, policy)


@given(st.lists(versions, min_size=1, max_size=20))
def test_the_selected_version_is_in_range_and_none_in_range_is_newer(tags: list[str]) -> None:
    wanted = Range(">=1.0.0 <20.0.0")
    parsed = {tag: version for tag in tags if (version := parse(tag)) is not None}
    fitting = {tag: version for tag, version in parsed.items() if wanted.holds(version)}

    if not fitting:
        with pytest.raises(NothingSelected):
            select(tags, Policy(kind="semver", range=">=1.0.0 <20.0.0"))
        return
    chosen = select(tags, Policy(kind="semver", range=">=1.0.0 <20.0.0"))
    assert all(version <= fitting[chosen] for version in fitting.values())


@given(st.lists(versions, min_size=1, max_size=20, unique=True), st.randoms())
def test_the_order_of_tags_does_not_matter(tags: list[str], chance: "st.randoms") -> None:  # type: ignore[valid-type]
    shuffled = sorted(tags, key=lambda _: chance.random())  # type: ignore[attr-defined]

    assert select(shuffled, Policy(kind="semver", range="*")) == select(tags, Policy(kind="semver", range="*"))


SETTERS = Selected(name="r:5000/demo", tag="1.2.0", digest="sha256:a").parts("flux-system:demo")


def marked(value: str, setter: str) -> str:
    return f'{value} # {{"$imagepolicy": "{setter}"}}'


@pytest.mark.parametrize(
    ("before", "setter", "after"),
    [
        ("newTag: 1.0.0", "flux-system:demo:tag", "newTag: 1.2.0"),
        ('  newTag: "1.0.0"', "flux-system:demo:tag", '  newTag: "1.2.0"'),
        ("image: a:1", "flux-system:demo", "image: r:5000/demo:1.2.0@sha256:a"),
        ("- a", "flux-system:demo:name", "- r:5000/demo"),
        ("- newTag: 1.0.0", "flux-system:demo:tag", "- newTag: 1.2.0"),
        ("digest: ''", "flux-system:demo:digest", "digest: 'sha256:a'"),
        ("newTag: 1.0.0", "other:demo:tag", "newTag: 1.0.0"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_only_the_value_at_a_known_marker_changes(before: str, setter: str, after: str, end: str) -> None:
    text = f"a: b{end or chr(10)}{marked(before, setter)}{end}"

    assert updated(text, SETTERS) == f"a: b{end or chr(10)}{marked(after, setter)}{end}"


def test_a_tag_that_looks_like_a_number_is_quoted() -> None:
    line = 'newTag: old # {"$imagepolicy": "ns:p:tag"}'

    written = updated(line, Selected(name="x", tag="20261123").parts("ns:p"))

    assert written.startswith('newTag: "20261123" #')


@given(st.text())
def test_text_without_markers_is_never_touched(text: str) -> None:
    assert updated(text, SETTERS) == text


def test_a_broken_range_is_told_though_there_is_no_tag() -> None:
    with pytest.raises(InvalidPolicy, match="invalid policy"):
        select([], Policy(kind="semver", range=">=1.x.y.z"))
