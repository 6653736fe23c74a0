"""What a promotion looks like from outside: read back from GitLab and Git, never from the bot."""

import asyncio
from dataclasses import dataclass
from typing import Any, cast

from running import Outside, until

from bot.sandbox.gitlab.ledger import RecordedRequest

Found = dict[str, Any]
BOT = "sluice"
ENVIRONMENTS = ("dev", "staging", "production")
QUIET = 1.0
"""Seconds without a write of the bot after which it is taken to have said all it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """One merge request with all that is shown on it."""

    request: Found
    diffs: list[Found]
    notes: list[Found]
    statuses: list[Found]

    @property
    def environment(self) -> str:
        return str(self.request["source_branch"]).split("/")[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """GitLab after a release: everything that promotions leave behind there."""

    commit: str
    merge_requests: tuple[MergeRequest, ...]
    statuses: list[Found]
    deployments: list[Found]
    pipelines: list[Found]
    requests: tuple[RecordedRequest, ...]

    def of(self, environment: str) -> MergeRequest:
        (found,) = [one for one in self.merge_requests if one.environment == environment]
        return found

    @property
    def writes(self) -> list[RecordedRequest]:
        return [one for one in self.requests if one.write and one.user == BOT]


async def release(world: Outside, version: str, **more: Any) -> str:
    """Release a version of the application; its commit."""
    return str((await world.control("releases", version=version, **more))["commit"])


async def merge_request(world: Outside, environment: str, state: str) -> Found | None:
    """The newest merge request into an environment that is in this state."""
    found = await world.merge_requests()
    return next(
        (one for one in found if one["source_branch"].startswith(f"sluice/{environment}/") and one["state"] == state),
        None,
    )


async def statuses_of(world: Outside, project: str, sha: str) -> list[Found]:
    """Every commit status of a commit, retried ones included."""
    return cast(list[Found], await world.gitlab(f"projects/{project}/repository/commits/{sha}/statuses?all=true"))


async def until_ready(world: Outside, environment: str, version: str = "") -> Found:
    """Wait until the merge request into an environment is open, green, and mergeable for a person."""

    async def ready() -> Found | None:
        found = await merge_request(world, environment, "opened")
        if found is None or version not in found["title"] or found["detailed_merge_status"] != "mergeable":
            return None
        gates = [one for one in await statuses_of(world, world.config, found["sha"]) if one["name"] == "sluice/gates"]
        return found if gates and gates[-1]["status"] == "success" else None

    return await until(ready, f"a merge request of {version or 'a release'} into {environment} is ready")


async def merge(world: Outside, request: Found, token: str = "maintainer_token") -> None:
    """Merge as a person."""
    path = f"projects/{world.config}/merge_requests/{request['iid']}/merge"
    await world.gitlab(path, token, "PUT", sha=request["sha"])


async def until_told(world: Outside, commit: str, environment: str) -> None:
    """Wait until the application's commit and GitLab's deployments say that it runs in an environment."""

    async def told() -> bool:
        said = [one for one in await statuses_of(world, world.application, commit) if one["status"] == "success"]
        deployed = await world.gitlab(f"projects/{world.application}/deployments?environment={environment}")
        return any(one["name"] == f"sluice/{environment}" for one in said) and any(
            one["sha"] == commit and one["status"] == "success" for one in deployed
        )

    await until(told, f"{commit:.8} says that it runs in {environment}")


async def to_production(world: Outside, commit: str) -> None:
    """Take a release, announced already, all the way: the maintainer merges into production."""
    await until_told(world, commit, "dev")
    await until_told(world, commit, "staging")
    await merge(world, await until_ready(world, "production"))
    await until_told(world, commit, "production")


async def until_quiet(world: Outside, seconds: float = QUIET) -> None:
    """Wait until the bot has written nothing for a while."""
    loop, before, since = asyncio.get_running_loop(), -1, 0.0

    async def quiet() -> bool:
        nonlocal before, since
        count = len(writes_of_bot(world))
        if count != before:
            before, since = count, loop.time()
        return loop.time() - since >= seconds

    await until(quiet, "the bot stops writing")


def writes_of_bot(world: Outside) -> list[RecordedRequest]:
    """What the bot wrote to GitLab, refused writes included, Git pushes by their refs."""
    return world.sandbox.gitlab.ledger.writes(user=BOT)


def doubled(world: Outside) -> dict[str, int]:
    """The natural keys that were written more than once with success."""
    counts = world.sandbox.gitlab.ledger.by_natural_key(user=BOT)
    return {key: count for key, count in counts.items() if count > 1}


async def look(world: Outside, commit: str) -> Seen:
    """Read everything back from GitLab; the requests are those made until now."""
    requests = tuple(world.sandbox.gitlab.ledger.requests)
    application = f"projects/{world.application}"
    return Seen(
        commit=commit,
        merge_requests=tuple([await _shown(world, one) for one in await world.merge_requests()]),
        statuses=await statuses_of(world, world.application, commit),
        deployments=await world.gitlab(f"{application}/deployments?per_page=100"),
        pipelines=await world.gitlab(f"{application}/pipelines?per_page=100"),
        requests=requests,
    )


async def _shown(world: Outside, request: Found) -> MergeRequest:
    base = f"projects/{world.config}/merge_requests/{request['iid']}"
    return MergeRequest(
        request=request,
        diffs=await world.gitlab(f"{base}/diffs"),
        notes=[one for one in await world.gitlab(f"{base}/notes") if not one["system"]],
        statuses=await statuses_of(world, world.config, request["sha"]),
    )
