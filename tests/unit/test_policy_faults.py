"""Whatever is wrong with a policy is said at its line, with what to do."""

import pytest

from config.policy import Policy, PolicyFault

GOOD = """\
version: 1
environments:
  dev:
    cluster: demo
    delivery: observe
  production:
    cluster: demo
    after: [dev]
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "apps/{environment}.yaml", image: shop}
"""


def faults(text: str, **extra: str) -> list[tuple[str, int, str]]:
    with pytest.raises(PolicyFault) as caught:
        Policy.parse(text, file="policy.yaml", extra=extra)
    return [(fault.file, fault.line, fault.code) for fault in caught.value.diagnostics]


def test_the_text_the_cases_start_from_is_good() -> None:
    assert Policy.parse(GOOD).environments_of("shop") == ("dev", "production")


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("version: 1", "version: 2", 1, "value"),
        ("version: 1", "versions: 1", 1, "unknown"),
        ("cluster: demo\n    after", "clustr: demo\n    after", 7, "unknown"),
        ("delivery: observe", "delivery: sideways", 5, "value"),
        ("delivery: observe", "delivery: image_automation", 5, "automation-entry"),
        ("after: [dev]", "after: [dev]\n    delivery: image_automation", 6, "automation-tag"),
        ("after: [dev]", "after: [dev]\n    delivery: image_automation\n    tag: '{version}'", 10, "automation-tag"),
        ("after: [dev]", "after: [dev]\n    rollback: {way: person}", 9, "people"),
        ("after: [dev]", "after: [dev]\n    rollback: {on: canary}", 9, "value"),
        ("after: [dev]", "after: [dev]\n    rollback: {brake: {failures: 0}}", 9, "value"),
        ("after: [dev]", "after: [dev]\n    rollback: {people: ['@maintainer']}", 9, "value"),
        (", image: shop}", ", image: shop}\n    canary: 'shop/{cluster}'", 15, "placeholder"),
        (", image: shop}", ", image: shop}\n    canary: shop", 15, "value"),
        (", image: shop}", ", image: shop}\n    canary: 'shop/-{environment}'", 15, "value"),
        (", image: shop}", ", image: shop}\n    canary: shop/shop", 10, "canary-shared"),
        (
            ", image: shop}",
            ", image: shop}\n    environments:\n      production:\n        rollback: {way: person}",
            17,
            "people",
        ),
        (
            ", image: shop}",
            ", image: shop}\n    environments:\n      production:\n        delivery: image_automation",
            6,
            "automation-tag",
        ),
        ("    delivery: observe", "    clusters: [a]", 3, "clusters"),
        ("    cluster: demo\n    after: [dev]", "    after: [dev]", 6, "clusters"),
        ("after: [dev]", "after: [dev, qa]", 8, "unknown-environment"),
        ("after: [dev]", "after: [production]", 8, "cycle"),
        ("after: [dev]", "soak: ten minutes", 8, "value"),
        ("after: [dev]", "soak: 10", 8, "value"),
        ("after: [dev]", 'registry: "x/{repo}/{repository}"', 8, "placeholder"),
        ("after: [dev]", "tag: latest", 8, "value"),
        ("after: [dev]\n", "after: [dev]\nlimits: []\n", 9, "unknown"),
        ("  shop:", "  Shop:", 10, "value"),
        ("project: demo/shop", "project: shop", 11, "value"),
        ("    project: demo/shop\n", "", 11, "missing"),
        ("images: [registry.example/demo/shop]", "images: []", 12, "value"),
        ("images: [registry.example/demo/shop]", "images: [registry.example/demo/shop:1.0]", 12, "value"),
        ("images: [registry.example/demo/shop]", "images: [r.example/a, r.example/b]", 14, "of"),
        ("{environment}\n", "{stage}\n", 13, "placeholder"),
        ("flux-system/shop-{environment}", "flux-system/shop", 10, "kustomization-shared"),
        ("flux-system/shop-{environment}", "flux-system/-{environment}", 13, "value"),
        ("kind: kustomize_images", "kind: magic", 14, "kind"),
        ("kind: kustomize_images, ", "", 14, "kind"),
        ('"apps/{environment}.yaml"', '"apps/{env}.yaml"', 14, "placeholder"),
        ('"apps/{environment}.yaml"', '"../{environment}.yaml"', 14, "value"),
        ('"apps/{environment}.yaml"', '"/etc/{environment}.yaml"', 14, "value"),
        (", image: shop", ", image: shop, of: r.example/other", 14, "of"),
        (", image: shop}", ", image: shop}\n    only: [qa]", 15, "unknown-environment"),
        (", image: shop}", ", image: shop}\n    environments: {qa: {}}", 15, "unknown-environment"),
        (", image: shop}", ", image: shop}\n    only: [dev]\n    environments: {production: {}}", 16, "not-in-only"),
        (", image: shop}", ", image: shop}\n    positions: [{kind: oci_ref, file: a.yaml}]", 15, "positions"),
    ],
)
def test_fault_points_at_its_line(old: str, new: str, line: int, code: str) -> None:
    assert old in GOOD

    assert ("policy.yaml", line, code) in faults(GOOD.replace(old, new, 1))


