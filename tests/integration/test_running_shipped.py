"""A release that went to production left on GitLab what it promised, on both databases."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from contract.api_description import check_recorded
from postgresql_server import PostgresqlServer
from running import Running, running
from running_promotions import (
    ENVIRONMENTS,
    Found,
    Seen,
    doubled,
    look,
    merge,
    release,
    until_quiet,
    until_ready,
    until_told,
)
from running_rollbacks import Production, production, serving

from bot.sandbox.gitlab.ledger import RecordedRequest

MOST_WRITES = 12
"""GitLab writes that one promotion may cost from the release seen to healthy."""


POSITION = "apps/demo-service/{}/kustomization.yaml"
DECLARED = ".sluice/releases/{}/demo-service.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What the registry, main and the cluster said of it. tags_before: while production's merge request was open;
    written: the commits of main that changed production's image since, newest first; changed: their diffs.
    """

    seen: Seen
    tags_before: dict[str, str]
    tags: dict[str, str]
    history: list[str]
    written: list[Found]
    changed: list[list[Found]]
    production: Production
    serving: list[str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def delivered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    """The world after 1.1.0 went all the way, on each of the two databases."""
    folder = tmp_path_factory.mktemp("shipped")
    if request.param == "sqlite":
        yield asyncio.run(_ship(folder))
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    url = server.create_database()
    yield asyncio.run(_ship(folder, database_url=url))
    server.drop_database(url)


@pytest.fixture(scope="module")
def shipped(delivered: Delivered) -> Seen:
    """GitLab after it."""
    return delivered.seen


async def _ship(folder: Path, **settings: Any) -> Delivered:
    async with running(folder, **settings) as world:
        await world.adopt()
        await until_quiet(world)
        world.sandbox.gitlab.reset_counters()
        commit = await release(world, "1.1.0", changes=["Greet by name"])
        await until_told(world, commit, "staging")
        request = await until_ready(world, "production")
        await until_quiet(world)
        tags = world.sandbox.registry.tags("demo/demo-service")
        await merge(world, request)
        await until_told(world, commit, "production")
        await until_quiet(world)
        assert doubled(world) == {}
        return await _delivered(world, await look(world, commit), tags)


async def _delivered(world: Running, seen: Seen, tags_before: dict[str, str]) -> Delivered:
    commits = f"projects/{world.config}/repository/commits"
    history = [str(one["id"]) for one in await world.gitlab(f"{commits}?ref_name=main&first_parent=true")]
    path = POSITION.format("production").replace("/", "%2F")
    written = (await world.gitlab(f"{commits}?ref_name=main&path={path}"))[:-1]  # the oldest is the beginning
    return Delivered(
        seen=seen,
        tags_before=tags_before,
        tags=world.sandbox.registry.tags("demo/demo-service"),
        history=history,
        written=written,
        changed=[await world.gitlab(f"{commits}/{one['id']}/diff") for one in written],
        production=await production(world),
        serving=serving(world),
    )


def test_each_environment_after_the_first_gets_one_merge_request(shipped: Seen) -> None:
    found = sorted((one.environment, one.request["state"]) for one in shipped.merge_requests)

    assert found == [("production", "merged"), ("staging", "merged")]


def test_staging_s_merge_request_changes_the_release_file_and_the_image_only(shipped: Seen) -> None:
    diffs = {one["new_path"]: one["diff"] for one in shipped.of("staging").diffs}

    assert set(diffs) == {DECLARED.format("staging"), POSITION.format("staging")}
    assert _changed(diffs[POSITION.format("staging")]) == ["-    newTag: 1.0.0", "+    newTag: 1.1.0"]


def test_production_s_merge_request_changes_the_release_file_only(shipped: Seen) -> None:
    assert [one["new_path"] for one in shipped.of("production").diffs] == [DECLARED.format("production")]


@pytest.mark.parametrize(("environment", "tag"), [("staging", "1.1.0"), ("production", "1.1.0-prod")])
def test_a_merge_request_declares_the_release(delivered: Delivered, environment: str, tag: str) -> None:
    declared = DECLARED.format(environment)
    (diff,) = [one["diff"] for one in delivered.seen.of(environment).diffs if one["new_path"] == declared]

    lines = _changed(diff)
    assert '+version: "1.1.0"' in lines
    assert f'+commit: "{delivered.seen.commit}"' in lines
    assert any(line.startswith("+") and delivered.tags["1.1.0"] in line for line in lines)
    assert any(line.startswith("+") and f'"{tag}"' in line for line in lines)


def test_production_s_tag_is_placed_after_the_merge_on_the_digest_that_was_merged(delivered: Delivered) -> None:
    assert set(delivered.tags) - set(delivered.tags_before) == {"1.1.0-prod"}
    assert delivered.tags["1.1.0-prod"] == delivered.tags["1.1.0"]


def test_flux_alone_writes_production_s_image_and_after_the_merge(delivered: Delivered) -> None:
    (flux,), (diffs,) = delivered.written, delivered.changed
    merged = delivered.seen.of("production").request["merge_commit_sha"]

    assert flux["author_name"] == "fluxcdbot"
    assert [one["new_path"] for one in diffs] == [POSITION.format("production")]
    assert [line.partition(" #")[0] for line in _changed(diffs[0]["diff"])] == [
        "-    newTag: 1.0.0-prod",
        "+    newTag: 1.1.0-prod",
    ]
    assert delivered.history.index(flux["id"]) < delivered.history.index(merged)  # newest first
    assert not [one for one in delivered.seen.writes if one.method == "GIT" and "refs/heads/main" in str(one)]


def test_production_serves_what_its_release_file_declares(delivered: Delivered) -> None:
    there = delivered.production

    (image,) = delivered.serving
    assert (there.release.version, there.release.commit) == ("1.1.0", delivered.seen.commit)
    assert (there.tag, image.rpartition(":")[2]) == ("1.1.0-prod", "1.1.0-prod")
    assert there.marker == '{"$imagepolicy": "flux-system:demo-service-production:tag"}'
    assert (there.pin, there.denials) == ("", "")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_merge_request_says_what_it_brings_and_why(shipped: Seen, environment: str) -> None:
    request = shipped.of(environment).request

    before = {"staging": "dev", "production": "staging"}[environment]
    assert request["title"] == f"Promote demo-service 1.1.0 to {environment}"
    assert {f"environment: {environment}", "sluice"} <= set(request["labels"])
    assert "Greet by name" in request["description"]
    assert f"1.1.0 is healthy in {before}" in request["description"]
    assert shipped.commit in request["description"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_gates_stand_on_the_head_in_its_own_pipeline(shipped: Seen, environment: str) -> None:
    found = shipped.of(environment).statuses

    (gates,) = [one for one in found if one["name"] == "sluice/gates"]
    (job,) = [one for one in found if one["name"] == "validate"]
    assert gates["status"] == "success"
    assert gates["pipeline_id"] == job["pipeline_id"]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_one_note_tells_how_it_went(shipped: Seen, environment: str) -> None:
    (note,) = shipped.of(environment).notes

    assert note["author"]["username"] == "sluice"
    assert f"runs and is healthy in {environment}" in note["body"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_commit_says_where_it_runs_and_never_that_it_waits(shipped: Seen, environment: str) -> None:
    ours = [one for one in shipped.statuses if one["name"] == f"sluice/{environment}"]
    (tag,) = [one for one in shipped.pipelines if one["ref"] == "v1.1.0"]
    sent = [one.body or {} for one in shipped.writes if one.route == "/projects/:id/statuses/:sha"]
    states = [one["state"] for one in sent if one["name"] == f"sluice/{environment}"]

    assert [(one["status"], one["pipeline_id"], one["ref"]) for one in ours] == [("success", tag["id"], "v1.1.0")]
    assert states in (["success"], ["running", "success"])


def test_the_pipelines_of_the_application_stay_as_they_were(shipped: Seen) -> None:
    found = {(one["source"], one["status"]) for one in shipped.pipelines if one["sha"] == shipped.commit}

    assert found == {("push", "success")}


def test_each_environment_shows_one_deployment(shipped: Seen) -> None:
    found = sorted((one["environment"]["name"], one["status"], one["sha"]) for one in shipped.deployments)

    assert found == sorted((name, "success", shipped.commit) for name in ENVIRONMENTS)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_promotion_costs_few_writes(shipped: Seen, environment: str) -> None:
    spent = [one for one in shipped.writes if _is_for(one, environment, shipped)]

    told = "\n".join(f"{one.method} {one.raw_path} {one.natural_key}" for one in spent)
    assert 0 < len(spent) <= MOST_WRITES, f"{len(spent)} writes to bring 1.1.0 into {environment}:\n{told}"


def test_no_write_is_refused(shipped: Seen) -> None:
    assert [(one.method, one.raw_path, one.status) for one in shipped.writes if one.status >= 400] == []


def test_every_request_is_one_that_gitlab_describes(shipped: Seen) -> None:
    sent = [one for one in shipped.requests if one.user == "sluice"]

    assert len(sent) > len(shipped.writes) > 0
    assert [fault for one in sent for fault in check_recorded(one)] == []


def _changed(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[:1] in ("+", "-")]


def _is_for(write: RecordedRequest, environment: str, seen: Seen) -> bool:
    """Whether a write belongs to the promotion into an environment."""
    found = seen.of(environment)
    ids = [one["id"] for one in seen.deployments if one["environment"]["name"] == environment]
    said = f"{write.raw_path} {write.natural_key} {dict(write.body or {})}"
    wanted = [
        f"/{environment}",
        f"environment': '{environment}'",
        f"/merge_requests/{found.request['iid']}/",
        found.request["sha"],
        *(f"/deployments/{one} " for one in ids),
    ]
    return any(one in said for one in wanted)
