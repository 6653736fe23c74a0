"""A command given through the API is written down with its principal, carried out, and audited."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from api_cases import SHOP, TOKEN, configuration, serving, tell_story
from journal_cases import says, take_one
from sqlalchemy import select

from bot.journal import Journal
from bot.journal.schema import audit, bodies
from bot.journal.schema_records import commands
from bot.keys import ConfigKey


async def written(journal: Journal) -> list[tuple[str, str, str, str]]:
    """The commands in the journal: principal, door, text, state."""
    wanted = select(commands.c.principal, commands.c.door, commands.c.text, commands.c.state).order_by(commands.c.id)
    rows = await journal._read(lambda c: c.execute(wanted).all())
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def test_adopt_asks_the_worker_and_is_written_down(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        taken = await caller.post("/adopt", {"tenant": "demo"})

        claim = await take_one(caller.journal)
        stored = await written(caller.journal)
    assert claim.key == ConfigKey("demo")
    assert (taken["bound_to"], taken["state"]) == ("cfg:demo", "done")
    assert stored == [("ci", "api", "adopt demo", "done")]


async def test_adopting_what_is_ours_already_changes_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await caller.journal.learn_configuration(configuration(caller.journal.installation_id))

        taken = await caller.post("/adopt", {"tenant": "demo"})

        due = await caller.journal.due_in()
    assert "already" in taken["because"]
    assert due is None


async def test_unknown_tenant_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.post("/adopt", {"tenant": "dem"}, status=404)

        stored = await written(caller.journal)
    assert refused["error"]["do"] == "Did you mean demo?"
    assert stored == []


async def test_body_of_another_form_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.post("/adopt", {"name": "demo"}, status=400)

    assert "tenant" in refused["error"]["why"]


async def test_body_may_come_in_pieces(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"ten', b'ant": "demo"}'):
            yield piece
            await asyncio.sleep(0.05)

    async with serving(tmp_path) as caller:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with caller.session.post(f"{caller.url}/api/v1/adopt", data=pieces(), headers=headers) as answer:
            taken = await answer.json()

    assert taken["bound_to"] == "cfg:demo"


async def test_too_large_a_body_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.post("/adopt", {"tenant": "x" * 70_000}, status=413)

    assert refused["error"]["code"] == "too_large"


async def test_redelivered_delivery_is_parsed_anew(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)

        await caller.post(f"/deliveries/{number}/redeliver")

        again = await caller.journal.delivery(number)
        stored = await written(caller.journal)
    assert (again.stored.phase, again.stored.attempts) == ("received", 1)
    assert stored == [("ci", "api", f"redeliver {number}", "done")]


async def test_redelivering_an_unknown_delivery_is_404(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await caller.post("/deliveries/none/redeliver", status=404)

        stored = await written(caller.journal)
    assert stored == []


async def test_dead_work_is_listed_and_lives_again_when_asked(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)
        await caller.journal.redeliver(number)
        await caller.journal.digest(lambda _: says("pipeline 2", SHOP))
        await caller.journal.bury(await take_one(caller.journal), reason="the policy names no project")

        dead = (await caller.get("/work"))["dead"]
        status = await caller.get("/status")
        await caller.post(f"/work/{dead[0]['key'].replace('/', '%2F')}/retry")

        caller.clock.at += timedelta(seconds=2)
        claim = await take_one(caller.journal)
        left = (await caller.get("/work"))["dead"]
    assert [(row["key"], row["reason"]) for row in dead] == [("app:demo/shop", "the policy names no project")]
    assert dead[0]["causes"] == [number]
    assert claim.key == SHOP
    assert left == []
    assert (status["dead_work"], status["dead"]) == (1, dead)


async def test_living_work_cannot_be_retried(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        refused = await caller.post("/work/app:demo/shop/retry", status=404)
        nonsense = await caller.post("/work/shop/retry", status=400)

    assert "dead work" in refused["error"]["what"]
    assert "APPLICATION" in nonsense["error"]["why"]


async def test_failed_command_says_why_and_is_kept_as_failed(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        number = await tell_story(caller.journal)
        await drop_body(caller.journal, number)

        refused = await caller.post(f"/deliveries/{number}/redeliver", status=409)

        stored = await written(caller.journal)
    assert "retention" in refused["error"]["why"]
    assert [state for *_, state in stored] == ["failed"]


async def test_every_command_joins_the_audit_trail(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        await caller.post("/adopt", {"tenant": "demo"})

        rows = await caller.journal._read(lambda c: c.execute(select(audit)).all())
    (row,) = rows
    payload = json.loads(row.payload)
    assert (row.subject, row.kind) == ("cfg:demo", "command")
    assert (payload["principal"], payload["text"], payload["state"]) == ("ci", "adopt demo", "done")


async def drop_body(journal: Journal, delivery: str) -> None:
    """What retention does after a week."""
    await journal._write(lambda c: c.execute(bodies.delete().where(bodies.c.delivery == delivery)))
