"""Twelve things that the seed's files get wrong are right in this repository, and each mistake, put in, is named.

The numbers are those of the list of seed defects. What names them is `config/lints`, as `sluice check-config` does it
for users; what no lint can know is asserted of the tree itself.
"""

import re
from pathlib import Path

import pytest
from flux_breaking import Change, broken
from flux_selection import Case, selected
from flux_tree import CLUSTERS, FLUX, REPOSITORY, objects_of, yaml_files

from bot.sandbox.cluster.durations import seconds_of
from config.lints import CODES, lint

AUTOMATION = "flux/image-automation"
NOTIFICATIONS = "flux/notifications"
POLICY = f"{AUTOMATION}/single-registry/production/policy.yaml"
RECEIVER = f"{NOTIFICATIONS}/receiver.yaml"
PROVIDER = f"{NOTIFICATIONS}/provider.yaml"
PIPELINE = ".gitlab-ci.yml"
SUFFIXED = ("1.9.0-prod", "1.10.0-prod")
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)

MISTAKES = {
    1: ("image-policy-never-selects", [Change(POLICY, "    extract: $version\n", "")]),
    2: (
        "alphabetical-versions",
        [
            Change(POLICY, '    semver:\n      range: ">=1.0.0"', "    alphabetical:\n      order: asc"),
            Change(POLICY, "extract: $version", "extract: $0"),
        ],
    ),
    3: ("image-api-removed", [Change(f"{AUTOMATION}/shared/repository.yaml", "fluxcd.io/v1\n", "fluxcd.io/v1beta2\n")]),
    4: ("updated-template", [Change(f"{AUTOMATION}/shared/automation.yaml", ".Changed.Changes", ".Updated.Images")]),
    5: ("notification-api", [Change(RECEIVER, "fluxcd.io/v1\n", "fluxcd.io/v1beta3\n")]),
    6: (
        "image-repository-provider",
        [Change(f"{AUTOMATION}/shared/repository.yaml", "  interval: 1m", "  interval: 1m\n  provider: gitlab")],
    ),
    7: ("receiver-events", [Change(RECEIVER, "Tag Push Hook", "tag_push")]),
    8: ("rollback-by-revert", [Change(PIPELINE, "", "\nrollback:\n  script: [git revert --no-edit HEAD]\n")]),
    9: (
        "copied-by-name",
        [Change(PIPELINE, "", "\npromote:\n  script:\n    - docker pull $FROM:1.2.3\n    - docker push $TO:1.2.3\n")],
    ),
    10: ("signed-by-tag", [Change(PIPELINE, "", "\nsign:\n  script: [cosign sign --key $KEY $IMAGE:1.2.3]\n")]),
    11: (
        "agent-config-obsolete",
        [
            Change(
                ".gitlab/agents/production/config.yaml",
                "",
                "\ngitops:\n  manifest_projects:\n    - id: path/to/flux-config\n",
            )
        ],
    ),
    12: (
        "status-provider-address",
        [
            Change(PROVIDER, "type: generic-hmac", "type: gitlab"),
            Change(PROVIDER, "${sluice_url}/hooks/flux/${cluster}", "https://gitlab.example.com"),
        ],
    ),
}
"""Number of the defect: the code that names it, and what the seed writes instead of ours."""


def found_in(root: Path) -> dict[str, list[str]]:
    """Code -> what check-config says, of the tree, of pipelines and of the agents' configuration."""
    files = [*(root / "flux").rglob("*.yaml"), root / PIPELINE, *(root / ".gitlab").rglob("*.y*ml")]
    found: dict[str, list[str]] = {}
    for file in files:
        for one in lint(file.relative_to(root).as_posix(), file.read_text("utf-8")):
            found.setdefault(one.code, []).append(str(one))
    return found


def test_this_repository_makes_none_of_the_mistakes() -> None:
    assert found_in(REPOSITORY) == {}


def test_there_is_a_mistake_for_each_of_the_twelve() -> None:
    assert list(MISTAKES) == list(range(1, 13))
    assert {code for code, _ in MISTAKES.values()} == set(CODES)


