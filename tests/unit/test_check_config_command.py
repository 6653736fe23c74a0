"""`sluice check-config` says what is wrong in a checkout, line by line, and exits as documented."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.cli.check_config import check_config
from bot.positions import denial_file, pin_file, release_file
from bot.records import Pin
from bot.releases import Image, Release

POLICY = """\
version: 1
environments:
  dev: {cluster: demo, delivery: observe}
  production: {cluster: demo, after: [dev]}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/shop/{environment}/kustomization.yaml", image: shop}
"""
KUSTOMIZATION = "images:\n- name: shop\n  newName: registry.example/demo/shop\n  newTag: 1.0.0\n"
SETTINGS = """\
gitlab: {url: https://gitlab.example, token_file: /run/secrets/token}
clusters: {demo: {}}
tenants:
  demo: {config_project: demo/config, application_projects: ["demo/*"], clusters: [demo], namespaces: [flux-system]}
"""


PRODUCTION = "apps/shop/production/kustomization.yaml"
ACTIVE = '{"$imagepolicy": "ns:shop:tag"}'
PINNED = '{"$sluice-pinned": "ns:shop:tag"}'
RELEASE = Release(application="shop", images=(Image(name="registry.example/demo/shop", digest="sha256:" + "a" * 64),))
PIN = pin_file(
    Pin(
        release=RELEASE,
        instead_of=RELEASE,
        failure="measured",
        since=datetime(2026, 11, 1, tzinfo=UTC),
        because="the canary failed",
        by="sluice",
    ),
    "production",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    put(tmp_path, ".sluice/policy.yaml", POLICY)
    for environment in ("dev", "production"):
        put(tmp_path, f"apps/shop/{environment}/kustomization.yaml", KUSTOMIZATION)
    return tmp_path


def put(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(*arguments: str | Path) -> Result:
    application = typer.Typer()
    application.command()(check_config)
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def codes(root: Path, *arguments: str | Path) -> list[tuple[str, int, str]]:
    result = run("--policy", root, "--json", *arguments)
    report = json.loads(result.stdout)
    assert result.exit_code == (1 if report["findings"] else 0)
    assert report["ok"] is (result.exit_code == 0)
    return [(found["file"], found["line"], found["code"]) for found in report["findings"]]


def test_good_checkout_exits_zero(checkout: Path) -> None:
    result = run("--policy", checkout)

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "0 findings in 3 YAML files" in result.stderr


def test_current_directory_is_the_default(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)

    assert run().exit_code == 0


def test_policy_file_stands_for_its_checkout(checkout: Path) -> None:
    put(checkout, "apps/shop/production/kustomization.yaml", "images: []\n")

    assert codes(checkout / ".sluice" / "policy.yaml") == [("apps/shop/production/kustomization.yaml", 1, "position")]


def test_finding_is_one_line_with_place_cure_and_code(checkout: Path) -> None:
    put(checkout, ".sluice/policy.yaml", POLICY.replace("after: [dev]", "after: [qa]"))

    result = run("--policy", checkout)

    assert result.exit_code == 1
    assert result.stdout == (
        ".sluice/policy.yaml:4:39: qa is no environment of this policy: it has dev, production. "
        "Write one of these, or add it under environments. [unknown-environment]\n"
    )


def test_missing_policy_is_a_finding(tmp_path: Path) -> None:
    assert codes(tmp_path) == [(".sluice/policy.yaml", 0, "no-policy")]


def test_team_file_that_loosens_is_a_finding(checkout: Path) -> None:
    put(checkout, ".sluice/policy.d/shop.yaml", "version: 1\nenvironments:\n  production: {mode: act}\n")

    assert codes(checkout) == [(".sluice/policy.d/shop.yaml", 3, "loosens")]


def test_missing_position_file_is_a_finding(checkout: Path) -> None:
    (checkout / "apps/shop/production/kustomization.yaml").unlink()

    assert codes(checkout) == [("apps/shop/production/kustomization.yaml", 0, "position-file")]


def test_second_writer_is_a_finding_where_merge_requests_write(checkout: Path) -> None:
    marked = KUSTOMIZATION.replace("1.0.0", '1.0.0 # {"$imagepolicy": "flux-system:shop:tag"}')
    for environment in ("dev", "production"):
        put(checkout, f"apps/shop/{environment}/kustomization.yaml", marked)

    assert codes(checkout) == [("apps/shop/production/kustomization.yaml", 4, "two-writers")]


def test_pinned_marker_is_a_finding_where_merge_requests_write(checkout: Path) -> None:
    put(checkout, PRODUCTION, KUSTOMIZATION.replace("1.0.0", f"1.0.0 # {PINNED}"))

    assert codes(checkout) == [(PRODUCTION, 4, "pinned-marker")]


@pytest.fixture
def automated(checkout: Path) -> Path:
    """A checkout whose production is written by image automation, and is right."""
    own = "after: [dev], delivery: image_automation, tag: '{version}-prod'"
    put(checkout, ".sluice/policy.yaml", POLICY.replace("after: [dev]", own))
    put(checkout, PRODUCTION, KUSTOMIZATION.replace("1.0.0", f"1.0.0-prod # {ACTIVE}"))
    return checkout


def test_image_automation_with_its_marker_is_good(automated: Path) -> None:
    assert codes(automated) == []


@pytest.mark.parametrize(
    ("tag", "line"),
    [
        ("1.0.0-prod", 4),
        ("1.0.0-prod # {'$sluice': 'ns:shop:tag'}", 4),
        (f"1.0.0-prod # {ACTIVE}\n  digest: sha256:aa", 5),
    ],
)
def test_line_that_image_automation_cannot_write_is_a_finding(automated: Path, tag: str, line: int) -> None:
    put(automated, PRODUCTION, KUSTOMIZATION.replace("1.0.0", tag.replace("'", '"')))

    assert codes(automated) == [(PRODUCTION, line, "no-marker")]


def test_pin_and_pinned_markers_stand_together(automated: Path) -> None:
    put(automated, PRODUCTION, KUSTOMIZATION.replace("1.0.0", f"1.0.0-prod # {PINNED}"))
    assert codes(automated) == [(PRODUCTION, 4, "pinned-marker")]

    put(automated, ".sluice/pins/production/shop.yaml", PIN)
    assert codes(automated) == []

    put(automated, PRODUCTION, KUSTOMIZATION.replace("1.0.0", f"1.0.0-prod # {ACTIVE}"))
    assert codes(automated) == [(PRODUCTION, 4, "pin-undone")]


def test_image_that_two_policies_choose_is_a_finding(automated: Path) -> None:
    other = f"1.0.0-prod # {ACTIVE}\n  digest: sha256:aa # {ACTIVE.replace('shop:tag', 'other:digest')}"
    put(automated, PRODUCTION, KUSTOMIZATION.replace("1.0.0", other))

    assert codes(automated) == [(PRODUCTION, 5, "several-policies")]


def test_missing_position_is_told_once_under_image_automation(automated: Path) -> None:
    put(automated, PRODUCTION, "images: []\n")

    assert codes(automated) == [(PRODUCTION, 1, "position")]


@pytest.mark.parametrize(("folder", "code"), [("pins", "pin-file"), ("denials", "denial-file")])
@pytest.mark.parametrize(
    ("place", "application", "faulty"),
    [("production/shop", "shop", False), ("production/shop", "other", True), ("qa/shop", "shop", True)],
)
def test_pins_and_denials_must_belong_to_their_place(
    checkout: Path, folder: str, code: str, place: str, application: str, faulty: bool
) -> None:
    text = PIN if folder == "pins" else denial_file("shop", "production", ())
    file = f".sluice/{folder}/{place}.yaml"
    put(checkout, file, text.replace('application: "shop"', f'application: "{application}"'))

    assert codes(checkout) == ([(file, 0, code)] if faulty else [])


@pytest.mark.parametrize(("folder", "code"), [("pins", "pin-file"), ("denials", "denial-file")])
def test_pins_and_denials_that_do_not_read_are_findings(checkout: Path, folder: str, code: str) -> None:
    put(checkout, f".sluice/{folder}/production/shop.yaml", "application: shop\nenvironment: production\n")

    assert [found for _, _, found in codes(checkout)] == [code]


@pytest.mark.parametrize(
    ("file", "environment", "found"),
    [
        (".sluice/releases/production/shop.yaml", "production", []),
        (".sluice/releases/production/shop.yaml", "dev", ["release-file"]),
        (".sluice/releases/qa/shop.yaml", "qa", ["release-file"]),
    ],
)
def test_release_file_must_belong_to_its_place(checkout: Path, file: str, environment: str, found: list[str]) -> None:
    image = Image(name="registry.example/demo/shop", digest="sha256:" + "a" * 64, tag="1.0.0")
    put(checkout, file, release_file(Release(application="shop", images=(image,)), environment))

    assert [code for _, _, code in codes(checkout)] == found


@pytest.mark.parametrize(("text", "code"), [("application: [\n", "yaml"), ("application: shop\n", "release-file")])
def test_release_file_that_does_not_read_is_a_finding(checkout: Path, text: str, code: str) -> None:
    put(checkout, ".sluice/releases/production/shop.yaml", text)

    assert [found for _, _, found in codes(checkout)] == [code]


def test_lints_run_over_every_yaml_file_and_can_be_switched_off(checkout: Path) -> None:
    put(checkout, "clusters/a.yml", "apiVersion: image.toolkit.fluxcd.io/v1beta2\nkind: ImagePolicy\n")
    put(checkout, ".git/b.yaml", "a: [\n")

    assert codes(checkout) == [("clusters/a.yml", 1, "image-api-removed")]
    assert codes(checkout, "--ignore", "image-api-removed") == []
    assert codes(checkout, "--ignore", "yaml") == [("clusters/a.yml", 1, "image-api-removed")]


def test_policy_outside_its_grant_is_a_finding(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = tmp_path_factory.mktemp("operator") / "sluice.yaml"
    settings.write_text(SETTINGS)
    narrow = settings.with_name("narrow.yaml")
    narrow.write_text(SETTINGS.replace("demo/*", "other/*"))

    assert codes(checkout, "--settings", settings) == []
    assert codes(checkout, "--settings", narrow) == [(".sluice/policy.yaml", 7, "not-granted")]
    assert codes(checkout, "--settings", narrow, "--tenant", "demo") == [(".sluice/policy.yaml", 7, "not-granted")]


def test_faults_of_the_settings_are_findings(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = tmp_path_factory.mktemp("operator") / "sluice.yaml"
    settings.write_text("gitlab: {}\n")

    assert [code for _, _, code in codes(checkout, "--settings", settings)] == ["missing"]


@pytest.mark.parametrize("wrong", [["--policy", "no/such/folder"], ["--polcy", "."], ["--policy", __file__]])
def test_wrong_usage_exits_two(wrong: list[str]) -> None:
    assert run(*wrong).exit_code == 2


def test_unknown_tenant_is_wrong_usage(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = tmp_path_factory.mktemp("operator") / "sluice.yaml"
    settings.write_text(SETTINGS)

    result = run("--policy", checkout, "--settings", settings, "--tenant", "other")

    assert result.exit_code == 2
    assert "demo" in result.stderr
