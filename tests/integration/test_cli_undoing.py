"""The commands that take back, allow and hold, as processes of their own against the API."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from api_cases import STAGING, START, TOKEN, Caller, adopt, serving, tell_rollback, tell_story
from cli_cases import sluice, sluice_process
from journal_cases import take_one
from running import until

from bot.actions import SettleRequest
from bot.api.forms import CommandForm, CommandStoryForm
from bot.cli.asking import Unreached
from bot.cli.commanding import settled
from bot.cli.endings import Code, Ending
from bot.cli.reaching import Server
from bot.records import Request

REASON = ("--reason", "orders are lost")
SERVER = Server(url="", token="", named=True)
TAKEN = CommandForm(command="c1", bound_to="", state="open", because="")
STORY = CommandStoryForm(
    command="c1",
    kind="rollback",
    text="rollback shop staging 1.1.0",
    principal="ci",
    door="api",
    bound_to=str(STAGING),
    reason="orders are lost",
    state="open",
    because="staging is looked at now",
    at=START,
    settled_at=None,
)


async def run(caller: Caller, *arguments: str) -> tuple[int, str, str]:
    """The command as somebody with the token gives it."""
    place = {"SLUICE_SERVER": caller.url, "SLUICE_TOKEN": TOKEN}
    return await sluice_process(*arguments, env=place)


async def answer(caller: Caller, outcome: str) -> None:
    """What a rule does as soon as somebody asked."""

    async def asked() -> Request | None:
        return next(iter(await caller.journal.requests(STAGING)), None)

    request = await until(asked, "somebody asked")
    settle = SettleRequest(request=request, outcome=outcome, because=f"it was {outcome}")  # type: ignore[arg-type]
    await caller.journal.keep(await take_one(caller.journal), [settle])


async def test_rollback_says_what_happens_next(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)
        await adopt(caller.journal)

        code, output, errors = await run(caller, "rollback", "shop", "staging", *REASON, "--deny")

        (request,) = await caller.journal.requests(STAGING)
    assert (code, errors) == (0, "")
    assert "goes back from 1.0.0" in output
    assert (request.principal, request.because, request.deny) == ("ci", "orders are lost", True)


@pytest.mark.parametrize(("outcome", "code"), [("done", Code.DONE), ("refused", Code.REFUSED)])
async def test_who_waits_is_told_the_answer(tmp_path: Path, outcome: str, code: Code) -> None:
    async with serving(tmp_path) as caller:
        await tell_rollback(caller.journal, caller.clock)
        await adopt(caller.journal)
        command = ("allow", "shop", "staging", "1.1.0", *REASON, "--wait", "--json")

        (ended, output, errors), _ = await asyncio.gather(run(caller, *command), answer(caller, outcome))

    story = json.loads(output)
    assert ended == code
    assert (story["state"], story["because"], story["kind"]) == (outcome, f"it was {outcome}", "allow")
    assert ("refused: it was refused" in errors) == (outcome == "refused")


async def test_hold_and_its_lifting_show_in_status(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_rollback(caller.journal, caller.clock)

        held = await run(caller, "hold", "shop", "staging", "--reason", "the sale is on", "--for", "4h")
        status = await run(caller, "status")
        lifted = await run(caller, "unhold", "shop", "staging")
        nothing = await run(caller, "unhold", "shop", "staging")

    assert held[:2] == (
        0,
        "nothing is promoted into staging until 2026-03-02 13:00:00 UTC; what has failed is still taken back\n",
    )
    assert "held: shop in staging until 2026-03-02 13:00:00 UTC (by ci): the sale is on" in status[1]
    assert "pinned: shop in staging stays at 1.0.0 instead of 1.1.0" in status[1]
    assert "denied: shop in staging: 1.1.0" in status[1]
    assert "1.1.0 rolled_back (measured) !7" in status[1]
    assert (lifted[0], nothing[0]) == (0, Code.FAILED)
    assert "Nobody holds shop in staging." in nothing[2]


async def test_refusals_have_their_own_status(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)

        observed = await run(caller, "rollback", "shop", "staging", *REASON)
        unknown = await run(caller, "rollback", "shpo", "staging", *REASON)

    assert observed[0] == Code.REFUSED
    assert "sluice adopt demo" in observed[2]
    assert unknown[0] == Code.FAILED
    assert "Did you mean shop?" in unknown[2]


@pytest.mark.parametrize("end", [("--until", "tomorrow"), ("--until", "2026-11-24T08:00:00")])
def test_unclear_hold_is_wrong_usage(end: tuple[str, ...]) -> None:
    code, output, errors = sluice("hold", "shop", "staging", *REASON, *end)

    assert (code, output) == (Code.USAGE, "")
    assert "--for" in errors


@pytest.mark.parametrize("command", ["rollback", "hold"])
def test_blank_reason_is_wrong_usage(command: str) -> None:
    code, output, errors = sluice(command, "shop", "staging", "--reason", " ")

    assert (code, output) == (Code.USAGE, "")
    assert "say why" in errors


async def test_length_that_the_server_cannot_read_is_wrong_usage(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await tell_story(caller.journal)

        code, _, errors = await run(caller, "hold", "shop", "staging", *REASON, "--for", "3x")

    assert code == Code.USAGE
    assert "'3x' cannot be used. A duration is written like 45s" in errors


@pytest.mark.parametrize("command", ["rollback", "hold"])
def test_reason_must_be_given(command: str) -> None:
    code, _, errors = sluice(command, "shop", "staging")

    assert code == Code.USAGE
    assert "--reason" in errors


def test_waiting_ends_when_patience_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli.commanding.ask", lambda *_: STORY)
    moments = iter([0.0, 0.0, 0.0, 700.0, 700.0])

    with pytest.raises(Ending, match="no answer after 10 minutes") as ended:
        settled(SERVER, TAKEN, now=lambda: next(moments), pause=lambda _: None)

    assert ended.value.code == Code.FAILED


def test_waiting_survives_a_restart_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[CommandStoryForm | Unreached] = [Unreached("it is away"), STORY, replace(STORY, state="done")]
    paused: list[float] = []

    def ask(*_: object) -> CommandStoryForm:
        found = answers.pop(0)
        if isinstance(found, Unreached):
            raise found
        return found

    monkeypatch.setattr("bot.cli.commanding.ask", ask)

    assert settled(SERVER, TAKEN, now=lambda: 0.0, pause=paused.append).state == "done"
    assert len(paused) == 2
