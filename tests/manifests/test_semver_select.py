"""What `semver-select` chooses with Flux's own library, and that the sandbox's image policies choose the same."""

import json
import subprocess
from pathlib import Path
from typing import TypedDict

import pytest
from tools_at_hand import binary

from bot.sandbox.cluster.images.selection import Filter, InvalidPolicy, NothingSelected, Policy, select

TABLE = json.loads((Path(__file__).parents[1] / "unit" / "semver_ranges.json").read_text())
RELEASES = ["1.0.0", "1.1.0-rc.1", "v1.0.1", "1.10.0", "1.9.0", "2.0.0-0", "latest", "1.2", "sha256-0f.sig"]
BUILDS = ["main-0f3a-100", "main-9e2b-99", "dev-77aa-500", "main-1c1c-1e2"]
STAMP = Filter(pattern=r"^main-[a-f0-9]+-(?P<ts>[0-9e]+)$", extract="$ts")
POLICIES = [
    Policy(kind="semver", range=">=1.0.0"),
    Policy(kind="semver", range=">=1.0.0-0"),
    Policy(kind="semver", range="~1.0"),
    Policy(kind="semver", range=">=3"),
    Policy(kind="semver", range="one"),
    Policy(kind="semver", filter=Filter(pattern=r"^(?P<v>\d+\.\d+\.\d+)-rc\.\d+$", extract="${v}")),
    Policy(kind="semver", filter=Filter(pattern="[")),
    Policy(kind="numerical"),
    Policy(kind="numerical", filter=STAMP),
    Policy(kind="numerical", order="desc", filter=STAMP),
    Policy(kind="alphabetical", filter=Filter(pattern="^main-")),
    Policy(kind="alphabetical", order="desc"),
    Policy(kind="alphabetical", filter=Filter(pattern="^never-")),
]


class Case(TypedDict):
    """What `semver-select` is asked: spec.policy, spec.filterTags and the tags of the image."""

    policy: dict[str, dict[str, str]]
    filter: dict[str, str] | None
    tags: list[str]


def asked(cases: list[Case]) -> list[dict[str, str | bool]]:
    """The answers in the order of the cases."""
    done = subprocess.run(
        [binary("semver-select")], input=json.dumps(cases), capture_output=True, text=True, timeout=60, check=True
    )
    answers: list[dict[str, str | bool]] = json.loads(done.stdout)
    return answers


def written(policy: Policy, tags: list[str]) -> Case:
    """The policy as it stands in an ImagePolicy."""
    body: dict[str, str] = {"range": policy.range} if policy.kind == "semver" else {"order": policy.order}
    found = policy.filter
    return {
        "policy": {policy.kind: body},
        "filter": {"pattern": found.pattern, "extract": found.extract} if found else None,
        "tags": tags,
    }


def selected(policy: Policy, tags: list[str]) -> tuple[str | None, bool]:
    """The sandbox's choice, and whether it holds the policy itself for broken."""
    try:
        return select(tags, policy), False
    except InvalidPolicy:
        return None, True
    except NothingSelected:
        return None, False


@pytest.mark.parametrize("tags", [RELEASES, BUILDS, RELEASES[::-1], BUILDS[::-1]], ids=str)
def test_the_sandbox_selects_what_flux_selects(tags: list[str]) -> None:
    answers = asked([written(policy, tags) for policy in POLICIES])

    real = [(answer.get("tag"), answer.get("invalid", False)) for answer in answers]
    assert real == [selected(policy, tags) for policy in POLICIES]


def test_the_table_of_ranges_is_what_the_library_says() -> None:
    ranges, versions = TABLE["ranges"], TABLE["versions"]
    cases = [written(Policy(kind="semver", range=one), [version]) for one in ranges for version in versions]

    answers = iter(asked(cases))

    for text, expected in ranges.items():
        of_range = [next(answers) for _ in versions]
        refused = any(answer.get("invalid") for answer in of_range)
        held = [version for version, answer in zip(versions, of_range, strict=True) if "tag" in answer]
        assert (None if refused else held) == expected, text


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"semver": {"range": "one"}}, "invalid policy: improper constraint: one"),
        ({"numerical": {"order": "up"}}, "invalid policy: invalid order argument provided: 'UP'"),
        ({}, "invalid policy: given ImagePolicyChoice object is invalid"),
    ],
    ids=str,
)
def test_a_broken_policy_is_told_from_one_that_waits(policy: dict[str, dict[str, str]], reason: str) -> None:
    broken, waiting = asked(
        [
            {"policy": policy, "filter": None, "tags": []},
            {"policy": {"semver": {"range": "2.x"}}, "filter": None, "tags": ["1.0.0"]},
        ]
    )

    assert broken["invalid"] is True
    assert str(broken["error"]).startswith(reason)
    assert waiting == {"error": "unable to determine latest version from provided list", "invalid": False}


def test_a_case_with_an_unknown_field_is_refused() -> None:
    done = subprocess.run(
        [binary("semver-select")], input='[{"filters": {}}]', capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert 'unknown field "filters"' in done.stderr
