"""The pure parts of the sandbox's Flagger: plans, sentences, hashes, outcomes, and how events become few."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_payloads import load_payload

from bot.errors import PermanentError
from bot.sandbox.cluster.correlating import Correlator, Said
from bot.sandbox.cluster.flagger.hashing import checksum_of, template_hash
from bot.sandbox.cluster.flagger.hooks import payload
from bot.sandbox.cluster.flagger.measuring import complaint
from bot.sandbox.cluster.flagger.outcomes import Outcomes
from bot.sandbox.cluster.flagger.plans import Plan, plan_of
from bot.sandbox.cluster.notices import go_json
from bot.sandbox.cluster.settings import Settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DIGEST = "sha256:" + "a" * 64


def plan(**analysis: Any) -> Plan:
    spec = {"targetRef": {"kind": "Deployment", "name": "web"}, "analysis": {"interval": "1m", **analysis}}
    return plan_of({"spec": spec})


def said(message: str, *, kind: str = "Normal") -> Said:
    return Said(controller="flagger", uid="1", kind=kind, reason="Synced", message=message)


def test_what_a_canary_leaves_out_is_what_flagger_assumes() -> None:
    read = plan(webhooks=[{"name": "load", "url": "http://load/"}])

    assert (read.threshold, read.iterations, read.max_weight, read.deadline) == (1, 0, 100, 600.0)
    assert (read.hooks("rollout")[0].timeout, read.hooks("rollout")[0].retries) == (10.0, 0)


@pytest.mark.parametrize(
    "spec",
    [
        {"targetRef": {"kind": "Service", "name": "web"}},
        {"targetRef": {"kind": "Deployment", "name": "web"}, "analysis": {"mirror": True}},
        {
            "targetRef": {"kind": "Deployment", "name": "web"},
            "analysis": {"webhooks": [{"name": "x", "url": "http://x", "type": "soon"}]},
        },
    ],
)
def test_what_is_not_modelled_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(PermanentError):
        plan_of({"spec": spec})


@given(st.lists(st.integers(1, 100), min_size=1, max_size=8, unique=True).map(sorted))
def test_step_weights_are_walked_in_order_and_end_in_a_promotion(weights: list[int]) -> None:
    read, walked = plan(stepWeights=weights), [0]

    while walked[-1] < read.max_weight:
        walked.append(walked[-1] + read.next_step(walked[-1]))

    assert walked[1:] == weights
    assert read.next_step(walked[-1]) > 0


@pytest.mark.parametrize("outcome", ["succeed", "hang"])
def test_what_is_not_measured_as_bad_is_not_complained_about(outcome: Any) -> None:
    read = plan(metrics=[{"name": "success", "thresholdRange": {"min": 99}}])

    assert complaint(read, outcome, name="web", namespace="shop") is None


@given(st.floats(1, 1_000, allow_nan=False), st.booleans())
def test_a_measured_failure_really_breaks_its_bound(bound: float, least: bool) -> None:
    read = plan(metrics=[{"name": "score", "thresholdRange": {"min" if least else "max": bound}}])

    sentence = complaint(read, "fail", name="web", namespace="shop") or ""

    value, sign = sentence.removeprefix("Halt web.shop advancement score ").split()[:2]
    assert sign == ("<" if least else ">")
    assert float(value) < bound if least else float(value) > bound


def test_a_recorded_body_is_rebuilt_byte_for_byte() -> None:
    recorded = load_payload("flagger/event-Progressing-Warning.json")
    canary: dict[str, Any] = {"metadata": {"name": "web", "namespace": "shop"}, "status": {"phase": "Progressing"}}

    ours = payload(canary, "Progressing", recorded["body"]["metadata"])

    raw = go_json(ours | {"checksum": recorded["body"]["checksum"]}).decode()
    assert raw == recorded["raw"]


def test_the_checksum_follows_the_applied_spec_only() -> None:
    one = {"status": {"lastAppliedSpec": "1", "phase": "Failed"}}

    assert checksum_of(one) == checksum_of({"status": {"lastAppliedSpec": "1", "phase": "Succeeded"}})
    assert checksum_of(one) != checksum_of({"status": {"lastAppliedSpec": "2", "phase": "Failed"}})


def test_replicas_are_no_part_of_a_revision() -> None:
    template = {"spec": {"containers": [{"image": "web:1"}]}}

    assert template_hash({"spec": {"replicas": 0, "template": template}}) == template_hash(
        {"spec": {"replicas": 3, "template": template}}
    )


@pytest.mark.parametrize(
    ("decided", "running", "outcome"),
    [
        ("shop/web:1.2.0", "registry.example/shop/web:1.2.0", "fail"),
        ("shop/web:1.2.0", f"registry.example/shop/web:1.2.0@{DIGEST}", "fail"),
        ("registry.example/shop/web:1.2.0", f"registry.example/shop/web@{DIGEST}", "fail"),
        (f"registry.example/shop/web@{DIGEST}", "registry.example/shop/web:1.2.0", "fail"),
        ("shop/web:1.2.0", "registry.example/shop/web:1.2.1", "no-data"),
        ("shop/web:1.2.0", "registry.example/shop/webhook:1.2.0", "no-data"),
    ],
)
def test_an_image_is_found_by_tag_or_by_the_digest_it_is_pulled_as(decided: str, running: str, outcome: str) -> None:
    outcomes = Outcomes(lambda image: DIGEST if ":1.2.0" in image or DIGEST in image else None)
    outcomes.decide("shop", "web", "no-data")
    outcomes.decide("shop", "web", "fail", image=decided)

    assert outcomes.of("shop", "web", [running]) == outcome
    assert outcomes.of("shop", "other", [running]) == "succeed"


def test_equal_events_are_counted_under_one_name() -> None:
    correlator = Correlator(Settings())
    first = correlator.correlate(said("Halt"), NOW)
    assert first is not None
    correlator.named(first, "web.1")

    again = correlator.correlate(said("Halt"), NOW)

    assert again is not None
    assert (first.name, again.name, again.count) == ("", "web.1", 2)


def test_the_tenth_similar_event_is_folded_and_ten_quiet_minutes_end_it() -> None:
    correlator = Correlator(Settings(event_similar=10))

    told = [correlator.correlate(said(f"Advance {number}"), NOW) for number in range(11)]
    other = correlator.correlate(said("Halt", kind="Warning"), NOW)
    later = correlator.correlate(said("Advance 12"), NOW + timedelta(minutes=11))

    folded = [one.message for one in told if one is not None and one.message.startswith("(combined")]
    assert folded == [f"(combined from similar events): Advance {number}" for number in (9, 10)]
    assert [one.message for one in (other, later) if one is not None] == ["Halt", "Advance 12"]


def test_a_flood_of_events_is_lost_until_places_come_back() -> None:
    correlator = Correlator(Settings(event_burst=25))

    told = [correlator.correlate(said(str(number)), NOW) for number in range(30)]
    later = [correlator.correlate(said("later"), NOW + timedelta(minutes=5)) for _ in range(2)]

    assert [one is None for one in told] == [False] * 25 + [True] * 5
    assert [one is None for one in later] == [False, True]
