"""The running bot takes releases through merge requests, and what it leaves on GitLab is what it promised."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from contract.api_description import check_request
from running import Running, running, until


@pytest.fixture(params=["sqlite", "postgresql"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """A bot on each database beside a sandbox, adopted, at rest on the baseline."""
    overrides: dict[str, Any] = {}
    if request.param == "postgresql":
        overrides["database_url"] = request.getfixturevalue("postgresql_url")
    async with running(tmp_path, **overrides) as found:
        await found.adopt()
        found.sandbox.gitlab.reset_counters()
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


async def merge(world: Running, request: dict[str, Any]) -> None:
    """What a maintainer does."""
    path = f"projects/{world.config}/merge_requests/{request['iid']}/merge"
    await world.gitlab(path, token="maintainer_token", method="PUT", sha=request["sha"])


async def says(world: Running, sha: str, environment: str, state: str = "success") -> None:
    """The application's commit has this status."""

    async def look() -> bool:
        path = f"projects/{world.application}/repository/commits/{sha}/statuses?name=sluice%2F{environment}"
        return [row["status"] for row in await world.gitlab(path)] == [state]

    await until(look, f"sluice/{environment} {state}")


async def promoted(world: Running, environment: str, version: str) -> dict[str, Any]:
    """The bot's own record of the newest promotion, once it is of this version and done."""

    async def look() -> dict[str, Any] | None:
        status = await world.api("status")
        here = next(one for one in status["environments"] if one["environment"] == environment)
        promotion: dict[str, Any] | None = here["promotion"]
        done = promotion is not None and (promotion["version"], promotion["state"]) == (version, "done")
        return promotion if done else None

    return await until(look, f"{version} done in {environment}")


async def test_release_reaches_production_by_two_merge_requests(world: Running) -> None:
    made = await world.sandbox.release("1.1.0", changes=["Greet people by their name"])

    request = await opened(world, "production")
    await gates_green(world, request)
    await merge(world, request)
    for environment in ("dev", "staging", "production"):
        await says(world, made.commit, environment)
        await promoted(world, environment, "1.1.0")

    await statuses_never_pending_and_never_twice(world, made.commit)
    await no_pipeline_was_invented(world, made.commit)
    await one_deployment_each(world, made.commit)
    await merge_request_changes_only_what_it_promises(world, request)
    writes = world.sandbox.gitlab.ledger.writes(user="sluice", succeeded=True)
    assert len(writes) <= 24, [(one.method, one.route, one.natural_key) for one in writes]
    assert {key: n for key, n in world.sandbox.gitlab.ledger.by_natural_key(user="sluice").items() if n > 1} == {}


async def statuses_never_pending_and_never_twice(world: Running, sha: str) -> None:
    path = f"projects/{world.application}/repository/commits/{sha}/statuses?all=true&per_page=100"
    rows = [row for row in await world.gitlab(path) if row["name"].startswith("sluice/")]
    sent = [
        str(one.natural_key)
        for one in world.sandbox.gitlab.ledger.writes(user="sluice")
        if one.natural_key and one.natural_key.startswith(f"status:demo/demo-service:{sha}")
    ]
    assert {row["status"] for row in rows} <= {"running", "success"}
    assert len(sent) == len(set(sent))
    assert not any(key.endswith(":pending") for key in sent)


async def no_pipeline_was_invented(world: Running, sha: str) -> None:
    pipelines = await world.gitlab(f"projects/{world.application}/pipelines?sha={sha}")
    assert "external" not in {pipeline["source"] for pipeline in pipelines}
    assert {pipeline["status"] for pipeline in pipelines} == {"success"}


async def one_deployment_each(world: Running, sha: str) -> None:
    async def look() -> bool:
        found = await world.gitlab(f"projects/{world.application}/deployments?per_page=100")
        ours = sorted((one["environment"]["name"], one["status"]) for one in found if one["sha"] == sha)
        return ours == [("dev", "success"), ("production", "success"), ("staging", "success")]

    await until(look, "one successful deployment for each environment")


async def merge_request_changes_only_what_it_promises(world: Running, request: dict[str, Any]) -> None:
    diffs = await world.gitlab(f"projects/{world.config}/merge_requests/{request['iid']}/diffs")
    assert sorted(diff["new_path"] for diff in diffs) == [
        ".sluice/releases/production/demo-service.yaml",
        "apps/demo-service/production/kustomization.yaml",
    ]
    image = next(diff["diff"] for diff in diffs if diff["new_path"].startswith("apps/"))
    changed = [line for line in image.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    assert [line.strip("+- ").replace('"', "") for line in changed] == ["newTag: 1.0.0", "newTag: 1.1.0"]
    assert request["title"] == "Promote demo-service 1.1.0 to production"
    assert "sluice" in request["labels"]


async def test_every_request_to_gitlab_fits_the_api_description(world: Running) -> None:
    await world.sandbox.release("1.1.0")
    await gates_green(world, await opened(world, "production"))

    faults = [
        (one.method, one.raw_path, fault)
        for one in world.sandbox.gitlab.ledger.requests
        if one.user == "sluice" and one.method != "GIT"
        for fault in check_request(one.method, one.raw_path.partition("?")[0], dict(one.query), one.body)
    ]

    assert faults == []


async def test_newer_release_takes_over_the_open_merge_request(world: Running) -> None:
    await world.sandbox.release("1.1.0")
    first = await opened(world, "production")
    await world.sandbox.release("1.2.0")

    async def renamed() -> bool:
        request = await world.gitlab(f"projects/{world.config}/merge_requests/{first['iid']}")
        return "1.2.0" in request["title"] and request["state"] == "opened"

    await until(renamed, "the same merge request for 1.2.0")
    branches = [one["source_branch"] for one in await world.merge_requests() if one["state"] == "opened"]
    assert branches == ["sluice/production/demo-service"]


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


async def test_events_that_say_nothing_new_cost_no_write(world: Running) -> None:
    async def at_rest() -> bool:
        return await world.app.machine.worker.journal.due_in() is None

    await until(at_rest, "nothing is due")
    world.sandbox.gitlab.reset_counters()
    for _ in range(30):
        world.sandbox.cluster.reconcile("Kustomization", "flux-system", "demo-service-staging")
    await until(at_rest, "nothing is due again")

    assert world.sandbox.gitlab.ledger.writes(user="sluice") == []


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
