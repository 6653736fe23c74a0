"""A tenant's policy reaches no further than the operator's grant."""

import pytest

from config.grants import check_grant, matches
from config.policy import Policy
from config.settings import Settings

POLICY = """\
version: 1
environments:
  dev: {cluster: demo, delivery: observe}
  production:
    cluster: eu-1
    after: [dev]
    delivery: observe
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
"""


def settings(**grant: list[str]) -> Settings:
    full = {"application_projects": ["demo/*"], "clusters": ["demo", "eu-1"], "namespaces": ["*"]}
    tenant = {"config_project": "demo/flux-config", **full, **grant}
    return Settings.model_validate({"gitlab": {"url": "https://gitlab.example"}, "tenants": {"demo": tenant}})


def test_policy_within_its_grant_has_no_findings() -> None:
    assert check_grant(settings(), "demo", Policy.parse(POLICY), text=POLICY) == ()


@pytest.mark.parametrize(
    ("grant", "line", "what"),
    [
        ({"clusters": ["demo"]}, 5, "cluster eu-1"),
        ({"application_projects": ["other/*"]}, 10, "project demo/shop"),
        ({"application_projects": []}, 10, "project demo/shop"),
        ({"namespaces": ["shop"]}, 12, "namespace flux-system"),
    ],
)
def test_name_outside_the_grant_is_found_at_its_line(grant: dict[str, list[str]], line: int, what: str) -> None:
    (found,) = check_grant(settings(**grant), "demo", Policy.parse(POLICY), text=POLICY, file="policy.yaml")

    assert (found.file, found.line, found.code) == ("policy.yaml", line, "not-granted")
    assert what in found.what


def test_canary_outside_the_grant_is_found_at_its_line() -> None:
    text = f"{POLICY}    canary: other/shop-{{environment}}\n"
    granted = settings(namespaces=["flux-system"])

    (found,) = check_grant(granted, "demo", Policy.parse(text), text=text, file="policy.yaml")

    assert (found.line, found.code) == (13, "not-granted")
    assert "namespace other" in found.what


@pytest.mark.parametrize(
    ("glob", "path", "granted"),
    [
        ("demo/*", "demo/shop", True),
        ("demo/*", "Demo/Shop", True),
        ("demo/*", "demo/team/shop", False),
        ("demo/**", "demo/team/shop", True),
        ("demo/shop", "demo/shop-2", False),
        ("demo/*", "demos/shop", False),
        ("*/shop", "demo/shop", True),
        ("d.mo/*", "demo/shop", False),
    ],
)
def test_star_stays_within_one_segment(glob: str, path: str, granted: bool) -> None:
    assert matches(glob, path) is granted
