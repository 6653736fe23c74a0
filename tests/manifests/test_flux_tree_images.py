"""Image policies select what they must from real tags, and automation writes only where its policy's marker stands.

The choice is made by the sandbox's reading of Flux's rules, which the contract tier holds against a recorded table.
"""

import re
from pathlib import Path

import pytest
from flux_building import build
from flux_tree import CLUSTERS, FLUX, REPOSITORY, layer, objects_of, substituted, variables, yaml_files

from bot.sandbox.cluster.images.selection import Filter, NothingSelected, Policy, select
from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document
from config.lints import lint
from config.policy import Policy as TenantPolicy

TAGS = (
    "1.2.3", "1.9.0", "1.10.0", "1.10.0-rc9", "1.10.0-rc10", "1.11.0-feat-xyz", "0.9.0", "latest", "main-3f2a1c",
    "1.9.0-staging", "1.10.0-staging", "1.2.3-staging", "v2.0.0-staging", "2.0.0-staging-hold", "0.9.0-staging",
    "1.8.0-preprod", "1.9.0-preprod", "1.10.0-preprod", "2.0.0-rc1-preprod",
    "1.8.0-prod", "1.9.0-prod", "1.10.0-prod", "1.2.3-prod", "2.0.0-rc1-prod", "3.0.0-nonprod",
)  # fmt: skip
MARKER = re.compile(r'# \{"\$imagepolicy": "flux-system:([a-z-]+):tag"\}')
OPTIONS = {
    ("single-registry", "development"): ("registry.example.com", "1.10.0"),
    ("single-registry", "staging"): ("registry.example.com", "1.10.0-staging"),
    ("single-registry", "production"): ("registry.example.com", "1.10.0-prod"),
    ("multi-registry", "staging"): ("staging-registry.example.com", "1.10.0-preprod"),
    ("multi-registry", "production"): ("prod-registry.example.com", "1.10.0-prod"),
}
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
every_option = pytest.mark.parametrize(("option", "environment"), OPTIONS)


@every_option
def test_policies_select_the_newest_version_of_their_environment(option: str, environment: str) -> None:
    policies = of_kind(option, environment, "ImagePolicy")

    assert policies
    assert {select(TAGS, chosen_by(one)) for one in policies} == {OPTIONS[option, environment][1]}


@every_option
def test_policies_select_the_same_whatever_the_order_of_tags(option: str, environment: str) -> None:
    for one in of_kind(option, environment, "ImagePolicy"):
        assert select(TAGS[::-1], chosen_by(one)) == select(sorted(TAGS), chosen_by(one))


@every_option
def test_policies_select_nothing_that_is_not_for_their_environment(option: str, environment: str) -> None:
    wanted = OPTIONS[option, environment][1].partition("-")[2]
    others = [tag for tag in TAGS if tag.partition("-")[2] != wanted]

    for one in of_kind(option, environment, "ImagePolicy"):
        with pytest.raises(NothingSelected):
            select(others, chosen_by(one))


@every_option
def test_policies_scan_the_registry_of_their_environment_with_its_credentials(option: str, environment: str) -> None:
    registry = OPTIONS[option, environment][0]
    scanned = {one["metadata"]["name"]: one for one in of_kind(option, environment, "ImageRepository")}

    assert {one["spec"]["imageRepositoryRef"]["name"] for one in of_kind(option, environment, "ImagePolicy")} == set(
        scanned
    )
    assert all(one["spec"]["image"].startswith(f"{registry}/") for one in scanned.values())
    assert all(one["spec"]["secretRef"]["name"] == "registry-auth" for one in scanned.values())


@every_option
def test_released_tags_are_followed_by_digest(option: str, environment: str) -> None:
    reflected = {one["spec"]["digestReflectionPolicy"] for one in of_kind(option, environment, "ImagePolicy")}

    assert reflected == ({"IfNotPresent"} if environment == "development" else {"Always"})


