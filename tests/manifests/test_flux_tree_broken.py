"""Each check of the tree sees the mistake it is for, and says where it is and what to do: shown on broken copies."""

from pathlib import Path

import flux_checks
import pytest
from flux_breaking import Change, broken
from flux_building import CannotBuild
from flux_checks import CHECKS, Check
from flux_tree import Tree

APPS, INFRASTRUCTURE, NOTIFICATIONS = "flux/apps", "flux/infrastructure", "flux/notifications"
DEMO = f"{APPS}/demo-service/base"
SECRET = "- secretRef:\n                name: demo-service"
CONFIG = "flux/clusters/production/cluster-config.yaml"
JOB = """---
apiVersion: batch/v1
kind: CronJob
metadata:
  name: nightly
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - name: nightly
              image: busybox
"""


MISTAKES: list[tuple[Check, Change, str]] = [
    (
        flux_checks.unpinned_images,
        Change(f"{INFRASTRUCTURE}/jaeger/deployment.yaml", "jaeger:2.13.0", "jaeger:latest"),
        "jaegertracing/jaeger:latest in production may be another image tomorrow. Write the exact version",
    ),
    (
        flux_checks.unpinned_images,
        Change(f"{INFRASTRUCTURE}/opentelemetry/instrumentation.yaml", "java:2.", "java:"),
        "may be another image tomorrow. Write the exact version",
    ),
    (
        flux_checks.unpinned_images,
        Change(f"{APPS}/bot/production/image/kustomization.yaml", "newTag: 0.1.0", "newTag: main"),
        "registry.example.com/demo/sluice:main in production may be another image tomorrow. Write the exact version",
    ),
    (
        flux_checks.unpinned_images,
        Change(f"{APPS}/node-service/base/service-account.yaml", "", JOB),
        "busybox in production may be another image tomorrow. Write the exact version",
    ),
    (
        flux_checks.unpinned_charts,
        Change(f"{INFRASTRUCTURE}/opentelemetry-operator/release.yaml", "version: 0.120.0", 'version: "0.x"'),
        "HelmRelease flux-system/opentelemetry-operator in production takes 0.x. Write an exact version.",
    ),
    (
        flux_checks.unpinned_charts,
        Change(f"{INFRASTRUCTURE}/sources/flagger.yaml", "tag: 1.41.0", 'semver: ">=1.41"'),
        "OCIRepository flux-system/flagger in production takes whatever is newest. Write an exact version.",
    ),
    (
        flux_checks.foreign_images,
        Change(f"{APPS}/node-service/production/image/kustomization.yaml", "demo/node-service", "demo/node"),
        "node-service in production runs ['registry.example.com/demo/node']. Write newName: registry.example.com/demo/",
    ),
    (
        flux_checks.selectors_without_pods,
        Change(f"{APPS}/bot/base/service.yaml", "selector:\n    app.kubernetes.io/name:", "selector:\n    app:"),
        "Service sluice/sluice in production selects {'app': 'sluice'}, and no pod there has these labels. Mend",
    ),
    (
        flux_checks.selectors_without_pods,
        Change(f"{DEMO}/disruption-budget.yaml", "part-of: greeting", "part-of: greetings"),
        "PodDisruptionBudget demo-service/demo-service in production selects",
    ),
    (
        flux_checks.dangling_references,
        Change(f"{DEMO}/deployment.yaml", "serviceAccountName: demo-service", "serviceAccountName: demo-account"),
        "names the ServiceAccount demo-service/demo-account, which nothing applies. Mend the name, or add the object",
    ),
    (
        flux_checks.dangling_references,
        Change(f"{DEMO}/deployment.yaml", SECRET, SECRET.replace("demo-service", "its-own")),
        "names the Secret demo-service/its-own, which nothing applies.",
    ),
    (
        flux_checks.dangling_references,
        Change(f"{DEMO}/deployment.yaml", "            name: feature-flags", "            name: features"),
        "names the ConfigMap demo-service/features, which nothing applies.",
    ),
    (
        flux_checks.dangling_references,
        Change(f"{NOTIFICATIONS}/provider.yaml", "name: sluice-webhook", "name: webhook"),
        "Provider flux-system/sluice in production names the Secret flux-system/webhook",
    ),
    (
        flux_checks.dangling_references,
        Change("flux/clusters/production/apps.yaml", "- name: infrastructure", "- name: platform"),
        "names the Kustomization flux-system/platform",
    ),
    (
        flux_checks.silent_sources,
        Change(f"{NOTIFICATIONS}/alerts.yaml", "kind: HelmChart", "kind: Bucket"),
        "Alert flux-system/sources in production waits for Bucket *, and there is none in its namespace. Mend",
    ),
    (
        flux_checks.silent_sources,
        Change(f"{NOTIFICATIONS}/receiver.yaml", "name: flux-system", "name: flux"),
        "Receiver flux-system/gitlab in production waits for GitRepository flux, and there is none",
    ),
    (
        flux_checks.monitors_without_service,
        Change(f"{APPS}/bot/base/service-monitor.yaml", "port: http", "port: metrics"),
        "ServiceMonitor sluice/sluice in production looks for Services with",
    ),
    (
        flux_checks.unused_variables,
        Change(CONFIG, "data:\n", "data:\n  region: eu-1\n"),
        "region of production is used nowhere. Take it out, or use it as ${region}.",
    ),
]
"""A check, what it is shown in one copy that has all of these at once, and what it then says."""


