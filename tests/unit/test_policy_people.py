"""The blocks about people are read, tightened by teams, and refused where nothing heeds them."""

import pytest

from config.policy import Policy, PolicyFault

POLICY = """\
version: 1
mode: act
environments:
  dev: {cluster: one, delivery: observe}
  production: {cluster: one, after: [dev]%s}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/{environment}/kustomization.yaml", image: shop}
%s"""


def policy(environment: str = "", rest: str = "", **files: str) -> Policy:
    """A policy with something more for production, and at its end."""
    extra = {f".sluice/policy.d/{name}.yaml": text for name, text in files.items()}
    return Policy.parse(POLICY % (environment, rest), extra=extra)


def test_approvals_are_asked_for_where_the_policy_says_so() -> None:
    found = policy(", approvals: {required: 2, from: {roles: [maintainer]}}").environment("shop", "production")

    assert (found.approvals.required, found.approvals.from_.roles, found.approvals.native) == (2, ("maintainer",), True)
    assert policy().environment("shop", "production").approvals.required == 0


def test_a_team_asks_for_more_approvals_and_never_for_fewer() -> None:
    team = "version: 1\nenvironments:\n  production: {approvals: {required: %d}}\n"
    two = ", approvals: {required: 2, exclude: [author]}"

    assert policy(two, team=team % 3).environment("shop", "production").approvals.required == 3
    assert policy(two, team=team % 1).environment("shop", "production").approvals.required == 2


def test_access_is_what_is_granted_and_nothing_else() -> None:
    found = policy(rest="access: [{may: [promote], in: [production], users: [captain]}]\n")

    assert [grant.users for grant in found.grants("promote", "shop", "production")] == [("captain",)]
    assert found.grants("promote", "shop", "dev") == ()
    assert found.grants("approve", "shop", "production") == ()


@pytest.mark.parametrize(
    ("environment", "rest"),
    [
        ("", "freezes: [{in: [production], because: holidays, cron_from: 0 0 1 1 *, cron_until: 0 0 2 1 *}]\n"),
        ("", "access: [{may: [promote], code_owners: true}]\n"),
        (", approvals: {required: 1, from: {code_owners: true}}", ""),
    ],
)
def test_what_nothing_heeds_yet_is_refused(environment: str, rest: str) -> None:
    with pytest.raises(PolicyFault, match="not-available"):
        policy(environment, rest)


def test_a_grant_to_nobody_is_a_fault() -> None:
    with pytest.raises(PolicyFault, match="names roles, groups, users"):
        policy(rest="access: [{may: [promote]}]\n")
