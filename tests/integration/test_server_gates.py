"""Gates are questions: closed unless told otherwise, stored like deliveries, and never answered 204."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from canary_worlds import MemoryCluster, put_canary
from receiving import MemoryInbox, ScriptedGates, serving, with_token
from shared_payloads import load_payload

from bot.clock import FixedClock
from bot.errors import PermanentError, TemporaryError
from bot.gates import StoredGates
from bot.receivers.flagger import GATES
from bot.records import CanaryGate, CanaryGateName, DatedGate
from bot.server import ServerSettings
from bot.server_ports import Gates

SETTINGS = ServerSettings(flagger={"eu-1": ["t0ken"]})
CANARY = {"name": "web", "namespace": "shop", "phase": "Progressing", "checksum": "59968b6cb7"}


async def ask(gates: Gates, gate: str, body: bytes, inbox: MemoryInbox | None = None) -> tuple[int, Any]:
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


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NEW, OLD = "registry.example/web@sha256:2", "registry.example/web@sha256:1"


@dataclass
class Decided:
    """What was decided of shop/web: these gates are open for these images, the others are closed."""

    images: tuple[str, ...]
    open: frozenset[str]

    async def canary_gate(self, cluster: str, canary: str, gate: CanaryGateName) -> DatedGate | None:
        if canary != "shop/web":
            return None
        found = CanaryGate(
            cluster=cluster, canary=canary, gate=gate, images=self.images, open=gate in self.open, because="decided"
        )
        return DatedGate(gate=found, at=NOW)


def decided(*open_gates: str) -> StoredGates:
    """Production carries NEW, which was decided about."""
    cluster = MemoryCluster("eu-1")
    put_canary(cluster, "Progressing", target=NEW, primary=OLD)
    return StoredGates(
        answers=Decided((NEW,), frozenset(open_gates)), clusters={"eu-1": cluster}, clock=FixedClock(NOW)
    )


@pytest.mark.parametrize(
    "recording",
    [
        "confirm-rollout-Initialized",
        "confirm-rollout-Succeeded",
        "confirm-rollout-Failed",
        "confirm-rollout-Waiting",
        "confirm-promotion-Progressing",
        "rollback-Progressing",
        "rollback-WaitingPromotion",
    ],
)
async def test_a_recorded_question_is_answered_by_what_was_decided_whatever_its_phase_and_checksum(
    recording: str,
) -> None:
    body = with_token(load_payload(f"flagger/{recording}.json")["body"], "t0ken")
    gate = recording.rpartition("-")[0]

    answers = [await ask(decided(*opened), gate, body) for opened in ((gate,), set(GATES) - {gate})]

    assert [status for status, _ in answers] == [200, 403]


@pytest.mark.parametrize("gate", GATES)
async def test_an_open_gate_closes_for_the_next_revision(gate: str) -> None:
    gates = decided(*GATES)
    cluster = gates.clusters["eu-1"]
    assert isinstance(cluster, MemoryCluster)
    put_canary(cluster, "Progressing", target="registry.example/web@sha256:3", primary=OLD)

    status, _ = await ask(gates, gate, with_token(CANARY, "t0ken"))

    assert status == 403


@pytest.mark.parametrize("gate", GATES)
async def test_a_canary_nobody_decided_about_is_403(gate: str) -> None:
    status, answer = await ask(decided(*GATES), gate, with_token(CANARY | {"name": "unheard-of"}, "t0ken"))

    assert (status, answer["open"]) == (403, False)