@pytest.fixture(scope="module")
def broken_tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return broken(tmp_path_factory.mktemp("broken"), *(change for _, change, _ in MISTAKES))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_mistake_is_named_with_its_file_and_its_mend_and_nothing_else_is(check: Check, broken_tree: Tree) -> None:
    made = [(change.file, told) for seen_by, change, told in MISTAKES if seen_by is check]

    found = check(broken_tree, "production")

    assert made
    assert [told for file, told in made if not any(is_said(one, file, told) for one in found)] == [], found
    assert [one for one in found if not any(is_said(one, file, told) for file, told in made)] == []


def is_said(finding: str, file: str, told: str) -> bool:
    files, _, rest = finding.partition(": ")
    return file in files.split(", ") and told in rest


def test_an_undefined_substitution_is_named_with_its_file_and_its_mend(tmp_path: Path) -> None:
    change = Change(f"{NOTIFICATIONS}/ingress.yaml", "host: flux-webhook.${domain}", "host: flux-webhook.${domian}")

    with pytest.raises(CannotBuild) as refused:
        broken(tmp_path, change).layers("production")

    assert str(refused.value).startswith(f"{change.file}: ${{domian}} is not defined. Add it to cluster-config.yaml")


def test_a_variable_that_a_cluster_forgot_is_named_with_every_file_that_uses_it(tmp_path: Path) -> None:
    tree = broken(tmp_path, Change(CONFIG, "  ingress_class: nginx\n", ""))

    with pytest.raises(CannotBuild) as refused:
        tree.layers("production")

    files = str(refused.value).partition(": ")[0].split(", ")
    assert {f"{APPS}/bot/base/ingress.yaml", f"{NOTIFICATIONS}/ingress.yaml"} <= set(files)


def test_a_substitution_with_a_default_needs_no_value(tmp_path: Path) -> None:
    tree = broken(
        tmp_path, Change(f"{NOTIFICATIONS}/alerts.yaml", "eventSeverity: info", "eventSeverity: ${severity:=info}")
    )

    assert {one["spec"]["eventSeverity"] for one in tree.objects_of("production", "Alert")} == {"info"}


def test_what_is_not_for_flux_is_written_with_two_dollars(tmp_path: Path) -> None:
    change = Change(f"{DEMO}/kustomization.yaml", "GREETING_PREFIX=Hello", "GREETING_PREFIX=$${NAME}")

    config = broken(tmp_path, change).named("production", "ConfigMap", "demo-service", "demo-service")

    assert config is not None
    assert config["data"]["GREETING_PREFIX"] == "${NAME}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change(f"{NOTIFICATIONS}/kustomization.yaml", "- receiver.yaml", "- gone.yaml"), "gone.yaml"),
        (Change(f"{NOTIFICATIONS}/kustomization.yaml", "resources:", "resource:"), 'unknown field "resource"'),
        (Change(f"{NOTIFICATIONS}/alerts.yaml", "kind: Alert\n", "kind: Alert\n  kind: Alert\n"), "alerts.yaml"),
        (Change("flux/clusters/production/notifications.yaml", "path: ./flux/not", "path: ./flux/nut"), "Write it"),
    ],
    ids=["missing file", "unknown field", "broken YAML", "missing folder"],
)  # fmt: skip
def test_a_folder_that_does_not_build_is_named_with_what_is_wrong(change: Change, told: str, tmp_path: Path) -> None:
    with pytest.raises(CannotBuild) as refused:
        broken(tmp_path, change).layers("production")

    assert told in str(refused.value)
