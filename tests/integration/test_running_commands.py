"""Commands in notes: heard once, authorised by what GitLab says now, seen in Git, GitLab and the journal."""

from pathlib import Path

from running import Running, running, until
from running_commands import emoji, replies, say, until_emoji, until_reply
from running_promotions import release, until_ready, until_told


async def ready_for_production(world: Running) -> int:
    """A release waits for a person to merge it into production; its merge request."""
    await world.adopt()
    commit = await release(world, "1.1.0")
    await until_told(world, commit, "staging")
    return int((await until_ready(world, "production"))["iid"])


async def test_a_hold_said_in_a_note_closes_the_gate_until_it_is_lifted_there(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        iid = await ready_for_production(world)

        note = await say(world, world.config, iid, "Wait.\n\n/sluice hold for 2h --reason the database moves")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        held = await world.api("holds")
        assert [(one["environment"], one["because"]) for one in held["holds"]] == [("production", "the database moves")]
        assert await replies(world, world.config, iid, note["id"]) == []

        note = await say(world, world.config, iid, "/sluice unhold")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        assert (await world.api("holds"))["holds"] == []


async def test_who_may_not_is_told_rule_value_and_who_could(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        iid = await ready_for_production(world)

        note = await say(world, world.config, iid, "/sluice hold --reason no", token="developer_token")

        await until_emoji(world, world.config, iid, note, "x")
        answer = await until_reply(world, world.config, iid, note, "not_allowed")
        assert "maintainer" in answer
        assert "/sluice who-can hold in production" in answer
        assert (await world.api("holds"))["holds"] == []


async def test_quoted_and_fenced_commands_are_not_commands(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        iid = await ready_for_production(world)

        quoted = await say(world, world.config, iid, "> /sluice hold --reason x\n\n```\n/sluice hold --reason x\n```")
        said = await say(world, world.config, iid, "/sluice whoami")

        await until_reply(world, world.config, iid, said, "maintainer")
        assert await emoji(world, world.config, iid, quoted["id"]) == []
        assert (await world.api("holds"))["holds"] == []


async def test_an_edited_note_runs_nothing_and_is_answered_once(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        iid = await ready_for_production(world)
        note = await say(world, world.config, iid, "Good morning.")

        path = f"projects/{world.config}/merge_requests/{iid}/notes/{note['id']}"
        await world.gitlab(path, "maintainer_token", "PUT", body="/sluice hold --reason x")

        await until_reply(world, world.config, iid, note, "edited_note")
        await world.gitlab(path, "maintainer_token", "PUT", body="/sluice hold --reason y")
        later = await say(world, world.config, iid, "/sluice whoami")
        await until_reply(world, world.config, iid, later, "You are")
        assert len(await replies(world, world.config, iid, note["id"])) == 1
        assert (await world.api("holds"))["holds"] == []


async def test_several_commands_of_a_note_run_in_their_order(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        iid = await ready_for_production(world)

        note = await say(world, world.config, iid, "/sluice hold --reason first\n/sluice unhold\n/sluice status")

        await until_reply(world, world.config, iid, note, "As of")
        assert (await world.api("holds"))["holds"] == []

        async def told() -> bool:
            return await emoji(world, world.config, iid, note["id"]) == ["white_check_mark"]

        await until(told, "the note's one emoji")
