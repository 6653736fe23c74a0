"""Flux events: who is let in, and what they mean."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import NOW, delivered, signed_by_flux
from shared_payloads import load_payload, payload_files, payload_id

from bot.errors import PermanentError
from bot.events import SourceReported, Understood, Unheard, Unreadable
from bot.receivers.flux import FluxReceiver
from bot.receivers.parsing import parse
from bot.receivers.verdicts import RefusalCode, Refused, Verified

SIGNED = payload_files("flux/generic-hmac-*.json")
EVENTS = payload_files("flux/generic-*.json")
SUCCEEDED = "flux/generic-hmac-Kustomization-ReconciliationSucceeded-info.json"


def raw(path: Path) -> bytes:
    return str(json.loads(path.read_bytes())["raw"]).encode()


def recorded_signature(path: Path) -> dict[str, str]:
    headers = {name.lower(): value for name, value in json.loads(path.read_bytes())["headers"]}
    return {"x-signature": headers["x-signature"], "gotk-component": headers["gotk-component"]}


def verified(body: bytes, *, at: datetime = NOW, secret: str = "s", **limits: Any) -> Verified | RefusalCode:
    verdict = FluxReceiver("eu-1", ["s"], **limits).verify(signed_by_flux(body, secret), body, at)
    return verdict.code if isinstance(verdict, Refused) else verdict


def reported(body: Any, **changes: Any) -> SourceReported:
    parsed = parse(delivered(body | changes, endpoint="flux/eu-1"))
    assert isinstance(parsed, Understood), parsed
    (event,) = parsed.events
    assert isinstance(event, SourceReported)
    return event


def recorded_body(name: str) -> dict[str, Any]:
    body: dict[str, Any] = load_payload(name)["body"]
    return body


@pytest.mark.parametrize("path", SIGNED, ids=payload_id)
def test_every_recorded_signature_holds(path: Path) -> None:
    headers = recorded_signature(path)
    body = raw(path)
    if "BuildFailed" in path.name:
        # A path in the two recordings was shortened afterwards, so they are signed anew.
        headers |= signed_by_flux(body, "hmac-secret")

    at = datetime.fromisoformat(json.loads(body)["timestamp"])

    verdict = FluxReceiver("eu-1", ["hmac-secret"]).verify(headers, body, at + timedelta(seconds=30))

    assert isinstance(verdict, Verified)
    assert verdict.scope == "cluster:eu-1"
    assert verdict.body == body
    assert set(verdict.headers) == {"gotk-component"}


@pytest.mark.parametrize("path", EVENTS, ids=payload_id)
def test_every_recorded_event_is_understood(path: Path) -> None:
    body = json.loads(raw(path))

    event = reported(body)

    assert (event.kind, event.name) == (body["involvedObject"]["kind"], body["involvedObject"]["name"])
    assert event.revision == body["metadata"]["revision"]
    assert event.cluster == "eu-1"


def test_a_success_reads_as_recorded() -> None:
    assert reported(recorded_body(SUCCEEDED)) == SourceReported(
        cluster="eu-1",
        kind="Kustomization",
        namespace="flux-system",
        name="demo",
        reason="ReconciliationSucceeded",
        severity="info",
        revision="main@sha1:e2bfb73c4f74a8e82dc3094ccafd20ff734ac212",
        timestamp=datetime(2026, 11, 23, 7, 19, 10, tzinfo=UTC),
        message="Reconciliation finished in 145.101418ms, next run in 1h0m0s",
    )


@pytest.mark.parametrize(
    ("metadata", "revision"),
    [
        ({"kustomize.toolkit.fluxcd.io/revision": "main@sha1:a"}, "main@sha1:a"),
        ({"event.toolkit.fluxcd.io/originRevision": "o", "revision": "r"}, "o"),
        ({"commit": "c", "originRevision": "o", "revision": "r"}, "c"),
        ({"example.com/revision": "not Flux's"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_metadata_keys_are_read_with_and_without_their_group(metadata: Any, revision: str) -> None:
    assert reported(recorded_body(SUCCEEDED), metadata=metadata).revision == revision


def test_another_clusters_secret_is_refused() -> None:
    assert verified(b"{}", secret="of another cluster") == "bad_signature"


def test_an_unsigned_event_is_refused() -> None:
    assert FluxReceiver("eu-1", ["s"]).verify({}, b"{}", NOW) == Refused(code="no_credential")


def test_an_event_outside_the_age_limit_is_a_replay() -> None:
    body = json.dumps({"timestamp": NOW.isoformat()}).encode()

    assert isinstance(verified(body, at=NOW + timedelta(minutes=10)), Verified)
    assert verified(body, at=NOW + timedelta(minutes=10, seconds=1)) == "too_old"
    assert verified(body, at=NOW - timedelta(minutes=10, seconds=1)) == "too_old"
    assert verified(body, at=NOW + timedelta(seconds=61), max_age=timedelta(minutes=1)) == "too_old"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"timestamp": 5}', b'{"timestamp": "2026-11-23T07:20:00"}'])
def test_an_authentic_event_without_a_time_is_kept_and_unreadable(body: bytes) -> None:
    assert isinstance(verified(body), Verified)
    assert isinstance(parse(delivered(body, endpoint="flux/eu-1")), Unreadable)


def test_a_retry_has_the_idempotency_key_of_the_first_attempt() -> None:
    first, retry, other = (verified(body) for body in (b'{"a":1}', b'{"a":1}', b'{"a":2}'))

    assert isinstance(first, Verified)
    assert isinstance(retry, Verified)
    assert isinstance(other, Verified)
    assert first.idempotency_key == retry.idempotency_key
    assert first.idempotency_key != other.idempotency_key


def test_reason_revision_and_time_tell_events_apart_and_the_message_does_not() -> None:
    def meaning(**changes: Any) -> str:
        parsed = parse(delivered(recorded_body(SUCCEEDED) | changes, endpoint="flux/eu-1"))
        assert isinstance(parsed, Understood)
        return parsed.semantic_key

    assert meaning() == meaning(message="Reconciliation finished in 9s")
    assert meaning() != meaning(reason="HealthCheckFailed")
    assert meaning() != meaning(metadata={"revision": "main@sha1:b"})
    assert meaning() != meaning(timestamp="2026-11-23T07:19:11Z")


@given(body=st.binary() | st.recursive(st.text(), st.lists).map(lambda value: json.dumps(value).encode()))
def test_no_authentic_bytes_make_verifying_or_parsing_raise(body: bytes) -> None:
    assert isinstance(verified(body), Verified)
    assert isinstance(parse(delivered(body, endpoint="flux/eu-1")), Understood | Unheard | Unreadable)


@given(body=st.binary(), header=st.text())
def test_no_signature_header_raises_or_passes(body: bytes, header: str) -> None:
    verdict = FluxReceiver("eu-1", ["a secret nobody guesses"]).verify({"x-signature": header}, body, NOW)

    assert verdict == Refused(code="bad_signature")


def test_an_empty_secret_is_refused_at_start() -> None:
    with pytest.raises(PermanentError, match="eu-1"):
        FluxReceiver("eu-1", [""])
