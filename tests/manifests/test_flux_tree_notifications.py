"""What Flux, Flagger and GitLab send arrives where it is waited for, and names the cluster it comes from."""

import pytest
from flux_tree import CLUSTERS, named, objects_of, variables

from bot.receivers.flagger import GATES, HOOKS
from bot.sandbox.cluster.durations import seconds_of
from bot.sandbox.documents import Document

ALERTED = {"GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Kustomization", "HelmRelease",
           "ImageRepository", "ImagePolicy", "ImageUpdateAutomation"}  # fmt: skip
with_canaries = pytest.mark.parametrize("cluster", ["staging", "production"])
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
def test_alerts_cover_every_kind_that_tells_something(cluster: str) -> None:
    assert {kind for kind, _ in sources(cluster)} == ALERTED


@every_cluster
def test_alerts_see_every_object_of_ours_that_tells_something(cluster: str) -> None:
    assert {name for _, name in sources(cluster)} == {"*"}
    assert {one["metadata"]["namespace"] for one in objects_of(cluster, *ALERTED)} == {"flux-system"}, (
        "alerts see their own namespace"
    )


@every_cluster
def test_alerts_say_cluster_and_environment(cluster: str) -> None:
    for alert in objects_of(cluster, "Alert"):
        assert alert["spec"]["eventMetadata"] == {"cluster": cluster, "environment": cluster}
        assert alert["spec"]["eventSeverity"] == "info"
        assert not {"exclusionList", "inclusionList"} & set(alert["spec"])


@every_cluster
def test_the_provider_signs_and_gives_every_attempt_its_time(cluster: str) -> None:
    (provider,) = objects_of(cluster, "Provider")

    # Attempts at 0, 2, 6, 14 and 30 s must all fit (notification-controller 1.9).
    assert seconds_of(provider["spec"]["timeout"]) == 60
    assert provider["spec"]["type"] == "generic-hmac"
    assert provider["spec"]["address"] == f"{variables(cluster)['sluice_url']}/hooks/flux/{cluster}"
    assert holds(named(cluster, "Secret", "flux-system", provider["spec"]["secretRef"]["name"]), "token")
    assert {one["spec"]["providerRef"]["name"] for one in objects_of(cluster, "Alert")} == {
        provider["metadata"]["name"]
    }


@every_cluster
def test_gitlab_tells_flux_of_pushes_to_what_it_applies(cluster: str) -> None:
    (receiver,) = objects_of(cluster, "Receiver")

    assert receiver["spec"]["type"] == "gitlab"
    assert holds(named(cluster, "Secret", "flux-system", receiver["spec"]["secretRef"]["name"]), "token")
    assert [(one["kind"], one["name"]) for one in receiver["spec"]["resources"]] == [("GitRepository", "flux-system")]


@every_cluster
def test_the_governing_sluice_knows_every_cluster_that_reports_to_it(cluster: str) -> None:
    inside = variables(cluster)["sluice_url"] == "http://sluice.sluice"

    if inside:
        assert named(cluster, "Service", "sluice", "sluice") is not None
    else:
        (ingress,) = [one for one in objects_of("production", "Ingress") if one["metadata"]["name"] == "sluice"]
        assert variables(cluster)["sluice_url"] == f"https://{ingress['spec']['rules'][0]['host']}"


@with_canaries
def test_canaries_ask_every_gate_and_report_every_event(cluster: str) -> None:
    base = variables(cluster)["sluice_url"]
    wanted = {
        "event": f"{base}/hooks/flagger/{cluster}/event",
        "post-rollout": f"{base}/hooks/flagger/{cluster}/post-rollout",
        "confirm-rollout": f"{base}/gates/{cluster}/confirm-rollout",
        "confirm-promotion": f"{base}/gates/{cluster}/confirm-promotion",
        "rollback": f"{base}/gates/{cluster}/rollback",
    }
    assert {name for name in wanted if name not in HOOKS and name not in GATES} == set()

    for canary in objects_of(cluster, "Canary"):
        ours = [one for one in canary["spec"]["analysis"]["webhooks"] if one["url"].startswith(base)]
        assert {one["type"]: one["url"] for one in ours} == wanted
        assert all(one["metadata"]["token"] for one in ours)


@with_canaries
def test_no_hook_of_sluice_could_fail_a_canary(cluster: str) -> None:
    base = variables(cluster)["sluice_url"]
    hooks = [one for found in objects_of(cluster, "Canary") for one in found["spec"]["analysis"]["webhooks"]]

    # Flagger counts any other answer of these types as a failed check; no type is `rollout`.
    assert {one.get("type", "rollout") for one in hooks if one["url"].startswith(base)} & {
        "pre-rollout", "rollout"
    } == set()  # fmt: skip


@with_canaries
def test_canaries_own_their_service_and_judge_by_errors_and_time(cluster: str) -> None:
    canaries = objects_of(cluster, "Canary")

    assert {one["metadata"]["name"] for one in canaries} == {"demo-service", "node-service"}
    for canary in canaries:
        namespace = canary["metadata"]["namespace"]
        metrics = [one["templateRef"]["name"] for one in canary["spec"]["analysis"]["metrics"]]
        assert named(cluster, "Service", namespace, canary["metadata"]["name"]) is None
        assert metrics == ["request-success-rate", "request-duration"]


def sources(cluster: str) -> set[tuple[str, str]]:
    return {
        (source["kind"], source["name"])
        for alert in objects_of(cluster, "Alert")
        for source in alert["spec"]["eventSources"]
    }


def holds(secret: Document | None, key: str) -> bool:
    return secret is not None and key in secret["stringData"]
