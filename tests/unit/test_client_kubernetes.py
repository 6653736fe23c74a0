"""What Flux objects and watches say is understood by pure functions, and odd ones are told apart."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients.kubernetes import Change, summarise
from bot.clients.kubernetes.connection import Connection, Gone
from bot.clients.kubernetes.kinds import RESOURCES
from bot.clients.kubernetes.watching import Known, parse_event
from bot.errors import PermanentError, TemporaryError

CONNECTION = Connection("staging", None, None)
KUSTOMIZATION: dict[str, Any] = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "shop", "namespace": "flux-system", "uid": "u-1", "resourceVersion": "42", "generation": 3},
    "spec": {"suspend": True, "path": "./apps/shop"},
    "status": {
        "observedGeneration": 3,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "ReconciliationSucceeded",
                "message": "Applied revision: main@sha1:abc",
                "lastTransitionTime": "2026-11-01T12:00:00Z",
                "observedGeneration": 3,
            }
        ],
        "lastAppliedRevision": "main@sha1:abc",
        "lastAttemptedRevision": "main@sha1:def",
        "lastAppliedOriginRevision": "v1@sha1:123",
        "inventory": {"entries": [{"id": "shop_shop_apps_Deployment", "v": "v1"}]},
        "history": [
            {
                "digest": "sha256:1",
                "firstReconciled": "2026-11-01T11:00:00Z",
                "lastReconciled": "2026-11-01T12:00:00Z",
                "lastReconciledDuration": "1.5s",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "totalReconciliations": 4,
                "metadata": {"revision": "main@sha1:abc"},
            }
        ],
    },
}


def test_a_kustomization_says_what_it_applied() -> None:
    found = summarise(KUSTOMIZATION)

    assert (found.kind, found.namespace, found.name, found.resource_version) == (
        "Kustomization",
        "flux-system",
        "shop",
        "42",
    )
    assert (found.ready, found.settled, found.suspended) == ("True", True, True)
    assert found.last_applied_revision == "main@sha1:abc"
    assert found.last_attempted_revision == "main@sha1:def"
    assert found.last_applied_origin_revision == "v1@sha1:123"
    assert found.inventory == ("shop_shop_apps_Deployment",)
    assert [(line.digest, line.revision, line.status) for line in found.history] == [
        ("sha256:1", "main@sha1:abc", "ReconciliationSucceeded")
    ]


def test_an_object_of_an_older_generation_is_not_ready() -> None:
    newer = KUSTOMIZATION | {"metadata": KUSTOMIZATION["metadata"] | {"generation": 4}}

    found = summarise(newer)

    assert (found.ready, found.settled) == ("Unknown", False)


def test_a_reconciling_object_is_not_settled() -> None:
    conditions = [*KUSTOMIZATION["status"]["conditions"], {"type": "Reconciling", "status": "True"}]
    busy = KUSTOMIZATION | {"status": KUSTOMIZATION["status"] | {"conditions": conditions}}

    assert not summarise(busy).settled


@pytest.mark.parametrize("status", [None, {}, {"conditions": None, "history": None, "inventory": None}])
def test_an_object_without_a_status_is_unknown(status: dict[str, Any] | None) -> None:
    fresh = {key: value for key, value in KUSTOMIZATION.items() if key != "status"}
    if status is not None:
        fresh["status"] = status

    found = summarise(fresh)

    assert (found.ready, found.history, found.inventory, found.last_applied_revision) == ("Unknown", (), (), "")


def test_a_helm_release_keeps_its_chart_versions() -> None:
    release = {
        "kind": "HelmRelease",
        "metadata": {"name": "shop", "namespace": "shop", "generation": 1},
        "status": {
            "observedGeneration": 1,
            "lastAttemptedRevision": "1.3.0",
            "history": [{"chartVersion": "1.2.0", "digest": "sha256:9", "status": "deployed", "version": 4}],
        },
    }

    found = summarise(release)

    assert [(line.revision, line.status) for line in found.history] == [("1.2.0", "deployed")]
    assert found.last_attempted_revision == "1.3.0"


def test_an_image_policy_names_what_it_selected() -> None:
    policy = {
        "kind": "ImagePolicy",
        "metadata": {"name": "shop", "namespace": "flux-system"},
        "status": {"latestRef": {"name": "registry.example.org/shop", "tag": "1.2.0", "digest": "sha256:1"}},
    }

    selected = summarise(policy).selected

    assert selected is not None
    assert (selected.name, selected.tag, selected.digest) == ("registry.example.org/shop", "1.2.0", "sha256:1")


def test_a_source_applies_its_artifact() -> None:
    source = {
        "kind": "GitRepository",
        "metadata": {"name": "config", "namespace": "flux-system"},
        "status": {"artifact": {"revision": "main@sha1:abc", "path": "x"}},
    }

    assert summarise(source).last_applied_revision == "main@sha1:abc"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "Kustomization"},
        {"kind": "Kustomization", "metadata": {"name": 5}},
        KUSTOMIZATION | {"status": {"conditions": [{"type": "Ready", "status": "Maybe"}]}},
        KUSTOMIZATION | {"status": {"lastAppliedRevision": 5}},
        KUSTOMIZATION | {"status": []},
    ],
)
def test_another_shape_is_said_to_be_one(document: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="another shape"):
        summarise(document)


def line(type_: str, **metadata: str) -> bytes:
    return json.dumps({"type": type_, "object": {"metadata": metadata}}).encode()


def parse(text: bytes) -> Any:
    return parse_event(CONNECTION, RESOURCES["Kustomization"], "Kustomization", text)


def test_the_lines_of_a_watch_are_understood() -> None:
    added = parse(line("ADDED", name="shop", namespace="flux-system", resourceVersion="7"))
    deleted = parse(line("DELETED", name="shop", namespace="flux-system", resourceVersion="9"))
    bookmark = parse(line("BOOKMARK", resourceVersion="11"))

    assert (added.change.how, added.change.key, added.resource_version) == ("changed", ("flux-system", "shop"), "7")
    assert added.change.object["kind"] == "Kustomization"
    assert (deleted.change.how, deleted.resource_version) == ("deleted", "9")
    assert (bookmark.change, bookmark.resource_version) == (None, "11")


def test_an_error_event_of_410_asks_for_a_new_list() -> None:
    with pytest.raises(Gone):
        parse(b'{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old resource version"}}')


def test_an_error_event_of_403_names_the_right() -> None:
    with pytest.raises(PermanentError, match=r"verbs \['watch'\]"):
        parse(b'{"type":"ERROR","object":{"code":403,"message":"forbidden"}}')


@given(st.binary(max_size=80) | st.sampled_from([b'{"type":"ERROR","object":[]}', b'{"type":"ADDED","object":{}}']))
def test_an_unreadable_line_is_temporary(text: bytes) -> None:
    with pytest.raises(TemporaryError):
        parse(text)


states = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 3).map(str))


@given(st.lists(states, min_size=1, max_size=6))
def test_after_any_lists_what_was_told_adds_up_to_the_last_one(lists: list[dict[str, str]]) -> None:
    known, told = Known(), dict[str, str]()
    for state in lists:
        items = [{"metadata": {"name": name, "resourceVersion": version}} for name, version in state.items()]
        for change in known.differences(items):
            known.learn(change)
            if change.how == "deleted":
                del told[change.key[1]]
            else:
                assert told.get(change.key[1]) != change.resource_version, "told twice"
                told[change.key[1]] = change.resource_version

        assert told == state


def test_what_was_not_taken_is_told_again() -> None:
    known = Known()
    items = [{"metadata": {"name": "shop", "resourceVersion": "1"}}]

    assert len(known.differences(items)) == 1
    assert len(known.differences(items)) == 1
    known.learn(Change(how="changed", object=items[0]))

    assert known.differences(items) == []


@pytest.mark.parametrize(
    ("namespace", "name", "path"),
    [
        (None, None, "/apis/apps/v1/deployments"),
        ("shop", None, "/apis/apps/v1/namespaces/shop/deployments"),
        ("shop", "web", "/apis/apps/v1/namespaces/shop/deployments/web"),
    ],
)
def test_objects_lie_where_kubernetes_serves_them(namespace: str | None, name: str | None, path: str) -> None:
    assert RESOURCES["Deployment"].path(namespace, name) == path
    assert RESOURCES["ConfigMap"].path("shop", "x") == "/api/v1/namespaces/shop/configmaps/x"
