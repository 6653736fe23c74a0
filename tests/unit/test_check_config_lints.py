"""Each of the mistakes that Flux and GitLab accept silently is named at its line, and its cure is not."""

import pytest

from config.lints import CODES, lint


def image_policy(pattern: str = "", extract: str = "", semver: str = "", alphabetical: str = "") -> str:
    lines = ["apiVersion: image.toolkit.fluxcd.io/v1", "kind: ImagePolicy", "metadata: {name: shop}", "spec:"]
    if pattern:
        lines += ["  filterTags:", f"    pattern: '{pattern}'"] + ([f"    extract: '{extract}'"] if extract else [])
    lines += ["  policy:"]
    lines += [f"    semver: {{range: '{semver}'}}"] if semver else [f"    alphabetical: {{order: {alphabetical}}}"]
    return "\n".join(lines) + "\n"


def codes(text: str, file: str = "cluster.yaml") -> list[tuple[int, str]]:
    return [(found.line, found.code) for found in lint(file, text)]


NUMBERS = r"^[0-9]+\.[0-9]+\.[0-9]+"


@pytest.mark.parametrize(
    ("pattern", "extract", "semver", "found"),
    [
        (NUMBERS + "-staging$", "", ">=1.0.0", True),
        (NUMBERS + "-prod$", "$0", ">=1.0.0", True),
        (r"^v[0-9]+\.[0-9]+\.[0-9]+-prod$", "", ">=1.0.0 || ^2", True),
        (r"^.*-preprod$", "", "1.x", True),
        (r"^(?P<version>[0-9.]+)-prod$", "${version}-prod", ">=1.0.0", True),
        (r"^(?P<version>[0-9.]+)-prod$", "$version", ">=1.0.0", False),
        (r"^([0-9.]+)-prod$", "$1", ">=1.0.0", False),
        (NUMBERS + "-prod$", "", ">=1.0.0-0", False),
        (r"^.*-prod$", "", ">=1.0.0-prod", False),
        (r"^.*-prod$", "", ">=1.0.0-0 <2.0.0", True),
        (r"^.*-prod$", "", ">=1.0.0-0 <2.0.0-0", False),
        (NUMBERS + "$", "", ">=1.0.0", False),
        ("", "", ">=1.0.0", False),
        ("^main-[a-f0-9]+$", "", ">=1.0.0", False),
        ("([", "", ">=1.0.0", False),
    ],
)
def test_range_that_leaves_out_the_filtered_tags_never_selects(
    pattern: str, extract: str, semver: str, found: bool
) -> None:
    text = image_policy(pattern, extract, semver)

    assert ("image-policy-never-selects" in [code for _, code in codes(text)]) is found


@pytest.mark.parametrize(
    ("pattern", "extract", "found"),
    [
        (NUMBERS + "-prod$", "$0", True),
        (NUMBERS + "$", "", True),
        (r"^v(?P<v>[0-9.]+)$", "$v", True),
        (r"^main-[a-f0-9]+-(?P<ts>[0-9]+)$", "$ts", False),
        (r"^RELEASE\.(?P<timestamp>.*)Z$", "$timestamp", False),
        ("", "", False),
    ],
)
def test_versions_ordered_as_text_are_named(pattern: str, extract: str, found: bool) -> None:
    text = image_policy(pattern, extract, alphabetical="asc")

    assert ("alphabetical-versions" in [code for _, code in codes(text)]) is found


def image_object(kind: str, version: str, spec: str = "{}") -> str:
    return f"apiVersion: image.toolkit.fluxcd.io/{version}\nkind: {kind}\nmetadata: {{name: shop}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (image_object("ImagePolicy", "v1beta1"), [(1, "image-api-removed")]),
        (image_object("ImageRepository", "v1beta2"), [(1, "image-api-removed")]),
        (image_object("ImageUpdateAutomation", "v1"), []),
        (image_object("ImageRepository", "v1", "{provider: gitlab}"), [(4, "image-repository-provider")]),
        (image_object("ImageRepository", "v1", "{provider: aws}"), []),
        (image_object("ImageRepository", "v1"), []),
    ],
)
def test_image_objects_that_are_not_served_are_named(text: str, found: list[tuple[int, str]]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("|\n        {{range .Updated.Images}}{{.}}{{end}}", [(8, "updated-template")]),
        ("'{{ range .Changed.Changes }}{{ .NewValue }}{{ end }}'", []),
        ("plain", []),
    ],
)
def test_commit_template_over_a_removed_field_is_named(template: str, found: list[tuple[int, str]]) -> None:
    text = (
        "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageUpdateAutomation\nmetadata:\n  name: apps\nspec:\n"
        f"  git:\n    commit:\n      messageTemplate: {template}\n"
    )

    assert codes(text) == found


