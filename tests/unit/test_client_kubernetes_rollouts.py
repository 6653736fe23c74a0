"""What Canaries, Deployments, Events and image automations say is understood by pure functions."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients.kubernetes import (
    SelectedImage,
    summarise,
    summarise_automation,
    summarise_canary,
    summarise_deployment,
    summarise_events,
)
from bot.errors import PermanentError

CANARY: dict[str, Any] = {
    "apiVersion": "flagger.app/v1beta1",
    "kind": "Canary",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "generation": 2},
    "spec": {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-app"}, "analysis": {}},
    "status": {
        "phase": "WaitingPromotion",
        "failedChecks": 1,
        "canaryWeight": 30,
        "iterations": 0,
        "lastAppliedSpec": "59968b6cb7",
        "lastPromotedSpec": "7694544894",
        "lastTransitionTime": "2026-11-23T07:22:29Z",
        "trackedConfigs": {},
        "conditions": [
            {
                "type": "Promoted",
                "status": "Unknown",
                "reason": "WaitingPromotion",
                "message": "Waiting for approval.",
                "lastTransitionTime": "2026-11-23T07:22:29Z",
                "lastUpdateTime": "2026-11-23T07:22:29Z",
            }
        ],
    },
}


def test_a_canary_names_its_phase_its_specs_and_both_workloads() -> None:
    found = summarise_canary(CANARY)

    assert (found.namespace, found.name, found.phase, found.failed_checks) == ("shop", "web", "WaitingPromotion", 1)
    assert (found.target_kind, found.target, found.primary) == ("Deployment", "web-app", "web-app-primary")
    assert (found.last_applied_spec, found.last_promoted_spec) == ("59968b6cb7", "7694544894")
    assert found.verdict is not None
    assert (found.verdict.status, found.verdict.reason) == ("Unknown", "WaitingPromotion")
    assert not found.suspended


@pytest.mark.parametrize("status", [None, {}, {"phase": ""}])
def test_a_canary_flagger_never_looked_at_is_initializing(status: dict[str, Any] | None) -> None:
    assert summarise_canary(CANARY | {"status": status}).phase == "Initializing"


@pytest.mark.parametrize(
    "odd", [{"status": {"phase": "Dancing"}}, {"spec": {}}, {"spec": None}, {"metadata": {}}, {"status": []}]
)
def test_a_canary_of_another_shape_needs_a_person(odd: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="Flagger version"):
        summarise_canary(CANARY | odd)


def deployment(*images: str, init: tuple[str, ...] = ()) -> dict[str, Any]:
    pods: dict[str, Any] = {"containers": [{"name": f"c{n}", "image": image} for n, image in enumerate(images)]}
    if init:
        pods["initContainers"] = [{"name": f"i{n}", "image": image} for n, image in enumerate(init)]
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "generation": 7},
        "spec": {"template": {"metadata": {}, "spec": pods}},
        "status": {"observedGeneration": 6},
    }


def test_a_deployment_names_every_image_of_its_template_once() -> None:
    found = summarise_deployment(deployment("r/web:2", "r/proxy:1", init=("r/migrate:2", "r/web:2")))

    assert found.images == ("r/migrate:2", "r/proxy:1", "r/web:2")
    assert (found.generation, found.observed_generation) == (7, 6)


@pytest.mark.parametrize("odd", [{"spec": {}}, {"spec": {"template": {"spec": {}}}}, {"metadata": None}])
def test_a_deployment_of_another_shape_needs_a_person(odd: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="Kubernetes version"):
        summarise_deployment(deployment("r/web:2") | odd)


def event(message: str, last: str | None, **more: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web.1", "creationTimestamp": "2026-11-23T07:00:00Z"},
        "type": "Normal",
        "reason": "Synced",
        "message": message,
        "lastTimestamp": last,
        **more,
    }


def test_events_come_in_the_order_they_were_last_said() -> None:
    told = summarise_events(
        [
            event("third", None, series={"count": 4, "lastObservedTime": "2026-11-23T07:09:00.123456Z"}),
            event("second", "2026-11-23T07:05:00Z", count=9),
            event("first", None, eventTime="2026-11-23T07:01:00Z"),
        ]
    )

    assert [found.message for found in told] == ["first", "second", "third"]


def test_events_of_one_second_come_in_the_order_they_were_written() -> None:
    at = "2026-11-23T07:05:00Z"

    told = summarise_events([event(text, at, metadata={"resourceVersion": text}) for text in ("100", "9", "odd")])

    assert [found.message for found in told] == ["odd", "9", "100"]


def test_a_folded_event_says_what_it_was_last_folded_from() -> None:
    (told,) = summarise_events([event("(combined from similar events): Halt web.shop advancement", None)])

    assert told.message == "Halt web.shop advancement"


def test_an_event_of_another_shape_needs_a_person() -> None:
    with pytest.raises(PermanentError):
        summarise_events([event("late", "yesterday")])


def automation(spec: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "kind": "ImageUpdateAutomation",
        "metadata": {"name": "all", "namespace": "flux-system"},
        "spec": spec,
        "status": status,
    }


def test_an_automation_says_what_it_saw_selected_and_where_it_writes() -> None:
    seen = {"name": "r/web", "tag": "1.2.3-prod", "digest": "sha256:1"}
    status = {"observedPolicies": {"web": seen}, "lastPushCommit": "abc", "observedGeneration": 1}

    found = summarise_automation(automation({"update": {"path": "./apps", "strategy": "Setters"}}, status))

    assert (found.path, found.last_push_commit, found.suspended) == ("./apps", "abc", False)
    assert found.observed == {"web": SelectedImage(name="r/web", tag="1.2.3-prod", digest="sha256:1")}


@pytest.mark.parametrize(
    ("selector", "labels", "served"),
    [
        (None, {}, True),
        ({}, {"team": "a"}, True),
        ({"matchLabels": {"team": "a"}}, {"team": "a"}, True),
        ({"matchLabels": {"team": "a"}}, {}, False),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, {}, True),
        ({"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}, {"team": "a"}, False),
        ({"matchExpressions": [{"key": "team", "operator": "Exists"}]}, {"team": ""}, True),
        ({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}, {"team": ""}, False),
    ],
)
def test_an_automation_serves_the_policies_its_selector_takes(
    selector: dict[str, Any] | None, labels: dict[str, str], served: bool
) -> None:
    assert summarise_automation(automation({"policySelector": selector})).serves(labels) is served


def test_an_automation_of_another_shape_needs_a_person() -> None:
    with pytest.raises(PermanentError, match="Flux version"):
        summarise_automation(automation({}, {"observedPolicies": ["web"]}))


def test_a_policy_tells_its_labels_and_its_selection() -> None:
    found = summarise(
        {
            "kind": "ImagePolicy",
            "metadata": {"name": "web", "namespace": "flux-system", "labels": {"team": "a"}, "generation": 2},
            "status": {"observedGeneration": 1, "latestRef": {"name": "r/web", "tag": "2"}},
        }
    )

    assert (found.labels, found.selected) == ({"team": "a"}, SelectedImage(name="r/web", tag="2"))
    assert found.ready == "Unknown"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", "spec", "status", "name", "phase", "template"]), inner)
    ),
    max_leaves=12,
)


def refusal(summary: Callable[[dict[str, Any]], object], document: dict[str, Any]) -> str:
    try:
        summary(document)
    except PermanentError as error:
        return str(error)
    return ""


@given(document=st.dictionaries(st.sampled_from(["metadata", "spec", "status", "kind"]), JSON))
def test_whatever_a_cluster_answers_is_understood_or_said_to_be_odd(document: dict[str, Any]) -> None:
    for summary in (summarise_canary, summarise_deployment, summarise_automation):
        said = refusal(summary, document)

        assert said == "" or "see the supported versions" in said
