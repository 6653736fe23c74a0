"""Registry notifications: a token opens, and pushed tags are what they mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receiving import NOW, delivered

from bot.events import ImagePushed, Parsed, Understood, Unheard, Unreadable
from bot.receivers.parsing import parse
from bot.receivers.registry import RegistryReceiver
from bot.receivers.verdicts import Refused, Verified

DIGEST = "sha256:" + "a" * 64


def event(action: str = "push", **target: str) -> dict[str, Any]:
    target = {"repository": "shop/app", "tag": "1.2.3", "digest": DIGEST} | target
    # The envelope of distribution's documentation ("Work with notifications"), with its other fields.
    return {"id": "320678d8", "action": action, "target": target, "actor": {}, "source": {"addr": "registry:5000"}}


def parsed(*events: Any) -> Parsed:
    return parse(delivered({"events": list(events)}, endpoint="registry/main"))


@pytest.mark.parametrize("header", ["Bearer t0ken", "bearer t0ken", "t0ken"])
def test_the_token_opens_with_and_without_its_scheme(header: str) -> None:
    verdict = RegistryReceiver("main", ["other", "t0ken"]).verify({"authorization": header}, b"{}", NOW)

    assert isinstance(verdict, Verified)
    assert verdict.scope == "registry:main"
    assert verdict.headers == {}


@pytest.mark.parametrize(("headers", "code"), [({}, "no_credential"), ({"authorization": "Bearer x"}, "bad_token")])
def test_anything_else_is_refused(headers: dict[str, str], code: str) -> None:
    verdict = RegistryReceiver("main", ["t0ken"]).verify(headers, b"{}", NOW)

    assert isinstance(verdict, Refused)
    assert verdict.code == code


def test_a_retry_has_the_idempotency_key_of_the_first_attempt() -> None:
    one = RegistryReceiver("main", ["t"])
    first, retry, other = (one.verify({"authorization": "t"}, body, NOW) for body in (b"{}", b"{}", b"[]"))

    assert isinstance(first, Verified)
    assert isinstance(other, Verified)
    assert first == retry
    assert first.idempotency_key != other.idempotency_key


def test_each_pushed_tag_is_an_event() -> None:
    said = parsed(event(), event(tag="latest"), event("pull"), event(tag=""))

    assert isinstance(said, Understood)
    assert said.events == (
        ImagePushed(registry="main", repository="shop/app", tag="1.2.3", digest=DIGEST),
        ImagePushed(registry="main", repository="shop/app", tag="latest", digest=DIGEST),
    )


def test_the_order_of_events_does_not_change_their_meaning() -> None:
    one, other = parsed(event(), event(tag="x")), parsed(event(tag="x"), event())

    assert isinstance(one, Understood)
    assert isinstance(other, Understood)
    assert one.semantic_key == other.semantic_key


@pytest.mark.parametrize("events", [[], [event("pull")], [event(tag="")], [event("delete")]])
def test_an_envelope_without_a_pushed_tag_is_unheard(events: list[Any]) -> None:
    assert isinstance(parsed(*events), Unheard)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"events": {}}', b'{"events": [5]}', b'{"events": [{}]}'])
def test_odd_shapes_are_unreadable(body: bytes) -> None:
    assert isinstance(parse(delivered(body, endpoint="registry/main")), Unreadable)


@given(body=st.binary() | st.recursive(st.text(), st.lists).map(lambda value: json.dumps({"events": value}).encode()))
def test_nothing_a_body_holds_makes_parsing_raise(body: bytes) -> None:
    assert isinstance(parse(delivered(body, endpoint="registry/main")), Understood | Unheard | Unreadable)