def notification(kind: str, version: str, spec: str = "{}") -> str:
    api = f"apiVersion: notification.toolkit.fluxcd.io/{version}"
    return f"{api}\nkind: {kind}\nmetadata: {{name: gitlab}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (notification("Receiver", "v1beta3"), [(1, "notification-api")]),
        (notification("Receiver", "v1"), []),
        (notification("Alert", "v1beta2"), [(1, "notification-api")]),
        (notification("Alert", "v1beta3"), []),
        (notification("Provider", "v1", "{type: slack}"), [(1, "notification-api")]),
        (
            notification("Receiver", "v1", "{type: gitlab, events: [push, tag_push, Push Hook]}"),
            [(4, "receiver-events"), (4, "receiver-events")],
        ),
        (notification("Receiver", "v1", "{type: gitlab, events: [Push Hook, tag push hook]}"), []),
        (notification("Receiver", "v1", "{type: github, events: [push]}"), []),
    ],
)
def test_receivers_that_nothing_reaches_are_named(text: str, found: list[tuple[int, str]]) -> None:
    assert codes(text) == found


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://gitlab.com", True),
        ("https://gitlab.example/", True),
        ("https://gitlab.example/group", True),
        ("https://gitlab.example/group/project", False),
        ("https://gitlab.example/group/sub/project", False),
        ("https://gitlab.example/42", False),
    ],
)
def test_status_address_must_name_a_project(address: str, found: bool) -> None:
    text = notification("Provider", "v1beta3", f"{{type: gitlab, address: '{address}'}}")

    assert codes(text) == ([(4, "status-provider-address")] if found else [])


def test_status_provider_without_address_is_named_at_the_object() -> None:
    assert codes(notification("Provider", "v1beta3", "{type: gitlab}")) == [(1, "status-provider-address")]


AGENT = "gitops:\n  manifest_projects:\n  - id: group/flux-config\nflux:\n  version: v2.2.0\n"


def test_obsolete_agent_sections_are_named() -> None:
    assert codes(AGENT, ".gitlab/agents/production/config.yaml") == [
        (3, "agent-config-obsolete"),
        (4, "agent-config-obsolete"),
    ]
    assert codes("ci_access: {}\n", ".gitlab/agents/production/config.yaml") == []
    listens = "flux:\n  webhook_receiver_url: http://webhook-receiver.flux-system\n"
    assert codes(listens, ".gitlab/agents/production/config.yaml") == []
    assert codes(AGENT, "elsewhere/config.yaml") == []


def test_obsolete_agent_sections_inside_a_config_map_are_named() -> None:
    inner = "".join(f"    {line}\n" for line in AGENT.splitlines())

    assert codes(f"kind: ConfigMap\ndata:\n  config.yaml: |\n{inner}") == [
        (3, "agent-config-obsolete"),
        (3, "agent-config-obsolete"),
    ]
    assert codes("kind: ConfigMap\ndata:\n  config.yaml: |\n    flux: [x\n") == []


def test_templates_are_no_yaml_and_other_broken_files_are_findings() -> None:
    assert codes("a: {{ .Values.a }\n  b") == []
    assert codes("a: [") == [(1, "yaml")]


def test_every_document_of_a_file_is_looked_at() -> None:
    text = image_object("ImagePolicy", "v1") + "---\n" + image_object("ImagePolicy", "v1beta2")

    assert codes(text) == [(6, "image-api-removed")]


def test_every_finding_has_a_documented_code_and_a_cure() -> None:
    texts = [
        image_policy(NUMBERS + "-prod$", "", ">=1.0.0"),
        image_policy(NUMBERS + "$", alphabetical="asc"),
        image_object("ImageRepository", "v1beta2", "{provider: gitlab}"),
        notification("Receiver", "v1beta3", "{type: gitlab, events: [push]}"),
        notification("Provider", "v1beta3", "{type: gitlab}"),
    ]

    for found in (found for text in texts for found in lint("f.yaml", text)):
        assert found.code in CODES
        assert found.what
        assert found.why
        assert found.do.endswith(".")