def test_missing_position_is_named_with_its_environment() -> None:
    text = "\n".join(line for line in GOOD.splitlines() if "position" not in line)

    with pytest.raises(PolicyFault, match=r"registry\.example/demo/shop has no position in production"):
        Policy.parse(text)


AUTOMATED = GOOD.replace("after: [dev]", "after: [dev]\n    delivery: image_automation\n    {}")


@pytest.mark.parametrize("own", ["tag: '{version}-prod'", "registry: 'prod.example/{repository}'"])
def test_image_automation_needs_a_tag_or_a_registry_of_its_own(own: str) -> None:
    policy = Policy.parse(AUTOMATED.replace("{}", own, 1))

    assert policy.environment("shop", "production").delivery == "image_automation"


def test_image_automation_without_a_position_is_a_fault() -> None:
    text = AUTOMATED.replace("{}", "tag: '{version}-prod'", 1)

    with pytest.raises(PolicyFault, match="image automation writes it there"):
        Policy.parse("\n".join(line for line in text.splitlines() if "position" not in line))


def test_tag_is_shared_with_environments_after_it_alone() -> None:
    text = AUTOMATED.replace("{}", "tag: '{version}-prod'", 1)
    after = "  later:\n    cluster: demo\n    after: [production]\n    tag: '{version}-prod'\napplications:"

    assert Policy.parse(text.replace("applications:", after, 1)).order == ("dev", "production", "later")
    beside = text.replace("applications:", after.replace("[production]", "[dev]"), 1)
    assert faults(beside) == [("policy.yaml", 10, "automation-tag")]


def test_two_applications_may_not_share_a_canary() -> None:
    shop = GOOD.replace("image: shop}", "image: shop}\n    canary: shop/{environment}")
    other = shop.partition("applications:\n")[2].replace("shop:", "worker:", 1).replace("apps/", "jobs/")

    assert faults(shop + other) == [("policy.yaml", 10, "canary-shared")] * 2


def test_two_environments_may_not_write_one_field() -> None:
    text = GOOD.replace("delivery: observe", "after: []").replace("apps/{environment}.yaml", "apps/shop.yaml")

    assert faults(text) == [("policy.yaml", 10, "position-shared")]


def test_every_fault_is_told_at_once_in_file_order() -> None:
    text = GOOD.replace("after: [dev]", "after: [a, b]").replace("kind: k", "of: x, kind: k")

    assert [(line, code) for _, line, code in faults(text)] == [
        (8, "unknown-environment"), (8, "unknown-environment"), (14, "of"),
    ]  # fmt: skip


def test_misspelt_field_is_guessed() -> None:
    with pytest.raises(PolicyFault, match="Did you mean cluster"):
        Policy.parse(GOOD.replace("    cluster: demo\n    after", "    clustr: demo\n    after"))


@pytest.mark.parametrize("text", ["a: [1", "a: 'x", "\ta: 1", "a: 1\na: 2", "a: *b", "a: \x00", "[" * 500, "%YAML"])
def test_unreadable_yaml_is_a_policy_fault(text: str) -> None:
    assert [code for _, _, code in faults(text)] in (["yaml"], ["document"])


def test_alias_bomb_is_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join(['*l' + str(n - 1)] * 9)}]\n" for n in range(1, 9))

    assert [code for _, _, code in faults("l0: &l0 [x]\n" + levels)] == ["yaml"]


def test_chain_of_deep_aliases_is_refused() -> None:
    levels = "".join(f"l{n}: &l{n} {'[' * 90}*l{n - 1}{']' * 90}\n" for n in range(1, 30))

    assert [code for _, _, code in faults("l0: &l0 [x]\n" + levels)] == ["yaml"]


def test_two_documents_are_refused_at_the_second() -> None:
    assert faults(f"{GOOD}---\nversion: 1\n") == [("policy.yaml", 16, "document")]