@pytest.mark.parametrize("number", MISTAKES)
def test_the_seeds_mistake_put_into_this_repository_is_named_with_file_and_mend(number: int, tmp_path: Path) -> None:
    code, changes = MISTAKES[number]

    found = found_in(broken(tmp_path, *changes).root)

    assert set(found) == {code}
    (said,) = found[code]
    assert said.startswith(f"{changes[0].file}:")
    # what: why. What to do [code]
    assert re.fullmatch(r"\S+:\d+:\d+: .+: .+\. [A-Z].+ \[[a-z-]+\]", said)


@every_cluster
def test_1_suffixed_tags_are_ordered_by_what_is_extracted_of_them(cluster: str) -> None:
    for one in objects_of(cluster, "ImagePolicy"):
        found = one["spec"].get("filterTags")
        assert found is None or found["extract"] == "$version"


def test_1_and_2_flux_selects_nothing_or_the_older_one_the_seeds_way() -> None:
    seed = {"pattern": r"^[0-9]+\.[0-9]+\.[0-9]+-prod$", "extract": "$0"}

    ranged, alphabetical = selected(
        [
            Case(policy={"semver": {"range": ">=1.0.0"}}, filter=seed, tags=SUFFIXED),
            Case(policy={"alphabetical": {"order": "asc"}}, filter=seed, tags=SUFFIXED),
        ]
    )

    assert ranged.tag is None
    assert alphabetical.tag == "1.9.0-prod"


@every_cluster
def test_2_no_policy_orders_versions_as_text(cluster: str) -> None:
    assert {kind for one in objects_of(cluster, "ImagePolicy") for kind in one["spec"]["policy"]} == {"semver"}


@every_cluster
def test_4_commit_messages_are_made_of_what_changed(cluster: str) -> None:
    templates = [
        one["spec"]["git"]["commit"]["messageTemplate"] for one in objects_of(cluster, "ImageUpdateAutomation")
    ]

    assert templates
    assert all(".Changed.Changes" in template for template in templates)


@every_cluster
def test_7_receivers_wait_for_the_names_that_gitlab_sends(cluster: str) -> None:
    (receiver,) = objects_of(cluster, "Receiver")

    assert receiver["spec"]["events"] == ["Push Hook", "Tag Push Hook"]
    assert seconds_of(receiver["spec"]["interval"]) > 0


def test_8_what_automation_writes_stands_where_sluice_can_take_the_marker_away() -> None:
    marked = {file for file in yaml_files() if "$imagepolicy" in file.read_text("utf-8")}

    assert marked
    assert {file.parent.name for file in marked} == {"image"}
    assert "`git revert` alone does not hold" in (FLUX / "README.md").read_text("utf-8")


def test_8_to_10_no_script_or_page_tells_a_person_to_do_it_the_seeds_way() -> None:
    assert [f"{file}: {line}" for file, line in commands() if SEEDS_WAY.search(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "git revert HEAD  # Revert last commit",
        "docker tag a:1 b:1",
        "cosign sign --key cosign.key example.com/app:1.2.3",
    ],
)
def test_8_to_10_the_seeds_commands_are_seen(line: str) -> None:
    assert SEEDS_WAY.search(line)


SEEDS_WAY = re.compile(r"^\s*(\$ )?(git revert\b|docker (pull|tag)\b|cosign (sign|attest) [^@]*\w:[\w.$-]+\s*$)")


def commands() -> list[tuple[str, str]]:
    """Lines of scripts, and of the fenced parts of pages."""
    found = [(file, line) for file in (REPOSITORY / "scripts").iterdir() if file.is_file()
             for line in file.read_text("utf-8").splitlines()]  # fmt: skip
    for page in [REPOSITORY / "README.md", FLUX / "README.md", *(REPOSITORY / "docs").rglob("*.md")]:
        found += [(page, line) for part in page.read_text("utf-8").split("```")[1::2] for line in part.splitlines()]
    return [(file.relative_to(REPOSITORY).as_posix(), line) for file, line in found]


@every_cluster
def test_12_commit_statuses_are_left_to_sluice_or_name_their_project(cluster: str) -> None:
    providers = [one for one in objects_of(cluster, "Provider") if one["spec"]["type"].startswith("gitlab")]

    assert all(re.search(r"/(\d+|[^/]+/[^/]+)$", one["spec"]["address"]) for one in providers)
