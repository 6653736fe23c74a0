"""What people do to a promotion is respected: a newer release, a closed merge request, a commit on the branch."""

import base64
from pathlib import Path

from running import Running, running
from running_promotions import (
    Found,
    merge_request,
    release,
    to_production,
    until_quiet,
    until_ready,
    until_told,
    writes_of_bot,
)

from bot.positions import parse_release_file

BRANCH = "sluice/production/demo-service"


async def test_a_newer_release_takes_the_open_merge_request_over(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await release(world, "1.1.0")
        first = await until_ready(world, "production", "1.1.0")

        commit = await release(world, "1.2.0")
        second = await until_ready(world, "production", "1.2.0")

        assert (second["iid"], second["created_at"]) == (first["iid"], first["created_at"])
        assert second["sha"] != first["sha"]
        assert await declared(world, BRANCH) == "1.2.0"
        await to_production(world, commit)
        await until_quiet(world)
        assert await into(world, "production") == [(first["iid"], "merged")]
        assert await declared(world, "main") == "1.2.0"


async def test_a_merge_request_closed_by_a_person_is_not_opened_again(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await release(world, "1.1.0")
        request = await until_ready(world, "production", "1.1.0")

        await world.gitlab(f"{at(world, request)}", "maintainer_token", "PUT", state_event="close")
        await until_quiet(world)
        await world.app.machine.resync.look_at_configurations()
        await world.app.machine.resync.sweep()
        await until_quiet(world)

        assert await into(world, "production") == [(request["iid"], "closed")]
        assert await declared(world, "main") == "1.0.0"

        await release(world, "1.2.0")
        again = await until_ready(world, "production", "1.2.0")
        assert again["iid"] != request["iid"]


async def test_a_commit_of_a_person_on_the_branch_is_left_alone(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.adopt()
        await release(world, "1.1.0")
        request = await until_ready(world, "production", "1.1.0")
        sandbox = world.sandbox
        theirs = await sandbox.gitlab.commit_files(
            sandbox.config_project, BRANCH, {"notes.txt": "please wait\n"}, "Think about it", sandbox.people.developer
        )

        commit = await release(world, "1.2.0")
        await until_told(world, commit, "staging")
        await until_quiet(world)

        found = await merge_request(world, "production", "opened")
        assert found is not None
        assert (found["iid"], found["sha"]) == (request["iid"], theirs)
        assert [one.raw_path for one in writes_of_bot(world) if theirs in f"{one.raw_path} {one.body}"] == []
        why = await world.api("why?tenant=demo&application=demo-service&environment=production")
        assert f"{theirs[:8]} was committed by a person" in str(why)


async def into(world: Running, environment: str) -> list[tuple[int, str]]:
    """(iid, state) of every merge request into an environment."""
    found = await world.merge_requests()
    return [(one["iid"], one["state"]) for one in found if one["source_branch"].startswith(f"sluice/{environment}/")]


async def declared(world: Running, ref: str) -> str:
    """The version in production's release file."""
    path = ".sluice%2Freleases%2Fproduction%2Fdemo-service.yaml"
    found = await world.gitlab(f"projects/{world.config}/repository/files/{path}?ref={ref.replace('/', '%2F')}")
    return parse_release_file(base64.b64decode(found["content"]).decode()).version


def at(world: Running, request: Found) -> str:
    """A merge request's path in the API."""
    return f"projects/{world.config}/merge_requests/{request['iid']}"