@every_cluster
def test_each_automation_writes_one_applications_image_file_and_nothing_else(cluster: str) -> None:
    for automation in objects_of(cluster, "ImageUpdateAutomation"):
        (file,) = (REPOSITORY / automation["spec"]["update"]["path"]).rglob("*.yaml")
        (marker,) = MARKER.findall(file.read_text("utf-8"))
        served = [one for one in objects_of(cluster, "ImagePolicy") if serves(automation, one)]

        assert [one["metadata"]["name"] for one in served] == [marker]
        assert f"/{cluster}/" in file.as_posix()


@every_cluster
def test_every_marker_of_an_environment_names_a_policy_of_its_cluster(cluster: str) -> None:
    markers = {name for file in FLUX.glob(f"apps/*/{cluster}/**/*.yaml") for name in markers_of(file)}

    assert markers == {one["metadata"]["name"] for one in objects_of(cluster, "ImagePolicy")}


@every_cluster
def test_what_runs_is_an_image_that_the_policy_of_the_cluster_could_have_selected(cluster: str) -> None:
    for one in objects_of(cluster, "ImagePolicy"):
        application = one["metadata"]["name"].removesuffix(f"-{cluster}")
        (deployment,) = [found for found in layer(cluster, application).objects if found["kind"] == "Deployment"]
        name, tag, _ = split_image(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
        (repository,) = [
            found for found in objects_of(cluster, "ImageRepository") if found["metadata"]["name"] == application
        ]
        assert repository["spec"]["image"] == name
        assert select([tag], chosen_by(one)) == tag


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_policy_of_sluice_places_the_tags_that_flux_selects(environment: str) -> None:
    policy = tenant_policy()
    (one, *_) = of_kind("single-registry", environment, "ImagePolicy")

    for name in ("demo-service", "node-service"):
        tag = policy.environment(name, environment).tag("1.10.0")
        assert select([tag], chosen_by(one)) == tag


def test_the_readme_gives_option_two_the_tags_that_flux_selects_there() -> None:
    readme = (FLUX / "README.md").read_text("utf-8")

    for environment, suffix in (("staging", "-preprod"), ("production", "-prod")):
        registry, tag = OPTIONS["multi-registry", environment]
        assert f'{environment}: {{registry: "{registry}/{{repository}}", tag: "{{version}}{suffix}"}}' in readme
        assert tag.endswith(suffix)


def test_sluice_governs_every_application_in_every_environment_but_minikube() -> None:
    policy = tenant_policy()

    assert set(policy.applications) == {"demo-service", "node-service", "sluice"}
    for name in policy.applications:
        assert set(policy.environments_of(name)) == set(CLUSTERS) - {"minikube"}
        for environment in policy.environments_of(name):
            here = policy.environment(name, environment)
            assert here.clusters == (environment,)
            assert layer(environment, here.kustomization.name).folder.name == environment
            assert (here.canary is not None) == (environment != "development" and name != "sluice")


def test_no_file_of_the_tree_makes_a_mistake_that_check_config_knows() -> None:
    assert [found for file in yaml_files() for found in lint(str(file), file.read_text("utf-8"))] == []


def of_kind(option: str, environment: str, kind: str) -> list[Document]:
    folder = FLUX / "image-automation" / option / environment
    values = variables(environment)
    return [substituted(one, values) for one in build(folder) if one["kind"] == kind]


def chosen_by(document: Document) -> Policy:
    spec = document["spec"]
    found = spec.get("filterTags")
    tags = Filter(pattern=found["pattern"], extract=found.get("extract", "")) if found else None
    return Policy(kind="semver", range=spec["policy"]["semver"]["range"], filter=tags)


def serves(automation: Document, policy: Document) -> bool:
    wanted: dict[str, str] = automation["spec"]["policySelector"]["matchLabels"]
    labels: dict[str, str] = policy["metadata"]["labels"]
    return wanted.items() <= labels.items()


def markers_of(file: Path) -> list[str]:
    return MARKER.findall(file.read_text("utf-8"))


def tenant_policy() -> TenantPolicy:
    return TenantPolicy.parse((FLUX / ".sluice" / "policy.yaml").read_text("utf-8"))
