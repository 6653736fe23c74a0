"""Images decide what a canary says of a release: its phase alone says nothing."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_worlds import APPLICATION, IMAGE, NEW, OLD, policy_of

from bot.clients.kubernetes import summarise, summarise_canary
from bot.looking.canary_truth import Unseen, carries, joined, spoken_of
from bot.looking.flux_health import Judgement, judge
from bot.observing import CanaryPhase, CanarySeen
from bot.records import Health
from bot.releases import Image, Release

READY = Judgement(health="healthy", because="Kustomization web is ready", reason="ReconciliationSucceeded")
PHASES: tuple[CanaryPhase, ...] = get_args(CanaryPhase)
PRODUCTION = policy_of(production={"tag": "{version}-prod"}).environment(APPLICATION, "production")
MOVED = policy_of(production={"registry": "prod.example/{repository}"}).environment(APPLICATION, "production")
DIGEST = NEW.images[0].digest
OTHER = OLD.images[0].digest


def canary(phase: CanaryPhase, *, carries: bool, serves: bool, messages: tuple[str, ...] = ()) -> CanarySeen:
    return CanarySeen(
        name="shop/web", phase=phase, images=("r/web:2",), carries=carries, serves=serves, spec="1", messages=messages
    )


@pytest.mark.parametrize(
    ("phase", "carrying", "serving", "health"),
    [
        ("Initialized", True, True, "healthy"),
        ("Succeeded", True, True, "healthy"),
        ("Failed", True, True, "healthy"),
        ("Failed", True, False, "failed"),
        ("Failed", False, True, "progressing"),
        ("Failed", False, False, "progressing"),
        ("Succeeded", True, False, "progressing"),
        ("Waiting", True, False, "progressing"),
        ("Progressing", True, False, "progressing"),
        ("Progressing", True, True, "progressing"),
        ("WaitingPromotion", True, False, "progressing"),
        ("Promoting", True, True, "progressing"),
        ("Finalising", True, True, "progressing"),
        ("Initializing", True, False, "progressing"),
        ("Terminating", True, True, "unknown"),
        ("Terminated", True, True, "unknown"),
    ],
)
def test_a_release_is_healthy_once_it_serves_and_nothing_moves(
    phase: CanaryPhase, carrying: bool, serving: bool, health: Health
) -> None:
    found = joined(READY, canary(phase, carries=carrying, serves=serving), NEW)

    assert found.health == health
    assert found.failing == ("canary" if health == "failed" else None)
    assert found.reason == "ReconciliationSucceeded"


@pytest.mark.parametrize("health", ["failed", "unknown", "progressing"])
@given(phase=st.sampled_from(PHASES), carrying=st.booleans(), serving=st.booleans())
def test_flux_speaks_first(health: Health, phase: CanaryPhase, carrying: bool, serving: bool) -> None:
    flux = Judgement(health=health, because="so says Flux", reason="HealthCheckFailed")

    assert joined(flux, canary(phase, carries=carrying, serves=serving), NEW) == flux


@given(phase=st.sampled_from(PHASES), carrying=st.booleans(), serving=st.booleans())
def test_nothing_is_healthy_that_does_not_serve(phase: CanaryPhase, carrying: bool, serving: bool) -> None:
    found = joined(READY, canary(phase, carries=carrying, serves=serving), NEW)

    assert found.health != "healthy" or serving


def test_a_missing_canary_is_unknown() -> None:
    assert joined(READY, Unseen(because="there is no canary shop/web"), NEW) == Judgement(
        health="unknown", because="there is no canary shop/web", reason="ReconciliationSucceeded"
    )


def test_an_unknown_release_is_unknown_with_a_canary() -> None:
    assert joined(READY, canary("Succeeded", carries=False, serves=False), None).health == "unknown"


def test_a_failure_says_what_flagger_said_last() -> None:
    messages = ("New revision detected!", "Halt web.shop advancement success 50.00 < 99", "Canary failed!")

    found = joined(READY, canary("Failed", carries=True, serves=False, messages=messages), NEW)

    assert "success 50.00 < 99" in found.because


@pytest.mark.parametrize(
    ("references", "carried"),
    [
        ((f"{IMAGE}:1.1.0",), True),
        ((f"{IMAGE}:1.1.0@{DIGEST}",), True),
        ((f"{IMAGE}@{DIGEST}",), True),
        ((f"{IMAGE}:9.9.9@{DIGEST}",), True),
        ((f"{IMAGE}:1.1.0@{OTHER}",), False),
        ((f"{IMAGE}:1.0.0",), False),
        ((IMAGE,), False),
        ((f"{IMAGE}:1.0.0", f"{IMAGE}:1.1.0"), False),
        ((f"{IMAGE}:1.1.0", "proxy.example/envoy:3"), True),
        (("other.example/demo-service:1.1.0",), False),
        ((), False),
    ],
)
def test_a_template_carries_a_release_by_digest_or_else_by_tag(references: tuple[str, ...], carried: bool) -> None:
    assert carries(PRODUCTION, NEW, references) is carried


def test_the_tag_of_the_environment_counts_where_the_release_names_none() -> None:
    untagged = Release(application=APPLICATION, images=(Image(name=IMAGE, digest=DIGEST),), version="1.1.0")

    assert carries(PRODUCTION, untagged, (f"{IMAGE}:1.1.0-prod",))
    assert not carries(PRODUCTION, untagged, (f"{IMAGE}:1.1.0",))


def test_images_are_looked_for_where_the_environment_keeps_them() -> None:
    name = MOVED.image_name(IMAGE)

    assert name.startswith("prod.example/")
    assert carries(MOVED, NEW, (f"{name}@{DIGEST}",))
    assert not carries(MOVED, NEW, (f"{IMAGE}@{DIGEST}",))


def said(phase: CanaryPhase, promoted: str, since: str) -> str:
    condition = {"type": "Promoted", "status": promoted, "reason": phase, "lastTransitionTime": since}
    return spoken_of(
        summarise_canary(
            {
                "kind": "Canary",
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"targetRef": {"kind": "Deployment", "name": "web"}},
                "status": {"phase": phase, "lastAppliedSpec": "59968b6cb7", "conditions": [condition] if since else []},
            }
        )
    )


def test_a_failure_is_named_after_its_moment_and_an_analysis_after_its_revision() -> None:
    assert said("Failed", "False", "2026-11-23T07:23:49Z") == "failed at 2026-11-23T07:23:49Z"
    assert said("Progressing", "Unknown", "2026-11-23T07:23:49Z") == "59968b6cb7"
    assert said("Failed", "False", "") == "59968b6cb7"


@pytest.mark.parametrize(
    ("conditions", "health", "failing"),
    [
        ({"Ready": ("True", "ReconciliationSucceeded")}, "healthy", None),
        ({"Ready": ("False", "HealthCheckFailed")}, "failed", "health_check"),
        ({"Ready": ("False", "HealthCheckFailed"), "Stalled": ("True", "HealthCheckFailed")}, "failed", "health_check"),
        ({"Ready": ("False", "ReconciliationFailed")}, "failed", "reconciliation"),
        ({"Ready": ("False", "BuildFailed")}, "failed", "reconciliation"),
        ({"Ready": ("False", "ArtifactFailed")}, "failed", "reconciliation"),
        ({"Ready": ("False", "PruneFailed")}, "failed", "reconciliation"),
        ({"Ready": ("Unknown", "Progressing"), "Stalled": ("True", "Stalled")}, "failed", "reconciliation"),
        ({"Ready": ("False", "DependencyNotReady")}, "progressing", None),
        ({"Ready": ("Unknown", "Progressing")}, "progressing", None),
    ],
)
def test_flux_says_whether_the_health_check_or_the_apply_failed(
    conditions: dict[str, tuple[str, str]], health: Health, failing: str | None
) -> None:
    found = judge(
        summarise(
            {
                "kind": "Kustomization",
                "metadata": {"name": "web", "namespace": "flux-system", "generation": 1},
                "status": {
                    "observedGeneration": 1,
                    "conditions": [
                        {"type": kind, "status": status, "reason": reason}
                        for kind, (status, reason) in conditions.items()
                    ],
                },
            }
        )
    )

    assert (found.health, found.failing, found.reason) == (health, failing, conditions["Ready"][1])
