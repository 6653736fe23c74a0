"""Gates are questions: closed unless told otherwise, stored like deliveries, and never answered 204."""

import json
from typing import Any

import aiohttp
import pytest
from receiving import MemoryInbox, ScriptedGates, serving, with_token
from shared_payloads import load_payload

from bot.errors import PermanentError, TemporaryError
from bot.receivers.flagger import GATES
from bot.server import ServerSettings

SETTINGS = ServerSettings(flagger={"eu-1": ["t0ken"]})
CANARY = {"name": "web", "namespace": "shop", "phase": "Progressing", "checksum": "59968b6cb7"}


async def ask(gates: ScriptedGates, gate: str, body: bytes, inbox: MemoryInbox | None = None) -> tuple[int, Any]:
    async with serving(SETTINGS, inbox=inbox, gates=gates) as url, aiohttp.ClientSession() as session:
        answer = await session.post(f"{url}/gates/eu-1/{gate}", data=body)
        return answer.status, await answer.json()


@pytest.mark.parametrize("gate", GATES)
async def test_a_closed_gate_is_403_with_its_reason(gate: str) -> None:
    status, answer = await ask(ScriptedGates(), gate, with_token(CANARY, "t0ken"))

    assert (status, answer) == (403, {"open": False, "because": f"{gate} was looked up"})


@pytest.mark.parametrize("gate", GATES)
async def test_an_open_gate_is_200(gate: str) -> None:
    status, answer = await ask(ScriptedGates(open_gates={gate}), gate, with_token(CANARY, "t0ken"))

    assert (status, answer["open"]) == (200, True)


async def test_the_gate_is_asked_about_the_canary_in_the_body() -> None:
    gates = ScriptedGates()
    body = with_token(load_payload("flagger/rollback-Progressing.json")["body"], "t0ken")

    await ask(gates, "rollback", body)

    assert gates.asked == [("eu-1", "rollback", "shop", "web", "59968b6cb7")]


@pytest.mark.parametrize("fault", [TemporaryError("the journal is down"), PermanentError("no policy")])
async def test_an_error_of_ours_keeps_the_gate_closed(fault: Exception) -> None:
    status, answer = await ask(ScriptedGates(fault=fault), "rollback", with_token(CANARY, "t0ken"))

    assert (status, answer["because"]) == (403, str(fault))


async def test_a_question_about_no_canary_stays_closed_and_unasked() -> None:
    gates = ScriptedGates(open_gates=set(GATES))

    status, answer = await ask(gates, "rollback", with_token({"name": 5}, "t0ken"))

    assert (status, answer["open"], gates.asked) == (403, False, [])


async def test_a_question_is_stored_before_it_is_answered_without_its_token() -> None:
    inbox = MemoryInbox()

    await ask(ScriptedGates(), "confirm-rollout", with_token(CANARY, "t0ken"), inbox)

    (kept,) = inbox.deliveries
    assert (kept.endpoint, kept.scope) == ("gates/eu-1/confirm-rollout", "cluster:eu-1")
    assert json.loads(kept.body) == CANARY | {"metadata": {"token": "***"}}


async def test_a_question_that_cannot_be_stored_is_not_answered_open() -> None:
    inbox = MemoryInbox(fault=TemporaryError("down"))

    status, _ = await ask(ScriptedGates(open_gates=set(GATES)), "rollback", with_token(CANARY, "t0ken"), inbox)

    assert status == 503


async def test_the_same_question_twice_is_two_questions() -> None:
    inbox = MemoryInbox()

    async with serving(SETTINGS, inbox=inbox) as url, aiohttp.ClientSession() as session:
        for _ in range(2):
            await session.post(f"{url}/gates/eu-1/confirm-rollout", data=with_token(CANARY, "t0ken"))

    assert len(inbox.deliveries) == 2
