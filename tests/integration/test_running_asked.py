"""What people ask for in notes is done: seen in Git, in GitLab and in the note's one emoji, not only in a reply."""

from pathlib import Path

from running import Running, running, until
from running_commands import emoji, replies, say, until_emoji, until_reply
from running_promotions import Found, merge, merge_request, release, statuses_of, until_quiet, until_ready, until_told
from running_rollbacks import production, rewrite

APPROVED = ("    after: [staging]\n", "    after: [staging]\n    approvals: {required: 1}\n")


async def until_gates(world: Running, state: str, words: str = "") -> Found:
    """Wait until the merge request into production shows its gates in a state, with some words; it."""

    async def shown() -> Found | None:
        found = await merge_request(world, "production", "opened")
        statuses = await statuses_of(world, world.config, found["sha"]) if found else []
        gates = [one for one in statuses if one["name"] == "sluice/gates"]
        return found if gates and gates[-1]["status"] == state and words in (gates[-1]["description"] or "") else None

    return await until(shown, f"gates of production that are {state} {words!r}")


async def until_shown(world: Running, iid: int, words: str) -> None:
    """Wait until a note of the merge request says something."""

    async def shown() -> bool:
        notes = await world.gitlab(f"projects/{world.config}/merge_requests/{iid}/notes")
        return any(words in note["body"] for note in notes)

    await until(shown, f"a note that says {words!r}")


async def test_a_named_release_comes_before_a_newer_one(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        for version in ("1.1.0", "1.2.0"):
            await until_told(world, await release(world, version), "staging")
        iid = int((await until_ready(world, "production", "1.2.0"))["iid"])

        note = await say(world, world.config, iid, '/sluice promote 1.1.0 to production --reason "announced first"')
        await until_emoji(world, world.config, iid, note, "eyes")
        request = await until_ready(world, "production", "1.1.0")
        assert request["iid"] == iid
        await merge(world, request)

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        assert (await production(world)).release.version == "1.1.0"
        assert await replies(world, world.config, iid, note["id"]) == []
        await until_ready(world, "production", "1.2.0")


async def test_a_rejected_promotion_is_closed_and_does_not_come_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await until_told(world, await release(world, "1.1.0"), "staging")
        iid = int((await until_ready(world, "production"))["iid"])

        note = await say(world, world.config, iid, "/sluice reject --reason it is too big")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        closed = await world.gitlab(f"projects/{world.config}/merge_requests/{iid}")
        assert closed["state"] == "closed"
        await until_quiet(world)
        assert await merge_request(world, "production", "opened") is None

        again = await say(world, world.config, iid, "/sluice promote demo-service 1.1.0 to production")
        await until_emoji(world, world.config, iid, again, "eyes")
        assert int((await until_ready(world, "production", "1.1.0"))["iid"]) != iid


async def test_a_cancelled_request_closes_its_merge_request(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await until_told(world, await release(world, "1.1.0"), "staging")
        iid = int((await until_ready(world, "production"))["iid"])
        asked = await say(world, world.config, iid, "/sluice promote")
        await until_emoji(world, world.config, iid, asked, "eyes")

        note = await say(world, world.config, iid, "/sluice cancel")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        await until_emoji(world, world.config, iid, asked, "x")
        assert "cancelled" in await until_reply(world, world.config, iid, asked, "maintainer cancelled 1.1.0")
        assert (await world.gitlab(f"projects/{world.config}/merge_requests/{iid}"))["state"] == "closed"


async def test_nothing_is_merged_before_a_person_who_counts_approved_it(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await rewrite(world, ".sluice/policy.yaml", *APPROVED)
        await until_told(world, await release(world, "1.1.0"), "staging")
        request = await until_gates(world, "pending", "0 of 1 approved")
        iid = int(request["iid"])
        assert not request["draft"]

        refused = await say(world, world.config, iid, "/sluice approve", token="developer_token")
        await until_reply(world, world.config, iid, refused, "not_allowed")
        note = await say(world, world.config, iid, "/sluice approve")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        await merge(world, await until_ready(world, "production", "1.1.0"))
        assert (await world.gitlab(f"projects/{world.config}/merge_requests/{iid}"))["state"] == "merged"


async def test_who_asked_for_it_approves_it_neither_by_a_note_nor_in_gitlab(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await rewrite(world, ".sluice/policy.yaml", *APPROVED)
        await until_told(world, await release(world, "1.1.0"), "staging")
        iid = int((await until_gates(world, "pending", "0 of 1 approved"))["iid"])
        asked = await say(world, world.config, iid, "/sluice promote")
        await until_emoji(world, world.config, iid, asked, "eyes")

        note = await say(world, world.config, iid, "/sluice approve")
        await until_reply(world, world.config, iid, note, "self_approval")
        await world.gitlab(f"projects/{world.config}/merge_requests/{iid}/approve", "maintainer_token", "POST")
        await until_shown(world, iid, "who asked for it does not approve it")
        cancelled = await say(world, world.config, iid, "/sluice cancel")
        await until_emoji(world, world.config, iid, cancelled, "white_check_mark")


async def test_an_approval_in_gitlab_opens_the_gate(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await rewrite(world, ".sluice/policy.yaml", *APPROVED)
        await until_told(world, await release(world, "1.1.0"), "staging")
        iid = int((await until_gates(world, "pending", "0 of 1 approved"))["iid"])

        await world.gitlab(f"projects/{world.config}/merge_requests/{iid}/approve", "maintainer_token", "POST")

        await merge(world, await until_ready(world, "production", "1.1.0"))


async def test_a_freeze_stops_a_promotion_until_it_is_thawed(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await until_told(world, await release(world, "1.1.0"), "staging")
        iid = int((await until_ready(world, "production"))["iid"])

        note = await say(world, world.config, iid, "/sluice freeze production for 2h --reason an audit")
        await until_emoji(world, world.config, iid, note, "white_check_mark")
        await until_gates(world, "pending", "maintainer froze production: an audit")
        note = await say(world, world.config, iid, "/sluice thaw production")

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        await merge(world, await until_ready(world, "production", "1.1.0"))


async def test_a_release_is_taken_back_by_a_note_though_its_environment_is_frozen(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        commit = await release(world, "1.1.0")
        await until_told(world, commit, "staging")
        request = await until_ready(world, "production")
        iid = int(request["iid"])
        await merge(world, request)
        await until_told(world, commit, "production")

        frozen = await say(world, world.config, iid, "/sluice freeze production --reason an audit")
        await until_emoji(world, world.config, iid, frozen, "white_check_mark")
        note = await say(world, world.config, iid, '/sluice rollback v1.1.0 --reason "customers complain"')

        await until_emoji(world, world.config, iid, note, "white_check_mark")
        there = await production(world)
        assert (there.release.version, there.pin is not None) == ("1.0.0", True)
        assert await emoji(world, world.config, iid, frozen["id"]) == ["white_check_mark"]
