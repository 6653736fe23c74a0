"""Flagger hooks: the token in the body opens, is cut out, and the path tells what they mean."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import NOW, delivered, with_token
from shared_payloads import load_payload, payload_files, payload_id

from bot.events import CanaryReported, Understood, Unreadable
from bot.receivers.flagger import GATES, FlaggerReceiver
from bot.receivers.parsing import parse
from bot.receivers.verdicts import RefusalCode, Refused, Verified

CANARIES = [path for path in payload_files("flagger/*.json") if path.name != "slack.json"]
FAILED = "flagger/event-Failed-Warning.json"


def verified(body: bytes, *tokens: str) -> Verified | RefusalCode:
    verdict = FlaggerReceiver("eu-1", tokens or ("t0ken",)).verify({}, body, NOW)
    return verdict.code if isinstance(verdict, Refused) else verdict


def recorded(name: str) -> dict[str, Any]:
    body: dict[str, Any] = load_payload(name)["body"]
    return body


@pytest.mark.parametrize("path", CANARIES, ids=payload_id)
def test_every_recorded_body_is_accepted_with_a_token_and_understood(path: Path) -> None:
    body = json.loads(path.read_bytes())["body"]
    verdict = verified(with_token(body, "t0ken"))
    assert isinstance(verdict, Verified)

    parsed = parse(delivered(verdict.body, endpoint="flagger/eu-1/event"))

    assert verdict.scope == "cluster:eu-1"
    assert isinstance(parsed, Understood)
    (event,) = parsed.events
    assert isinstance(event, CanaryReported)
    assert (event.namespace, event.name, event.phase) == (body["namespace"], body["name"], body["phase"])


@pytest.mark.parametrize("path", CANARIES, ids=payload_id)
def test_a_recorded_body_at_its_own_door_says_its_hook_and_the_phase_it_came_in(path: Path) -> None:
    recorded_hook, _, rest = path.stem.removeprefix("global-").rpartition("-")
    hook, _, phase = recorded_hook.rpartition("-") if rest in ("Normal", "Warning") else (recorded_hook, "", rest)
    door = "gates" if hook in GATES else "flagger"

    parsed = parse(delivered(json.loads(path.read_bytes())["body"], endpoint=f"{door}/eu-1/{hook}"))

    assert isinstance(parsed, Understood)
    (event,) = parsed.events
    assert isinstance(event, CanaryReported)
    assert (event.hook, event.phase) == (hook, phase)


@pytest.mark.parametrize(
    ("name", "phase", "message"),
    [
        ("event-WaitingPromotion-Warning", "WaitingPromotion", "Rollback check rb passed"),
        ("event-Finalising-Normal", "Finalising", "Post-rollout check post passed"),
        ("event-Progressing-Warning", "Progressing", "Halt web.shop advancement success 50.00 < 99"),
    ],
)
def test_what_a_phase_seems_to_say_is_not_what_happened(name: str, phase: str, message: str) -> None:
    parsed = parse(delivered(recorded(f"flagger/{name}.json"), endpoint="flagger/eu-1/event"))

    assert isinstance(parsed, Understood)
    (event,) = parsed.events
    assert isinstance(event, CanaryReported)
    assert (event.phase, event.message) == (phase, message)


def test_every_recorded_body_without_a_token_is_refused() -> None:
    assert verified(json.dumps(recorded(FAILED)).encode()) == "no_credential"


def test_each_token_of_a_rotation_opens_and_no_other() -> None:
    assert isinstance(verified(with_token(recorded(FAILED), "old"), "new", "old"), Verified)
    assert verified(with_token(recorded(FAILED), "older"), "new", "old") == "bad_token"


@pytest.mark.parametrize(
    "metadata",
    ['{"token": "t0ken"}', '{"token": "t\\u0030ken"}', '{"token": "t0ken-before", "token": "t0ken"}'],
)
def test_the_token_is_cut_out_however_it_was_written(metadata: str) -> None:
    body = f'{{"name": "web", "namespace": "shop", "phase": "Failed", "metadata": {metadata}, "n": 1.50}}'

    verdict = verified(body.encode())

    assert isinstance(verdict, Verified)
    assert b"ken" not in verdict.body.replace(b'"token"', b"")
    assert json.loads(verdict.body)["metadata"] == {"token": "***"}
    assert json.loads(verdict.body)["name"] == "web"


def test_the_path_tells_equal_bodies_apart() -> None:
    body = recorded("flagger/rollout-Progressing.json")

    hooks = [parse(delivered(body, endpoint=f"flagger/eu-1/{hook}")) for hook in ("rollout", "pre-rollout")]
    gate = parse(delivered(body, endpoint="gates/eu-1/confirm-promotion"))

    said = [parsed for parsed in [*hooks, gate] if isinstance(parsed, Understood)]
    events = [event for parsed in said for event in parsed.events if isinstance(event, CanaryReported)]
    assert [event.hook for event in events] == ["rollout", "pre-rollout", "confirm-promotion"]
    assert len({parsed.semantic_key for parsed in said}) == 3


def test_an_event_reads_as_recorded() -> None:
    parsed = parse(delivered(recorded(FAILED), endpoint="flagger/eu-1/event"))

    assert isinstance(parsed, Understood)
    assert parsed.events == (
        CanaryReported(
            cluster="eu-1",
            hook="event",
            namespace="shop",
            name="web",
            phase="Failed",
            checksum="7dbcfd6756",
            message="Canary failed! Scaling down web.shop",
            severity="Warning",
            said_at=datetime(2026, 11, 23, 7, 23, 49, 24000, tzinfo=UTC),
        ),
    )
    assert parsed.semantic_key.endswith("|1795418629024")


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", "1e3", "١", "9" * 15])
def test_an_event_without_a_moment_is_still_an_event(timestamp: str) -> None:
    body = recorded(FAILED)
    body["metadata"]["timestamp"] = timestamp

    parsed = parse(delivered(body, endpoint="flagger/eu-1/event"))

    assert isinstance(parsed, Understood)
    (event,) = parsed.events
    assert isinstance(event, CanaryReported)
    assert (event.said_at, event.message) == (None, "Canary failed! Scaling down web.shop")


@pytest.mark.parametrize(
    "changes", [{"name": None}, {"namespace": "a/b"}, {"phase": ""}, {"metadata": {"n": 5}}, {"checksum": []}]
)
def test_odd_shapes_are_unreadable(changes: dict[str, Any]) -> None:
    assert isinstance(parse(delivered(recorded(FAILED) | changes, endpoint="flagger/eu-1/event")), Unreadable)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"metadata": []}', b'{"metadata": {"token": 5}}', b"[" * 9999])
def test_a_body_without_a_readable_token_is_refused(body: bytes) -> None:
    assert verified(body) == "no_credential"


@given(body=st.binary(), token=st.text())
def test_no_bytes_and_no_token_raise_or_pass(body: bytes, token: str) -> None:
    assert verified(body, "a token nobody guesses") in {"no_credential", "bad_token"}
    assert verified(with_token({}, token), "a token nobody guesses") in {"no_credential", "bad_token"}


@given(token=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_token_is_cut_out(token: str) -> None:
    verdict = verified(with_token({"name": "web"}, token), token)

    assert isinstance(verdict, Verified)
    assert json.loads(verdict.body) == {"name": "web", "metadata": {"token": "***"}}
