"""Signatures: the published vectors hold, and no change of any byte passes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import NOW, SIGNING_TOKEN, signed_by_flux, signed_by_gitlab
from shared_payloads import vectors

from bot.errors import PermanentError
from bot.receivers.signatures import (
    generic_hmac_matches,
    is_fresh,
    presented_signatures,
    signature_matches,
    signed_prefix,
    signing_key,
)
from bot.receivers.tokens import LiveTokens, digest_of


def holds(secret: str, sent: Mapping[str, str], body: bytes) -> bool:
    prefix = signed_prefix(sent["webhook-id"], sent["webhook-timestamp"])
    return signature_matches(signing_key(secret), prefix, body, presented_signatures(sent["webhook-signature"]))


def with_signature(vector: dict[str, str], signature: str) -> dict[str, str]:
    return vector | {"webhook-signature": signature}


def test_the_standard_webhooks_reference_vector_holds() -> None:
    vector = vectors("signatures")["standard_webhooks_reference"]

    assert holds(vector["secret"], vector, vector["body"].encode())


@pytest.mark.parametrize("position", range(5))
def test_each_header_that_must_be_accepted_is(position: int) -> None:
    everything = vectors("signatures")
    vector, accepted = everything["gitlab_signing_token"], everything["must_accept_headers"]

    assert len(accepted) == 5
    assert holds(vector["signing_token"], with_signature(vector, accepted[position]), vector["body"].encode())


@pytest.mark.parametrize("position", range(11))
def test_each_header_that_must_be_rejected_is_without_an_exception(position: int) -> None:
    everything = vectors("signatures")
    vector, rejected = everything["gitlab_signing_token"], everything["must_reject_without_exception"]

    assert len(rejected) == 11
    assert not holds(vector["signing_token"], with_signature(vector, rejected[position]), vector["body"].encode())


def test_two_signatures_of_a_rotation_hold_under_the_old_and_the_new_key() -> None:
    vector = vectors("signatures")["gitlab_signing_token"]
    both = with_signature(vector, vector["rotation_header_two_signatures"])

    assert holds(vector["signing_token"], both, vector["body"].encode())


@given(body=st.binary(min_size=1, max_size=200), data=st.data())
def test_changing_any_byte_of_the_body_breaks_the_signature(body: bytes, data: st.DataObject) -> None:
    sent = signed_by_gitlab(body)
    place = data.draw(st.integers(0, len(body) - 1))
    other = data.draw(st.integers(1, 255))
    tampered = body[:place] + bytes([body[place] ^ other]) + body[place + 1 :]

    assert holds(SIGNING_TOKEN, sent, body)
    assert not holds(SIGNING_TOKEN, sent, tampered)


@given(field=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), data=st.data())
def test_changing_any_character_of_a_signed_header_breaks_the_signature(field: str, data: st.DataObject) -> None:
    sent = signed_by_gitlab(b"{}")
    place = data.draw(st.integers(0, len(sent[field]) - 1))
    other = data.draw(st.characters().filter(lambda character: character != sent[field][place]))
    sent[field] = sent[field][:place] + other + sent[field][place + 1 :]

    assert not holds(SIGNING_TOKEN, sent, b"{}")


@given(id=st.text(), timestamp=st.text(), signatures=st.text(), body=st.binary())
def test_no_text_in_the_signed_headers_raises(id: str, timestamp: str, signatures: str, body: bytes) -> None:
    sent = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures}

    assert not holds(SIGNING_TOKEN, sent, body)
    assert is_fresh(timestamp, NOW) in {True, False}


def test_an_id_with_a_dot_is_never_signed_for() -> None:
    sent = signed_by_gitlab(b"{}", message_id="a.b")

    assert not holds(SIGNING_TOKEN, sent, b"{}")


@pytest.mark.parametrize(
    ("offset", "fresh"),
    [(0, True), (300, True), (-300, True), (301, False), (-301, False), (10**9, False)],
)
def test_the_window_is_five_minutes_in_both_directions(offset: int, fresh: bool) -> None:
    at = datetime.fromtimestamp(1_790_000_000, UTC)

    assert is_fresh("1790000000", at + timedelta(seconds=offset)) is fresh


@pytest.mark.parametrize(
    "timestamp", ["", "now", "-1", "+1790000000", "1790000000.0", "1_790_000_000", "١٧٩", "9" * 40]
)
def test_a_timestamp_that_is_no_plain_number_is_not_fresh(timestamp: str) -> None:
    assert not is_fresh(timestamp, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "AAECAwQF", "whsec_%%%", "whsec_é", "v1,AAAA"])
def test_a_malformed_signing_token_is_refused_at_start_without_repeating_it(secret: str) -> None:
    with pytest.raises(PermanentError) as refusal:
        signing_key(secret)

    assert "%%%" not in str(refusal.value)
    assert "AAECAwQF" not in str(refusal.value)


def test_a_flux_signature_holds_for_its_own_bytes_only() -> None:
    header = signed_by_flux(b"{}", "old")["x-signature"]

    assert generic_hmac_matches([b"new", b"old"], header, b"{}")
    assert not generic_hmac_matches([b"new"], header, b"{}")
    assert not generic_hmac_matches([b"old"], header, b"{ }")


@pytest.mark.parametrize("algorithm", ["sha1", "md5", "sha512", "SHA256", "", "sha256 ", "none"])
def test_a_flux_signature_names_no_algorithm_but_sha256(algorithm: str) -> None:
    digest = signed_by_flux(b"{}", "secret")["x-signature"].partition("=")[2]

    assert not generic_hmac_matches([b"secret"], f"{algorithm}={digest}", b"{}")


@given(header=st.text(), body=st.binary())
def test_no_flux_signature_header_raises(header: str, body: bytes) -> None:
    assert not generic_hmac_matches([b"secret"], header, body)


@given(token=st.text(min_size=1), presented=st.text())
def test_only_the_token_itself_matches(token: str, presented: str) -> None:
    live = LiveTokens((digest_of("another"), digest_of(token)))

    assert live.match(digest_of(token))
    assert live.match(digest_of(presented)) is (presented in {token, "another"})


def test_an_empty_token_is_refused_at_start() -> None:
    with pytest.raises(PermanentError, match="empty"):
        LiveTokens.of(["fine", ""])
