"""Sluice has the rights for exactly what its program reads: no more, and none is missing."""

import re

import pytest
from flux_tree import CLUSTERS, REPOSITORY, named, objects_of

from bot.clients.kubernetes.kinds import RESOURCES, Kind

READS: dict[Kind, set[str]] = {
    "Kustomization": {"get", "list", "watch"},
    "Canary": {"get", "list", "watch"},
    "ImagePolicy": {"get"},
    "ImageUpdateAutomation": {"list"},
    "Deployment": {"get"},
    "Event": {"list"},
}
NAMED = {"KUSTOMIZATION": "Kustomization", "CANARY": "Canary", "POLICY": "ImagePolicy",
         "AUTOMATION": "ImageUpdateAutomation"}  # fmt: skip
CALL = re.compile(r"cluster\.(get|list|watch|create|patch|replace|apply|delete)\(\s*(?:\"(\w+)\"|([A-Z_]+))")
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


def test_the_program_reads_what_the_rights_are_written_for() -> None:
    calls = {
        (found[1], found[2] or NAMED[found[3]])
        for file in (REPOSITORY / "bot").rglob("*.py")
        if "sandbox" not in file.parts and "clients" not in file.parts
        for found in CALL.finditer(file.read_text("utf-8"))
    }
    # A watch lists first (bot/clients/kubernetes/cluster.py).
    lists = {("list", kind) for verb, kind in calls if verb == "watch"}

    assert calls | lists == {(verb, kind) for kind, verbs in READS.items() for verb in verbs}


@every_cluster
def test_the_cluster_roles_grant_exactly_that(cluster: str) -> None:
    granted = {
        (group, resource, verb)
        for name in ("sluice-watcher", "sluice-observer")
        for rule in rules_of(cluster, name)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert granted == {
        (RESOURCES[kind].group, RESOURCES[kind].plural, verb) for kind, verbs in READS.items() for verb in verbs
    }


@every_cluster
def test_only_what_is_watched_is_granted_in_the_whole_cluster(cluster: str) -> None:
    bound = [one for one in objects_of(cluster, "ClusterRoleBinding") if subject(one) == ("sluice", "sluice")]

    assert [one["roleRef"]["name"] for one in bound] == ["sluice-watcher"]
    assert all("watch" in rule["verbs"] for rule in rules_of(cluster, "sluice-watcher"))


@every_cluster
def test_the_rest_is_granted_where_it_is_looked_at(cluster: str) -> None:
    bound = {one["metadata"]["namespace"]: one for one in objects_of(cluster, "RoleBinding")}

    assert set(bound) == {"flux-system", "demo-service", "node-service"}
    assert all(one["roleRef"]["name"] == "sluice-observer" for one in bound.values())
    assert all(subject(one) == ("sluice", "sluice") for one in bound.values())


@every_cluster
def test_every_binding_names_a_role_and_an_account_that_exist(cluster: str) -> None:
    for one in objects_of(cluster, "RoleBinding", "ClusterRoleBinding"):
        assert named(cluster, "ClusterRole", "", one["roleRef"]["name"]) is not None
        assert named(cluster, "ServiceAccount", *subject(one)) is not None


@every_cluster
def test_no_right_of_ours_changes_anything_or_reads_secrets(cluster: str) -> None:
    rules = [rule for one in objects_of(cluster, "ClusterRole") for rule in one["rules"]]

    assert rules
    assert all(set(rule["verbs"]) <= {"get", "list", "watch"} for rule in rules)
    assert all("secrets" not in rule["resources"] for rule in rules)
    assert all("*" not in rule["apiGroups"] + rule["resources"] for rule in rules)


def rules_of(cluster: str, name: str) -> list[dict[str, list[str]]]:
    role = named(cluster, "ClusterRole", "", name)
    assert role is not None
    found: list[dict[str, list[str]]] = role["rules"]
    return found


def subject(binding: dict[str, list[dict[str, str]]]) -> tuple[str, str]:
    (one,) = binding["subjects"]
    return one["namespace"], one["name"]
