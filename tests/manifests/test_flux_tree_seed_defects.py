"""Twelve things that the seed's manifests get wrong are right in this tree, and each check is shown to see the mistake.

The numbers are those of the list of seed defects; `config/lints` names the mistakes to users, too.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flux_tree import CLUSTERS, FLUX, REPOSITORY, objects_of, yaml_files

from bot.sandbox.cluster.images.selection import Filter, NothingSelected, Policy, select
from config.lints import lint

SUFFIXED = ("1.9.0-prod", "1.10.0-prod")
REVERTS = re.compile(r"\bgit revert\b(?!` alone)")
COPIES = re.compile(r"\b(docker|podman) (pull|tag|push)\b")
SIGNS_BY_TAG = re.compile(r"\bcosign (sign|attest) (?!.*@)")
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
def test_1_suffixed_tags_are_ordered_by_what_is_extracted_of_them(cluster: str) -> None:
    for one in objects_of(cluster, "ImagePolicy"):
        found = one["spec"].get("filterTags")
        assert found is None or found["extract"] == "$version"


def test_1_the_seeds_way_selects_nothing() -> None:
    seed = Filter(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-prod$")

    with pytest.raises(NothingSelected):
        select(SUFFIXED, Policy(kind="semver", range=">=1.0.0", filter=seed))


@every_cluster
def test_2_no_policy_orders_versions_as_text(cluster: str) -> None:
    assert {kind for one in objects_of(cluster, "ImagePolicy") for kind in one["spec"]["policy"]} == {"semver"}


def test_2_the_seeds_way_stays_at_the_older_version() -> None:
    seed = Filter(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+-prod$", extract="$0")

    assert select(SUFFIXED, Policy(kind="alphabetical", filter=seed)) == "1.9.0-prod"


@every_cluster
def test_3_image_objects_are_of_the_one_version_that_is_served(cluster: str) -> None:
    found = objects_of(cluster, "ImageRepository", "ImagePolicy", "ImageUpdateAutomation")

    assert {one["apiVersion"] for one in found} == {"image.toolkit.fluxcd.io/v1"}


@every_cluster
def test_4_commit_messages_are_made_of_what_changed(cluster: str) -> None:
    templates = [
        one["spec"]["git"]["commit"]["messageTemplate"] for one in objects_of(cluster, "ImageUpdateAutomation")
    ]

    assert templates
    assert all(".Changed.Changes" in template and ".Updated" not in template for template in templates)


@every_cluster
def test_5_receivers_alerts_and_providers_are_of_the_versions_that_are_served(cluster: str) -> None:
    found = {(one["kind"], one["apiVersion"]) for one in objects_of(cluster, "Receiver", "Alert", "Provider")}

    assert found == {
        ("Receiver", "notification.toolkit.fluxcd.io/v1"),
        ("Alert", "notification.toolkit.fluxcd.io/v1beta3"),
        ("Provider", "notification.toolkit.fluxcd.io/v1beta3"),
    }


@every_cluster
def test_6_no_image_repository_names_a_provider_that_does_not_exist(cluster: str) -> None:
    found = objects_of(cluster, "ImageRepository")

    assert {one["spec"].get("provider", "generic") for one in found} == {"generic"}


@every_cluster
def test_7_receivers_wait_for_the_names_that_gitlab_sends(cluster: str) -> None:
    (receiver,) = objects_of(cluster, "Receiver")

    assert receiver["spec"]["events"] == ["Push Hook", "Tag Push Hook"]


def test_8_what_automation_writes_stands_where_sluice_can_take_the_marker_away() -> None:
    marked = {file for file in yaml_files() if "$imagepolicy" in file.read_text("utf-8")}

    assert marked
    assert {file.parent.name for file in marked} == {"image"}
    assert "`git revert` alone does not hold" in (FLUX / "README.md").read_text("utf-8")


def test_8_nothing_here_rolls_back_by_reverting() -> None:
    assert [file for file, line in lines() if REVERTS.search(line)] == []


def test_9_nothing_copies_an_image_by_pulling_tagging_and_pushing_it() -> None:
    assert [file for file, line in lines() if COPIES.search(line)] == []


def test_10_nothing_signs_by_tag() -> None:
    assert [file for file, line in lines() if SIGNS_BY_TAG.search(line)] == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (REVERTS, "git revert HEAD  # Revert last commit"),
        (COPIES, "- docker pull ${REGISTRY}/app:${VERSION}"),
        (COPIES, "- docker push ${REGISTRY}/app:${VERSION}-prod"),
        (SIGNS_BY_TAG, "- cosign sign --key ${COSIGN_KEY} registry.example.com/app:1.2.3"),
    ],
)
def test_8_9_and_10_see_the_seeds_lines(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_11_the_seeds_agent_is_seen() -> None:
    seed = "gitops:\n  manifest_projects:\n    - id: path/to/flux-config\n"

    found = lint(".gitlab/agents/production/config.yaml", seed)

    assert [one.code for one in found] == ["agent-config-obsolete"]


def test_11_agents_neither_apply_manifests_nor_manage_flux() -> None:
    files = sorted((REPOSITORY / ".gitlab" / "agents").glob("*/config.yaml"))

    assert [found for file in files for found in lint(file.as_posix(), file.read_text("utf-8"))] == []


@every_cluster
def test_12_commit_statuses_are_left_to_sluice_or_name_their_project(cluster: str) -> None:
    providers = [one for one in objects_of(cluster, "Provider") if one["spec"]["type"].startswith("gitlab")]

    assert all(re.search(r"/(\d+|[^/]+/[^/]+)$", one["spec"]["address"]) for one in providers)


SEEDED = {
    "image-policy-never-selects": ("policy.yaml", "    extract: $version\n", ""),
    "alphabetical-versions": (
        "policy.yaml",
        '    semver:\n      range: ">=1.0.0"',
        "    alphabetical:\n      order: asc",
    ),
    "image-api-removed": ("policy.yaml", "fluxcd.io/v1\n", "fluxcd.io/v1beta2\n"),
    "image-repository-provider": ("repository.yaml", "  interval: 1m", "  interval: 1m\n  provider: gitlab"),
    "updated-template": ("automation.yaml", ".Changed.Changes", ".Updated.Images"),
    "notification-api": ("receiver.yaml", "fluxcd.io/v1\n", "fluxcd.io/v1beta3\n"),
    "receiver-events": ("receiver.yaml", "Tag Push Hook", "tag_push"),
    "status-provider-address": ("provider.yaml", "type: generic-hmac", "type: gitlab"),
}
"""File, and what of it to write as the seed does, by the code that check-config then gives."""


@pytest.mark.parametrize("code", SEEDED)
def test_the_seeds_mistake_put_into_this_tree_is_named(code: str) -> None:
    name, ours, seeds = SEEDED[code]
    texts = [file.read_text("utf-8") for file in yaml_files() if file.name == name]
    changed = [text.replace(ours, seeds).replace("${sluice_url}/hooks/flux/${cluster}", "https://gitlab.example.com")
               for text in texts if ours in text]  # fmt: skip

    assert changed
    assert all(code in {found.code for found in lint(name, mutated(text, code))} for text in changed)


def mutated(text: str, code: str) -> str:
    """The alphabetical policy of the seed extracts the whole tag."""
    return text.replace("extract: $version", "extract: $0") if code == "alphabetical-versions" else text


def lines() -> Iterator[tuple[Path, str]]:
    """What a person or a pipeline would run: every line of this tree, of pipelines, and of scripts."""
    files = [file for file in FLUX.rglob("*") if file.is_file()]
    files += [REPOSITORY / ".gitlab-ci.yml", *(REPOSITORY / ".gitlab").rglob("*.yml")]
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            yield file, line
