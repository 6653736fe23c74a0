"""A policy text becomes the answers that handlers ask for."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import PermanentError
from config.policy import CanaryRef, KustomizationRef, Policy, PolicyFault

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "policy.yaml"

TEXT = """\
version: 1
mode: propose
environments:
  production:
    {clusters: [eu-1, eu-2], after: [staging], soak: 90m, registry: "prod.example/{repository}", tag: "{version}-prod"}
  dev: {cluster: demo, delivery: observe, mode: act}
  staging: {cluster: demo, after: [dev], merge: automatic, mode: act}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/shop/{environment}/kustomization.yaml", image: shop}
    environments:
      production:
        {merge: automatic, soak: 2h, position: {kind: yaml_path, file: "{cluster}/shop.yaml", path: spec.image}}
  worker:
    project: Demo/Shop
    images: registry.example:5000/demo/worker
    kustomization: shop/worker-{environment}
    tags: "worker/v{version}"
    mode: propose
    only: [dev, production]
    position: {kind: kustomize_images, file: "apps/{application}/{environment}.yaml", image: "{application}"}
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.parse(TEXT, file="policy.yaml")


def test_example_policy_is_valid() -> None:
    policy = Policy.parse(EXAMPLE.read_text(), file=str(EXAMPLE))

    assert policy.order == ("dev", "staging", "production")
    assert policy.mode == "observe"


def test_environments_come_in_promotion_order_not_as_written(policy: Policy) -> None:
    assert policy.order == ("dev", "staging", "production")
    assert policy.environments_of("shop") == ("dev", "staging", "production")


def test_placeholders_are_filled_in_for_every_cluster(policy: Policy) -> None:
    production = policy.environment("shop", "production")

    assert production.position_files() == ("eu-1/shop.yaml", "eu-2/shop.yaml")
    assert policy.environment("shop", "staging").position_files() == ("apps/shop/staging/kustomization.yaml",)
    assert production.kustomization == KustomizationRef("flux-system", "shop-production")
    assert [position.of for position in production.positions] == ["registry.example/demo/shop"] * 2


def test_application_override_beats_the_environment(policy: Policy) -> None:
    production = policy.environment("shop", "production")

    assert (production.merge, production.soak) == ("automatic", timedelta(hours=2))
    assert policy.environment("worker", "production").soak == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("application", "environment", "mode"),
    [("shop", "dev", "act"), ("worker", "dev", "propose"), ("shop", "production", "propose")],
)
def test_stricter_mode_of_environment_and_application_holds(
    policy: Policy, application: str, environment: str, mode: str
) -> None:
    assert policy.environment(application, environment).mode == mode


def test_mode_is_observe_where_nothing_is_written() -> None:
    policy = Policy.parse(
        "version: 1\n"
        "environments: {dev: {cluster: demo, delivery: observe}}\n"
        "applications: {a: {project: g/a, images: [r.example/a], kustomization: ns/a}}\n"
    )

    assert policy.environment("a", "dev").mode == "observe"


def test_order_skips_environments_the_application_is_not_in(policy: Policy) -> None:
    assert policy.environments_of("worker") == ("dev", "production")
    assert policy.before("worker", "production") == ("dev",)
    assert policy.before("shop", "production") == ("staging",)
    assert policy.sources_of("worker") == ("dev",)


def test_kustomization_leads_to_its_applications(policy: Policy) -> None:
    assert policy.applications_of("eu-2", "flux-system", "shop-production") == (("shop", "production"),)
    assert policy.applications_of("demo", "shop", "worker-dev") == (("worker", "dev"),)
    assert policy.applications_of("demo", "flux-system", "shop-production") == ()


def test_canary_leads_to_its_application() -> None:
    text = TEXT.replace(
        "    project: demo/shop\n", "    project: demo/shop\n    canary: shop/{application}-{environment}\n"
    )
    policy = Policy.parse(text)

    assert policy.environment("shop", "staging").canary == CanaryRef("shop", "shop-staging")
    assert policy.environment("worker", "dev").canary is None
    assert policy.applications_of_canary("eu-2", "shop", "shop-production") == (("shop", "production"),)
    assert policy.applications_of_canary("eu-2", "shop", "shop-staging") == ()


