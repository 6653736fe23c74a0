"""What a promotion under way is told and tells: a person's no, and why nothing moves before adoption."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from running import Running, running, until


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Running]:
    """A bot beside a sandbox, adopted, at rest on the baseline."""
    async with running(tmp_path) as found:
        await found.adopt()
        yield found


async def opened(world: Running, environment: str) -> dict[str, Any]:
    """The open merge request into an environment, once GitLab calls it mergeable."""

    async def look() -> dict[str, Any] | None:
        for one in await world.merge_requests():
            if one["source_branch"] == f"sluice/{environment}/demo-service" and one["state"] == "opened":
                found: dict[str, Any] = await world.gitlab(f"projects/{world.config}/merge_requests/{one['iid']}")
                return found if found["detailed_merge_status"] == "mergeable" else None
        return None

    return await until(look, f"a mergeable request into {environment}")


async def gates_green(world: Running, request: dict[str, Any]) -> None:
    """`sluice/gates` is success on the head."""

    async def look() -> bool:
        path = f"projects/{world.config}/repository/commits/{request['sha']}/statuses?name=sluice%2Fgates"
        return [row["status"] for row in await world.gitlab(path)] == ["success"]

    await until(look, "green gates")


async def test_merge_request_closed_by_a_person_is_not_opened_again(world: Running) -> None:
    await world.sandbox.release("1.1.0")
    request = await opened(world, "production")
    await gates_green(world, request)
    path = f"projects/{world.config}/merge_requests/{request['iid']}"
    await world.gitlab(path, token="maintainer_token", method="PUT", state_event="close")

    async def declined() -> bool:
        status = await world.api("status")
        here = next(one for one in status["environments"] if one["environment"] == "production")
        return bool(here["promotion"]["state"] == "declined")

    await until(declined, "the promotion is declined")
    states = [
        one["state"] for one in await world.merge_requests() if one["source_branch"].startswith("sluice/production/")
    ]
    assert states == ["closed"]


async def test_bot_that_was_not_adopted_writes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as world:
        await world.sandbox.release("1.1.0")

        async def seen() -> bool:
            status = await world.api("status")
            return any(one["environment"] == "dev" and one["running"] == "1.1.0" for one in status["environments"])

        await until(seen, "1.1.0 is seen in dev")
        why = await world.api("why?application=demo-service&environment=staging")

        assert world.sandbox.gitlab.ledger.writes(user="sluice") == []
        assert "sluice adopt" in str(why)
