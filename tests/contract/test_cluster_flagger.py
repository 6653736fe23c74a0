"""The embedded cluster's Flagger asks, measures, promotes and rolls back as the recorded Flagger 1.41 does."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from shared_payloads import load_payload, payload_files, payload_id

from bot.sandbox.cluster import Cluster, Settings
from bot.sandbox.cluster.access import admin
from bot.sandbox.cluster.kinds import CANARY, DEPLOYMENT, EVENT
from bot.sandbox.serving import Listener

TYPES = (
    "event", "confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion",
    "post-rollout", "rollback",
)  # fmt: skip
IMAGE = "registry.example/web"
SUCCESS_RATE = [{"name": "success", "templateRef": {"name": "success"}, "thresholdRange": {"min": 99}}]


class Receiver:
    """Answers each type of hook with the status it is told, 200 else; rollback says no, as it must."""

    def __init__(self) -> None:
        self.answers: dict[str, int] = {"rollback": 403}
        self.calls: list[tuple[str, dict[str, str], bytes]] = []
        app = web.Application()
        app.router.add_post("/{type}", self._hear)
        self.listener = Listener(app)

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(body) for asked, _, body in self.calls if asked == kind]

    def said(self) -> list[tuple[str, str, str]]:
        """Phase, type and message of every event, in order."""
        events = ((body["phase"], body["metadata"]) for body in self.bodies("event"))
        return [(phase, told["eventType"], told["eventMessage"]) for phase, told in events]

    def messages(self) -> list[str]:
        return [message for _, _, message in self.said()]

    async def _hear(self, request: web.Request) -> web.Response:
        kind = request.match_info["type"]
        self.calls.append((kind, dict(request.headers), await request.read()))
        return web.Response(status=self.answers.get(kind, 200), text="closed" if kind in self.answers else "")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listening = Receiver()
    await listening.listener.start("127.0.0.1")
    yield listening
    await listening.listener.stop()


@pytest.fixture
async def cluster(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Cluster]:
    running = Cluster(
        "demo",
        tmp_path / "cluster",
        lambda: datetime(2026, 11, 23, 7, 21, 9, tzinfo=UTC),
        users=(admin("t"),),
        pull=lambda image: None if image.endswith(":missing") else "sha256:" + "1" * 64,
        settings=Settings(rollout=0.0, stall=0.02, canary_interval=0.02, canary_deadline=0.2),
    )
    await running.start()
    running.flagger.hooks.services["bot.sluice"] = receiver.listener.url
    running.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    running.put(deployment("1.0.0"))
    yield running
    await running.stop()


def deployment(version: str) -> dict[str, Any]:
    pods = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": f"{IMAGE}:{version}"}]},
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": pods}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": spec,
    }


def canary(*without: str, provider: str = "", **analysis: Any) -> dict[str, Any]:
    hooks = [
        {"name": f"ask-{kind}", "type": kind, "url": f"http://bot.sluice/{kind}", "metadata": {"token": "t-1"}}
        for kind in TYPES
        if kind not in without
    ]
    usual = {"interval": "20ms", "threshold": 2, "iterations": 2, "metrics": SUCCESS_RATE, "webhooks": hooks}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"targetRef": target, "service": {"port": 80}, "analysis": usual | analysis}
    if provider:
        spec["provider"] = provider
    return {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": spec,
    }


async def until(holds: Callable[[], object], within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.01)


def status(cluster: Cluster) -> dict[str, Any]:
    return dict(cluster.objects.get(CANARY, "shop", "web").get("status") or {})


def in_phase(cluster: Cluster, phase: str) -> bool:
    return status(cluster).get("phase") == phase


def workload(cluster: Cluster, name: str) -> tuple[str, int]:
    """Version and replicas."""
    spec = cluster.objects.get(DEPLOYMENT, "shop", name)["spec"]
    return spec["template"]["spec"]["containers"][0]["image"].rpartition(":")[2], spec["replicas"]


def roll_out(cluster: Cluster, version: str) -> None:
    """Write a template as Git does, without touching replicas."""
    live = cluster.objects.get(DEPLOYMENT, "shop", "web")
    live["spec"]["template"] = deployment(version)["spec"]["template"]
    cluster.objects.update(DEPLOYMENT, live)


async def begun(cluster: Cluster, **how: Any) -> None:
    cluster.put(canary(**how))
    await until(partial(in_phase, cluster, "Initialized"))


async def released(cluster: Cluster, receiver: Receiver, version: str) -> None:
    roll_out(cluster, version)
    await until(lambda: workload(cluster, "web-primary")[0] == version and in_phase(cluster, "Succeeded"))
    await until(lambda: "Promotion completed! Scaling down web.shop" in receiver.messages())


async def failed(cluster: Cluster, receiver: Receiver, version: str) -> None:
    roll_out(cluster, version)
    await until(lambda: len([one for one in receiver.bodies("post-rollout") if one["phase"] == "Failed"]) == 1)
    await until(partial(in_phase, cluster, "Failed"))


async def test_a_new_canary_gets_a_primary_and_its_target_is_scaled_down(cluster: Cluster, receiver: Receiver) -> None:
    cluster.put(canary())
    await until(partial(in_phase, cluster, "Initialized"))

    assert workload(cluster, "web-primary") == ("1.0.0", 2)
    assert workload(cluster, "web") == ("1.0.0", 0)
    primary = cluster.objects.get(DEPLOYMENT, "shop", "web-primary")
    assert primary["spec"]["selector"]["matchLabels"] == {"app": "web-primary"}
    assert "flagger-id" in primary["spec"]["template"]["metadata"]["annotations"]
    seen = status(cluster)
    assert seen["lastAppliedSpec"] == seen["lastPromotedSpec"]
    assert (
        seen["conditions"][0] | {"type": "Promoted", "status": "True", "reason": "Initialized"} == seen["conditions"][0]
    )
    await until(lambda: ("Initialized", "Normal", "Initialization done! web.shop") in receiver.said())


async def test_a_good_revision_is_analysed_promoted_and_served(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)

    await released(cluster, receiver, "1.1.0")

    assert workload(cluster, "web-primary") == ("1.1.0", 2)
    assert workload(cluster, "web") == ("1.1.0", 0)
    said = receiver.said()
    told = said[said.index(("Initialized", "Normal", "Confirm-rollout check ask-confirm-rollout passed")) :]
    assert [one for one in told if "not signaling" not in one[2] and "not ready" not in one[2]] == [
        ("Initialized", "Normal", "Confirm-rollout check ask-confirm-rollout passed"),
        ("Progressing", "Normal", "New revision detected! Scaling up web.shop"),
        ("Progressing", "Normal", "Starting canary analysis for web.shop"),
        ("Progressing", "Normal", "Pre-rollout check ask-pre-rollout passed"),
        ("Progressing", "Normal", "Advance web.shop canary iteration 1/2"),
        ("Progressing", "Normal", "Advance web.shop canary iteration 2/2"),
        ("Progressing", "Normal", "Confirm-promotion check ask-confirm-promotion passed"),
        ("Progressing", "Normal", "Confirm-promotion check ask-confirm-promotion passed"),
        ("Progressing", "Normal", "Copying web.shop template spec to web-primary.shop"),
        ("Finalising", "Normal", "Post-rollout check ask-post-rollout passed"),
        ("Finalising", "Normal", "Promotion completed! Scaling down web.shop"),
    ]
    assert [body["phase"] for body in receiver.bodies("post-rollout")] == ["Succeeded"]


async def test_a_measured_failure_rolls_back_and_leaves_the_bad_template_in_the_target(
    cluster: Cluster, receiver: Receiver
) -> None:
    await begun(cluster)
    await released(cluster, receiver, "1.1.0")
    cluster.flagger.outcomes.decide("shop", "web", "fail", image="web:1.2.0")

    await failed(cluster, receiver, "1.2.0")

    warnings = [one for one in receiver.said() if one[1] == "Warning" and "not ready" not in one[2]]
    assert warnings == [
        ("Progressing", "Warning", "Halt web.shop advancement success 50.00 < 99"),
        ("Progressing", "Warning", "Halt web.shop advancement success 50.00 < 99"),
        ("Progressing", "Warning", "Rolling back web.shop failed checks threshold reached 2"),
        ("Failed", "Warning", "Canary failed! Scaling down web.shop"),
    ]
    assert workload(cluster, "web") == ("1.2.0", 0)
    assert workload(cluster, "web-primary") == ("1.1.0", 2)
    seen = status(cluster)
    assert (seen["failedChecks"], seen["canaryWeight"], seen["iterations"]) == (0, 0, 0)
    assert seen["lastAppliedSpec"] != seen["lastPromotedSpec"]
    assert (seen["conditions"][0]["status"], seen["conditions"][0]["reason"]) == ("False", "Failed")
    await until(lambda: receiver.said()[-1] == ("Progressing", "Normal", "Post-rollout check ask-post-rollout passed"))


async def test_git_reverted_after_a_failure_starts_no_analysis(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)
    await released(cluster, receiver, "1.1.0")
    cluster.flagger.outcomes.decide("shop", "web", "fail")
    await failed(cluster, receiver, "1.2.0")
    asked = len(receiver.bodies("confirm-rollout"))

    roll_out(cluster, "1.1.0")
    await until(lambda: status(cluster)["lastAppliedSpec"] == status(cluster)["lastPromotedSpec"])
    await asyncio.sleep(0.1)

    assert in_phase(cluster, "Failed")
    assert len(receiver.bodies("confirm-rollout")) == asked
    assert workload(cluster, "web") == ("1.1.0", 0)


async def test_after_a_failure_a_fixed_revision_is_analysed(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)
    cluster.flagger.outcomes.decide("shop", "web", "fail", image=f"{IMAGE}:1.1.0")
    await failed(cluster, receiver, "1.1.0")

    roll_out(cluster, "1.1.1")
    await until(lambda: workload(cluster, "web-primary")[0] == "1.1.1")
    await until(partial(in_phase, cluster, "Succeeded"))

    failed_once = [body for body in receiver.bodies("confirm-rollout") if body["phase"] == "Failed"]
    started = [body["checksum"] for body in receiver.bodies("pre-rollout")]
    assert failed_once[0]["checksum"] == started[-1] != started[0]


async def test_a_revision_noticed_while_the_primary_is_away_is_swallowed(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)
    cluster.flagger.outcomes.decide("shop", "web", "fail", image="web:1.1.0")
    await failed(cluster, receiver, "1.1.0")
    asked, bad = len(receiver.bodies("confirm-rollout")), status(cluster)["lastAppliedSpec"]
    cluster.rollouts.hold("shop", "web-primary", held=True)
    primary = cluster.objects.get(DEPLOYMENT, "shop", "web-primary")
    cluster.objects.update(DEPLOYMENT, {**primary, "spec": {**primary["spec"], "minReadySeconds": 1}})

    roll_out(cluster, "1.1.1")
    await until(lambda: status(cluster)["lastAppliedSpec"] != bad)
    cluster.rollouts.hold("shop", "web-primary", held=False)
    await asyncio.sleep(0.2)

    assert in_phase(cluster, "Failed")
    assert len(receiver.bodies("confirm-rollout")) == asked


@pytest.mark.parametrize(
    ("outcome", "metrics", "message"),
    [
        (
            "no-data",
            [{"name": "request-success-rate", "thresholdRange": {"min": 99}}],
            "Halt advancement no values found for kubernetes metric request-success-rate probably web.shop is not "
            "receiving traffic: running query failed: no values found",
        ),
        ("no-data", SUCCESS_RATE, "Halt advancement no values found for custom metric: success: no values found"),
        ("query-failed", SUCCESS_RATE, "Metric query failed for success: running query failed"),
        ("query-failed", [{"name": "request-duration", "thresholdRange": {"max": 500}}], "Prometheus query failed: "),
        (
            "fail",
            [{"name": "request-success-rate", "thresholdRange": {"min": 99}}],
            "Halt web.shop advancement success rate 50.00% < 99%",
        ),
        (
            "fail",
            [{"name": "request-duration", "thresholdRange": {"max": 500}}],
            "Halt web.shop advancement request duration 1s > 500ms",
        ),
    ],
)
async def test_each_failing_check_says_what_flagger_says(
    cluster: Cluster, receiver: Receiver, outcome: Any, metrics: list[dict[str, Any]], message: str
) -> None:
    await begun(cluster, metrics=metrics)
    cluster.flagger.outcomes.decide("shop", "web", outcome)

    await failed(cluster, receiver, "1.1.0")

    halts = [one for one in receiver.messages() if one.startswith(message)]
    assert len(halts) == 2
    assert "Rolling back web.shop failed checks threshold reached 2" in receiver.messages()


async def test_a_rollout_that_hangs_exceeds_its_deadline(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)
    cluster.flagger.outcomes.decide("shop", "web", "hang")

    await failed(cluster, receiver, "1.1.0")

    waiting = (
        "canary deployment web.shop not ready: waiting for rollout to finish: 0 of 1 updated replicas are available"
    )
    assert waiting in receiver.messages()
    assert f"Rolling back web.shop progress deadline exceeded {waiting}" in receiver.messages()
    assert workload(cluster, "web-primary")[0] == "1.0.0"


async def test_an_image_that_cannot_be_pulled_exceeds_its_deadline(cluster: Cluster, receiver: Receiver) -> None:
    await begun(cluster)

    await failed(cluster, receiver, "missing")

    sentence = (
        'Rolling back web.shop progress deadline exceeded canary deployment web.shop not ready: deployment "web" '
    )
    assert f"{sentence}exceeded its progress deadline" in receiver.messages()


@pytest.mark.parametrize("answer", [204, 403, 500])
async def test_a_closed_rollout_gate_waits_and_is_asked_at_every_tick(
    cluster: Cluster, receiver: Receiver, answer: int
) -> None:
    receiver.answers["confirm-rollout"] = answer
    await begun(cluster)

    roll_out(cluster, "1.1.0")
    await until(lambda: len(receiver.bodies("confirm-rollout")) >= 3)

    assert in_phase(cluster, "Waiting")
    assert workload(cluster, "web") == ("1.1.0", 0)
    halt = ("Initialized", "Warning", "Halt web.shop advancement waiting for approval ask-confirm-rollout")
    assert receiver.said().count(halt) == 1
    assert [body["phase"] for body in receiver.bodies("confirm-rollout")][:3] == ["Initialized", "Waiting", "Waiting"]

    receiver.answers["confirm-rollout"] = 202
    await until(partial(in_phase, cluster, "Succeeded"))


async def test_the_first_failing_hook_of_a_type_ends_its_list(cluster: Cluster, receiver: Receiver) -> None:
    wanted = canary()
    hooks = wanted["spec"]["analysis"]["webhooks"]
    hooks.append({"name": "second", "type": "confirm-rollout", "url": "http://bot.sluice/second"})
    receiver.answers["confirm-rollout"] = 403
    cluster.put(wanted)
    await until(partial(in_phase, cluster, "Initialized"))

    roll_out(cluster, "1.1.0")
    await until(lambda: len(receiver.bodies("confirm-rollout")) >= 3)

    assert receiver.bodies("second") == []


async def test_after_a_success_the_gate_is_asked_with_the_old_revisions_checksum(
    cluster: Cluster, receiver: Receiver
) -> None:
    await begun(cluster)
    await released(cluster, receiver, "1.1.0")
    of_first = receiver.bodies("confirm-promotion")[-1]["checksum"]

    roll_out(cluster, "1.2.0")
    await until(lambda: len(receiver.bodies("post-rollout")) == 2)

    asked = receiver.bodies("confirm-rollout")[-1]
    assert (asked["phase"], asked["checksum"]) == ("Succeeded", of_first)
    assert receiver.bodies("confirm-promotion")[-1]["checksum"] != of_first


async def test_a_closed_promotion_gate_keeps_the_analysis_going(cluster: Cluster, receiver: Receiver) -> None:
    receiver.answers["confirm-promotion"] = 403
    await begun(cluster)

    roll_out(cluster, "1.1.0")
    await until(lambda: len(receiver.bodies("confirm-promotion")) >= 4)

    assert in_phase(cluster, "WaitingPromotion")
    halt = "Halt web.shop advancement waiting for promotion approval ask-confirm-promotion"
    assert receiver.messages().count(halt) == 1
    assert {body["phase"] for body in receiver.bodies("confirm-promotion")} == {"Progressing"}
    assert workload(cluster, "web-primary")[0] == "1.0.0"

    receiver.answers["confirm-promotion"] = 200
    await until(lambda: workload(cluster, "web-primary")[0] == "1.1.0")


async def test_a_rollback_hook_that_answers_200_rolls_back(cluster: Cluster, receiver: Receiver) -> None:
    receiver.answers["confirm-promotion"] = 403
    await begun(cluster)
    roll_out(cluster, "1.1.0")
    await until(partial(in_phase, cluster, "WaitingPromotion"))

    receiver.answers["rollback"] = 202
    await until(partial(in_phase, cluster, "Failed"))

    told = [one for one in receiver.said() if one[1] == "Warning" and "Halt" not in one[2]]
    assert told[-3:] == [
        ("WaitingPromotion", "Warning", "Rollback check ask-rollback passed"),
        ("WaitingPromotion", "Warning", "Rolling back web.shop manual webhook invoked"),
        ("Failed", "Warning", "Canary failed! Scaling down web.shop"),
    ]
    assert "Rollback hook ask-rollback not signaling a rollback" in receiver.messages()


async def test_failing_rollout_hooks_count_as_failed_checks(cluster: Cluster, receiver: Receiver) -> None:
    receiver.answers["rollout"] = 500
    await begun(cluster)

    await failed(cluster, receiver, "1.1.0")

    assert receiver.messages().count("Halt web.shop advancement external check ask-rollout failed closed") == 2


async def test_weights_grow_behind_their_gate_and_go_back_to_the_primary(cluster: Cluster, receiver: Receiver) -> None:
    receiver.answers["confirm-traffic-increase"] = 403
    await begun(cluster, provider="istio", iterations=0, stepWeights=[10, 40])

    roll_out(cluster, "1.1.0")
    closed = "Halt web.shop advancement waiting for traffic increase approval ask-confirm-traffic-increase"
    await until(lambda: receiver.messages().count(closed) >= 2)
    assert (status(cluster)["canaryWeight"], status(cluster)["failedChecks"]) == (0, 0)
    receiver.answers["confirm-traffic-increase"] = 200
    await until(partial(in_phase, cluster, "Succeeded"))

    told = [one for one in receiver.messages() if "weight" in one or ("to " in one and "not ready" not in one)]
    assert told == [
        "Advance web.shop canary weight 10",
        "Advance web.shop canary weight 40",
        "Copying web.shop template spec to web-primary.shop",
        "Routing all traffic to primary",
    ]


async def test_skipped_analysis_promotes_at_once(cluster: Cluster, receiver: Receiver) -> None:
    wanted = canary()
    wanted["spec"]["skipAnalysis"] = True
    cluster.put(wanted)
    await until(partial(in_phase, cluster, "Initialized"))
    cluster.flagger.outcomes.decide("shop", "web", "fail")

    roll_out(cluster, "1.1.0")
    await until(partial(in_phase, cluster, "Succeeded"))

    assert workload(cluster, "web-primary")[0] == "1.1.0"
    await until(lambda: receiver.messages()[-1].startswith("Promotion completed! Canary analysis was skipped"))


async def test_a_new_revision_during_the_analysis_starts_it_again(cluster: Cluster, receiver: Receiver) -> None:
    receiver.answers["confirm-promotion"] = 403
    await begun(cluster)
    roll_out(cluster, "1.1.0")
    await until(partial(in_phase, cluster, "WaitingPromotion"))
    receiver.answers["confirm-promotion"] = 200

    roll_out(cluster, "1.2.0")
    await until(lambda: workload(cluster, "web-primary")[0] == "1.2.0")

    assert "New revision detected! Restarting analysis for web.shop" in receiver.messages()


async def test_every_sentence_is_an_event_of_the_canary_and_repeats_are_counted(
    cluster: Cluster, receiver: Receiver
) -> None:
    await begun(cluster)
    cluster.flagger.outcomes.decide("shop", "web", "fail")

    await failed(cluster, receiver, "1.1.0")

    about = [one for one in cluster.objects.all(EVENT, "shop") if one["involvedObject"]["kind"] == "Canary"]
    assert {one["message"] for one in about} >= set(receiver.messages())
    assert {one["reason"] for one in about} == {"Synced"}
    (halt,) = [one for one in about if one["message"] == "Halt web.shop advancement success 50.00 < 99"]
    assert (halt["type"], halt["count"], halt["involvedObject"]["name"]) == ("Warning", 2, "web")


async def test_a_deleted_canary_takes_its_primary_along(cluster: Cluster) -> None:
    await begun(cluster)

    cluster.objects.delete(CANARY, "shop", "web")

    assert cluster.objects.find(DEPLOYMENT, "shop", "web-primary") is None
    assert workload(cluster, "web") == ("1.0.0", 0)


async def test_a_hook_that_does_not_answer_is_a_closed_gate(cluster: Cluster, receiver: Receiver) -> None:
    cluster.flagger.hooks.services["bot.sluice"] = "http://127.0.0.1:9"
    await begun(cluster)

    roll_out(cluster, "1.1.0")
    await until(partial(in_phase, cluster, "Waiting"))

    assert workload(cluster, "web") == ("1.1.0", 0)


async def test_a_canary_that_is_not_modelled_is_said_to_be(cluster: Cluster) -> None:
    wanted = canary()
    wanted["spec"]["targetRef"]["kind"] = "DaemonSet"

    cluster.put(wanted)

    await until(lambda: "shop/web" in cluster.flagger.unreadable)
    assert "DaemonSet is not modelled" in cluster.flagger.unreadable["shop/web"]


def kind_of_recording(path: Path) -> tuple[str, str, str]:
    """Type, phase and, of an event, its type."""
    found = re.fullmatch(r"(?:global-)?(.+?)-([A-Z][A-Za-z]+)(?:-(Normal|Warning))?", path.stem)
    return ("", "", "") if found is None else (found[1], found[2], found[3] or "")


RECORDED = [one for one in payload_files("flagger/*.json") if kind_of_recording(one)[0]]


async def hear_everything(cluster: Cluster, receiver: Receiver) -> None:
    """Every phase the recordings have: gates closed and open, a success, a failure, a manual rollback."""
    await begun(cluster)
    await released(cluster, receiver, "1.1.0")
    cluster.flagger.outcomes.decide("shop", "web", "fail", image=f"{IMAGE}:1.2.0")
    await failed(cluster, receiver, "1.2.0")
    receiver.answers |= {"confirm-rollout": 403, "confirm-promotion": 403}
    roll_out(cluster, "1.3.0")
    await until(partial(in_phase, cluster, "Waiting"))
    await until(lambda: receiver.bodies("confirm-rollout")[-1]["phase"] == "Waiting")
    receiver.answers["confirm-rollout"] = 200
    await until(partial(in_phase, cluster, "WaitingPromotion"))
    receiver.answers["rollback"] = 200
    await until(partial(in_phase, cluster, "Failed"))
    cluster.put(canary("event", metrics=SUCCESS_RATE))
    await until(lambda: receiver.said()[-1][0] == "WaitingPromotion" and "Post-rollout" in receiver.messages()[-1])


async def test_every_recorded_body_has_its_like(cluster: Cluster, receiver: Receiver) -> None:
    await hear_everything(cluster, receiver)

    assert RECORDED
    missing = [payload_id(path) for path in RECORDED if not any(alike(path, call) for call in receiver.calls)]
    assert missing == []


def alike(path: Path, call: tuple[str, dict[str, str], bytes]) -> bool:
    """Same type, phase and shape: the keys in their order, headers, and Go's escapes; only values may differ."""
    kind, phase, event_type = kind_of_recording(path)
    recorded = load_payload(payload_id(path))
    asked, headers, raw = call
    body = json.loads(raw)
    if (asked, body["phase"]) != (kind, phase) or body.get("metadata", {}).get("eventType", "") != event_type:
        return False
    theirs = json.loads(recorded["raw"])
    ours = [key for key in body if key != "metadata"] == [key for key in theirs if key != "metadata"]
    told = [key for key in body["metadata"] if key != "token"]
    own = {"cluster", "env"}
    same_metadata = told == [key for key in theirs.get("metadata", {}) if key not in own]
    same_headers = {name for name, _ in recorded["headers"]} == set(headers)
    return ours and same_metadata and same_headers and len(body["checksum"]) in range(8, 11)
