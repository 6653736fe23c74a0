"""A run names the promotions it is about, and links the run in which each of them began."""

from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from recorded_spans import Recorded, recorded, told

from bot.actions import (
    Action,
    ClosePromotion,
    LookAgain,
    MergePromotion,
    ProposePromotion,
    PublishGates,
    RecordPromotion,
    WriteCommitStatus,
    WriteDeployment,
)
from bot.keys import EnvironmentKey
from bot.records import Promotion, PromotionState
from bot.releases import Image, Release
from bot.tracing import spans
from bot.tracing.carried import written
from bot.tracing.promotions import PromotionMark, join

__all__ = ["recorded"]

STAGING = EnvironmentKey("acme", "shop", "staging")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COMMIT = {"1.2.3": "a" * 40, "1.3.0": "b" * 40}
BEGAN = {version: f"00-{digit * 32}-{digit * 16}-01" for version, digit in (("1.2.3", "4"), ("1.3.0", "5"))}


def a_release(version: str) -> Release:
    image = Image(name="registry.example.com/shop", digest="sha256:" + COMMIT[version] + "0" * 24, tag=version)
    return Release(application="shop", images=(image,), version=version, commit=COMMIT[version])


def mark(version: str, number: int) -> PromotionMark:
    release = a_release(version)
    return PromotionMark(
        id=f"p-{version}",
        release_id=release.id,
        release=version,
        commit=release.commit,
        merge_request=number,
        trace=BEGAN[version],
    )


KNOWN = (mark("1.3.0", 5), mark("1.2.3", 4))


def moves(version: str, state: PromotionState, promotion: str = "") -> RecordPromotion:
    return RecordPromotion(
        promotion=Promotion(
            id=promotion or f"p-{version}",
            key=STAGING,
            release=a_release(version),
            state=state,
            because="because",
            opened_at=NOW,
            updated_at=NOW,
        )
    )


def proposes(version: str) -> ProposePromotion:
    return ProposePromotion(
        key=STAGING,
        release=a_release(version),
        replaces=None,
        draft=False,
        changes=(),
        changes_url="",
        because="because",
        rebuild=True,
    )


def joined(recorded: Recorded, *actions: Action, known: tuple[PromotionMark, ...] = KNOWN) -> ReadableSpan:
    with spans.run("promotion", STAGING) as span:
        join(span, actions, known)
    return recorded.one("run promotion")


def named(span: ReadableSpan) -> dict[str, Any]:
    return {name: value for name, value in told(span).items() if name.startswith(("sluice.promotion", "sluice.rel"))}


@pytest.mark.parametrize(
    ("action", "version"),
    [
        (proposes("1.2.3"), "1.2.3"),
        (MergePromotion(key=STAGING, merge_request=4, sha="s", release=a_release("1.2.3"), because=""), "1.2.3"),
        (ClosePromotion(key=STAGING, merge_request=4, because="", instead=None), "1.2.3"),
        (
            WriteCommitStatus(
                key=STAGING,
                project="acme/shop",
                sha=COMMIT["1.2.3"],
                ref="",
                pipeline_id=1,
                name="n",
                state="running",
                because="",
            ),
            "1.2.3",
        ),
        (
            WriteDeployment(
                key=STAGING,
                project="acme/shop",
                environment="staging",
                tier=None,
                sha="s",
                ref="",
                tag=False,
                promotion="gone:p-1.2.3",
                opened_at=NOW,
                state="running",
                because="",
            ),
            "1.2.3",
        ),
        (PublishGates(key=STAGING, sha="s", ref="", pipeline_id=None, state="success", because=""), "1.3.0"),
    ],
)
def test_an_action_tells_by_itself_which_promotion_it_is_about(
    recorded: Recorded, action: Action, version: str
) -> None:
    span = joined(recorded, action)

    assert named(span) == {"sluice.promotion": f"p-{version}", "sluice.release": version}
    assert [written(link.context) for link in span.links] == [BEGAN[version]]


def test_a_promotion_that_begins_here_is_named_and_links_nothing(recorded: Recorded) -> None:
    span = joined(recorded, moves("1.3.0", "ready", "new"), proposes("1.3.0"), known=KNOWN[1:])

    assert named(span) == {
        "sluice.promotion": "new",
        "sluice.promotion.state": "ready",
        "sluice.release": "1.3.0",
    }
    assert span.links == ()


def test_a_promotion_that_is_superseded_is_found_in_the_run_that_does_so(recorded: Recorded) -> None:
    span = joined(recorded, moves("1.2.3", "superseded"), moves("1.3.0", "ready"), proposes("1.3.0"))

    other = recorded.one("promotion")
    assert named(span)["sluice.promotion"] == "p-1.3.0"
    assert named(other) == {
        "sluice.promotion": "p-1.2.3",
        "sluice.promotion.state": "superseded",
        "sluice.release": "1.2.3",
    }
    assert [written(link.context) for link in other.links] == [BEGAN["1.2.3"]]
    assert recorded.above(other) == [span]


def test_a_run_that_is_about_no_promotion_names_none(recorded: Recorded) -> None:
    span = joined(recorded, LookAgain(keys=(), because=""), proposes("1.2.3"), known=())

    assert (named(span), span.links) == ({}, ())
