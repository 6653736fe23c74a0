"""A failure is measured only when somebody measured it: Flagger's real sentences, and Flux's reasons."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import NEW, NOW, OLD, cluster
from shared_payloads import load_payload

from bot.observing import CanarySeen, ClusterSeen, FailureCause, FailureKind
from handlers.failing import better_known, failure_of, kind_of

FAILED = "Canary failed! Scaling down web.shop"
THRESHOLD = "Rolling back web.shop failed checks threshold reached 2"
NOT_READY = (
    "canary deployment web.shop not ready: waiting for rollout to finish: "
    "0 of 1 (readyThreshold 100%) updated replicas are available"
)
PRIMARY = 'web-primary.shop not ready: deployment "web-primary" exceeded its progress deadline'
MEASURED = [
    "Halt web.shop advancement success 50.00 < 99",
    "Halt web.shop advancement error budget 8.57 > 1",
    "Halt web.shop advancement success rate 89.50% < 99%",
    "Halt web.shop advancement request duration 1.5s > 500ms",
    "Halt web.shop advancement request duration 350µs < 1ms",
    "Halt web.shop advancement latency -3.00 < -1.5",
    "Halt web.shop advancement external check load-test failed 3 of 10 requests failed",
    "Halt web.shop advancement external check load-test failed ",
    "Halt web.shop advancement pre-rollout check smoke failed no",
    f"Rolling back web.shop progress deadline exceeded {NOT_READY}",
    'canary deployment web.shop not ready: deployment "web" exceeded its progress deadline',
]
GAPS = [
    "Halt advancement no values found for istio metric request-success-rate probably web.shop is not "
    "receiving traffic: running query failed: no values found",
    "Halt advancement no values found for istio metric request-duration probably web.shop is not receiving traffic",
    "Halt advancement no values found for metric: errors",
    "Halt advancement no values found for custom metric: errors: no values found",
    "Prometheus query failed: running query failed: error response: 503",
    "Metric query failed for errors: request failed: dial tcp: connection refused",
    "Metric template success.shop error: metrictemplate.flagger.app not found",
    "Metric template success.shop provider prometheus error: invalid address",
    "Error building Prometheus client for http://metrics parse error",
    "Error checking metric providers: prometheus in metric template success.shop not avaiable: value is not 1",
    'Halt web.shop advancement external check load-test failed Post "http://tester/": dial tcp: connection refused',
    'Halt web.shop advancement pre-rollout check smoke failed Post "http://tester/": context deadline exceeded',
]
SILENT = [
    "",
    FAILED,
    THRESHOLD,
    PRIMARY,
    NOT_READY,
    "New revision detected! Scaling up web.shop",
    "Starting canary analysis for web.shop",
    "Advance web.shop canary weight 10",
    "Confirm-rollout check gate-rollout passed",
    "Halt web.shop advancement waiting for approval gate-rollout",
    "Halt web.shop advancement waiting for promotion approval gate",
    "Halt web.shop advancement success +Inf > 99",
    "Rolling back web.shop manual webhook invoked",
    "Rollback check rb passed",
]


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        *((one, "measured") for one in MEASURED),
        *((one, "no-data") for one in GAPS),
        *((one, "unknown") for one in SILENT),
    ],
)
def test_a_sentence_of_flagger_proves_what_it_says(sentence: str, kind: FailureKind) -> None:
    assert kind_of(("New revision detected! Scaling up web.shop", sentence))[0] == kind


def test_the_deciding_sentence_is_told() -> None:
    kind, told = kind_of((GAPS[0], MEASURED[0], THRESHOLD, FAILED))

    assert (kind, told) == ("measured", "Halt web.shop advancement success 50.00 < 99")


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ((NOT_READY, FAILED), "measured"),
        ((NOT_READY, THRESHOLD, FAILED), "unknown"),
        ((NOT_READY, "Rolling back web.shop manual webhook invoked", FAILED), "unknown"),
        ((NOT_READY, PRIMARY, FAILED), "unknown"),
        ((PRIMARY, FAILED), "unknown"),
        ((NOT_READY, GAPS[0], THRESHOLD, FAILED), "no-data"),
    ],
)
def test_pods_that_never_came_up_are_the_releases_fault_only_when_nothing_else_ended_it(
    messages: tuple[str, ...], kind: FailureKind
) -> None:
    assert kind_of(messages)[0] == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("event-Progressing-Warning", "measured"),
        ("event-Failed-Warning", "unknown"),
        ("event-Progressing-Normal", "unknown"),
        ("event-Initializing-Warning", "no-data"),
        ("event-WaitingPromotion-Warning", "unknown"),
    ],
)
def test_a_recorded_sentence_is_known(name: str, kind: FailureKind) -> None:
    recorded = load_payload(f"flagger/{name}.json")["body"]["metadata"]["eventMessage"]

    found, _ = kind_of((recorded,))

    assert found == kind


def canary(*messages: str, spec: str = "7dbcfd6756") -> CanarySeen:
    """A canary that failed with the new images in its target."""
    return CanarySeen(
        name="shop/web", phase="Failed", images=("web:1",), carries=True, serves=False, spec=spec, messages=messages
    )


def failing(cause: FailureCause, *messages: str, reason: str = "") -> ClusterSeen:
    """A cluster in which 1.1.0 failed."""
    here = cluster(OLD, "failed", attempt=NEW)
    return replace(here, failing=cause, reason=reason, canary=canary(*messages) if cause == "canary" else None)


@pytest.mark.parametrize(
    ("here", "cause", "kind", "evidence"),
    [
        (failing("canary", MEASURED[0]), "canary", "measured", "canary one/shop/web 7dbcfd6756"),
        (failing("canary", GAPS[0]), "canary", "no-data", "canary one/shop/web 7dbcfd6756"),
        (failing("canary"), "canary", "unknown", "canary one/shop/web 7dbcfd6756"),
        (failing("health_check"), "health_check", "measured", f"kustomization one/flux-system/web {'c' * 40}"),
        (failing("reconciliation"), "reconciliation", "unknown", f"kustomization one/flux-system/web {'c' * 40}"),
        (
            replace(failing("reconciliation"), failing=None, reason="HealthCheckFailed"),
            "health_check",
            "measured",
            f"kustomization one/flux-system/web {'c' * 40}",
        ),
    ],
)
def test_a_failure_names_cause_kind_and_evidence(
    here: ClusterSeen, cause: FailureCause, kind: FailureKind, evidence: str
) -> None:
    found = failure_of(here, "flux-system/web", NOW)

    assert found is not None
    assert (found.cause, found.kind, found.evidence, found.at) == (cause, kind, evidence, NOW)


@pytest.mark.parametrize("health", ["unknown", "progressing", "healthy"])
def test_what_has_not_failed_is_no_failure(health: str) -> None:
    assert failure_of(cluster(NEW, health), "flux-system/web", NOW) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ((), (MEASURED[0],), "measured"),
        ((), (GAPS[0],), "no-data"),
        ((GAPS[0],), (MEASURED[0],), "measured"),
        ((MEASURED[0],), (GAPS[0],), "measured"),
        ((GAPS[0],), (), "no-data"),
    ],
)
def test_a_failure_is_only_ever_better_known(
    before: tuple[str, ...], after: tuple[str, ...], kind: FailureKind
) -> None:
    first = failure_of(failing("canary", *before), "flux-system/web", NOW)
    later = failure_of(failing("canary", *after), "flux-system/web", NOW + timedelta(minutes=1))

    assert first is not None
    known = better_known(first, later)
    assert (known.kind, known.at, known.evidence) == (kind, NOW, first.evidence)


def test_other_evidence_changes_nothing() -> None:
    first = failure_of(failing("canary"), "flux-system/web", NOW)
    other = failure_of(failing("health_check"), "flux-system/web", NOW)

    assert first is not None
    assert (better_known(first, other), better_known(first, None)) == (first, first)


sentences = st.sampled_from([*MEASURED, *GAPS, *SILENT]) | st.text(max_size=80)


@given(st.lists(sentences, max_size=6))
def test_any_sentences_have_a_kind(messages: list[str]) -> None:
    kind, told = kind_of(tuple(messages))

    assert kind in ("measured", "no-data", "unknown")
    assert bool(told) == (kind != "unknown")
    assert len(told) <= 200


@given(st.lists(st.sampled_from([*GAPS, *SILENT]), max_size=5), st.sampled_from(MEASURED), st.integers(0, 5))
def test_one_measurement_outweighs_every_gap(others: list[str], measured: str, place: int) -> None:
    messages = [*others[:place], measured, *others[place:]]

    kind, _ = kind_of(tuple(messages))

    assert kind == "measured"