def test_rollback_of_an_application_replaces_the_whole_block() -> None:
    policy = Policy.parse(
        "version: 1\n"
        "environments: {dev: {cluster: a, delivery: observe, rollback: {within: 2h, people: [lead]}}}\n"
        "applications:\n"
        "  a: {project: g/a, images: r.example/a, kustomization: ns/a}\n"
        "  b: {project: g/b, images: r.example/b, kustomization: ns/b,\n"
        "      environments: {dev: {rollback: {on: [], brake: {failures: 5}}}}}\n"
    )

    ours, theirs = policy.environment("a", "dev").rollback, policy.environment("b", "dev").rollback
    assert (ours.within, ours.people, ours.on) == (timedelta(hours=2), ("lead",), ("canary_failed",))
    assert (theirs.within, theirs.people, theirs.on) == (timedelta(hours=1), (), ())
    assert (theirs.brake_failures, theirs.brake_within) == (5, timedelta(minutes=10))


def test_project_path_is_compared_as_gitlab_does(policy: Policy) -> None:
    assert policy.applications_of_project("demo/SHOP") == ("shop", "worker")
    assert policy.application_of_project("demo/shop") is None
    assert policy.applications_of_project("demo/other") == ()


def test_status_name_carries_the_application_where_a_project_has_several(policy: Policy) -> None:
    single = Policy.parse(EXAMPLE.read_text())

    assert policy.name_of_status("shop", "dev") == "sluice/dev/shop"
    assert single.name_of_status("demo-service", "dev") == "sluice/dev"


def test_image_leads_to_its_application_under_every_name(policy: Policy) -> None:
    assert policy.applications_of_image("registry.example", "demo/shop") == ("shop",)
    assert policy.applications_of_image("prod.example", "demo/shop") == ("shop",)
    assert policy.applications_of_image("registry.example:5000", "demo/worker") == ("worker",)
    assert policy.applications_of_image("other.example", "demo/shop") == ()


def test_environment_has_its_own_image_names_and_tags(policy: Policy) -> None:
    production = policy.environment("worker", "production")

    assert production.image_name("registry.example:5000/demo/worker") == "prod.example/demo/worker"
    assert production.tag("1.2.3+build.4") == "1.2.3_build.4-prod"
    assert production.version_of("1.2.3_build.4-prod") == "1.2.3+build.4"
    assert production.version_of("1.2.3") is None


@pytest.mark.parametrize(
    ("application", "tag", "version"),
    [
        ("shop", "v1.2.3", "1.2.3"),
        ("shop", "1.2.3-rc.1", "1.2.3-rc.1"),
        ("shop", "nightly", None),
        ("shop", "worker/v1.2.3", None),
        ("worker", "worker/v1.2.3", "1.2.3"),
        ("worker", "v1.2.3", None),
    ],
)
def test_git_tag_names_a_version(policy: Policy, application: str, tag: str, version: str | None) -> None:
    assert policy.version_of_tag(application, tag) == version


def test_release_file_is_named_by_environment_and_application(policy: Policy) -> None:
    assert policy.release_file("shop", "dev") == ".sluice/releases/dev/shop.yaml"


def test_unknown_pair_says_where_to_add_it(policy: Policy) -> None:
    with pytest.raises(PermanentError, match="worker is not in the environment staging"):
        policy.environment("worker", "staging")


def test_equal_content_has_an_equal_name_however_written() -> None:
    left = Policy.parse("version: 1\nenvironments:\n  dev: {cluster: a, soak: 60m}\n")
    right = Policy.parse("# other words\nenvironments: {dev: {soak: 1h, cluster: 'a'}}\nversion: 1\n")
    other = Policy.parse("version: 1\nenvironments: {dev: {cluster: b, soak: 1h}}\n")

    assert left.sha == right.sha
    assert left.sha != other.sha


def test_switches_may_be_booleans() -> None:
    policy = Policy.parse("version: 1\nenvironments: {dev: {cluster: a, statuses: off, deployments: false}}\n")

    assert (policy.environments["dev"].statuses, policy.environments["dev"].deployments) == ("off", "off")


def test_policy_cannot_be_changed(policy: Policy) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(policy, "mode", "act")  # noqa: B010 - mypy would refuse the assignment that is tried here


def test_copy_answers_for_its_own_values(policy: Policy) -> None:
    assert policy.environment("shop", "production").mode == "propose"

    copy = policy.model_copy(update={"limits": ({"environment": "production", "mode": "observe"},)})

    assert copy.environment("shop", "production").mode == "observe"
    assert copy.sha != policy.sha


def test_empty_text_is_a_policy_fault() -> None:
    with pytest.raises(PolicyFault, match="one YAML document"):
        Policy.parse("# nothing yet\n")
