"""Images are looked for where they are, and automation writes only where its policy's marker stands."""

import re
from pathlib import Path

import pytest
from flux_tree import CLUSTERS, FLUX, REPOSITORY, TREE, layer, named, objects_of, variables

from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document
from config.policy import Policy as TenantPolicy

MARKER = re.compile(r'# \{"\$imagepolicy": "flux-system:([a-z-]+):tag"\}')
REGISTRIES = {
    ("single-registry", "development"): "registry.example.com",
    ("single-registry", "staging"): "registry.example.com",
    ("single-registry", "production"): "registry.example.com",
    ("multi-registry", "staging"): "staging-registry.example.com",
    ("multi-registry", "production"): "prod-registry.example.com",
}
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)
every_option = pytest.mark.parametrize(("option", "environment"), REGISTRIES)


@every_option
def test_policies_scan_the_registry_of_their_environment_with_its_credentials(option: str, environment: str) -> None:
    registry = REGISTRIES[option, environment]
    scanned = {one["metadata"]["name"]: one for one in of_kind(option, environment, "ImageRepository")}

    assert {one["spec"]["imageRepositoryRef"]["name"] for one in of_kind(option, environment, "ImagePolicy")} == set(
        scanned
    )
    assert all(one["spec"]["image"].startswith(f"{registry}/") for one in scanned.values())
    assert all(one["spec"]["secretRef"]["name"] == "registry-auth" for one in scanned.values())


@every_cluster
def test_every_policy_looks_at_the_image_that_runs(cluster: str) -> None:
    for one in objects_of(cluster, "ImagePolicy"):
        application = one["metadata"]["name"].removesuffix(f"-{cluster}")
        deployment = named(cluster, "Deployment", application, application)
        repository = named(cluster, "ImageRepository", "flux-system", one["spec"]["imageRepositoryRef"]["name"])
        assert deployment is not None
        assert repository is not None
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert repository["spec"]["image"] == split_image(container["image"])[0]


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


def test_the_readme_gives_option_two_the_tags_that_flux_selects_there() -> None:
    readme = (FLUX / "README.md").read_text("utf-8")

    for environment, suffix in (("staging", "-preprod"), ("production", "-prod")):
        registry = REGISTRIES["multi-registry", environment]
        assert f'{environment}: {{registry: "{registry}/{{repository}}", tag: "{{version}}{suffix}"}}' in readme


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


def of_kind(option: str, environment: str, kind: str) -> list[Document]:
    folder = FLUX / "image-automation" / option / environment
    return [one for one in TREE.applied(folder, variables(environment)) if one["kind"] == kind]


def serves(automation: Document, policy: Document) -> bool:
    wanted: dict[str, str] = automation["spec"]["policySelector"]["matchLabels"]
    labels: dict[str, str] = policy["metadata"]["labels"]
    return wanted.items() <= labels.items()


def markers_of(file: Path) -> list[str]:
    return MARKER.findall(file.read_text("utf-8"))


def tenant_policy() -> TenantPolicy:
    return TenantPolicy.parse((FLUX / ".sluice" / "policy.yaml").read_text("utf-8"))
