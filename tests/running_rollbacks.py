"""What a rollback looks like from outside: read back from GitLab, Git and the cluster, never from the bot."""

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from running import Outside, Running, until
from running_promotions import Found, merge, release, statuses_of, until_ready, until_told

from bot.positions import parse_release_file
from bot.releases import Release
from bot.sandbox.cluster.kinds import DEPLOYMENT

APPLICATION = "demo-service"
CANARY = {"namespace": "production", "name": APPLICATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """What the default branch says of production. tag: at the image position; marker: of that line, or empty."""

    release: Release
    tag: str
    marker: str
    pin: str
    denials: str


async def production(world: Outside) -> Production:
    """Production at the head of the default branch, read through GitLab's API."""
    position = await file(world, f"apps/{APPLICATION}/production/kustomization.yaml") or ""
    marker = next((line.partition("#")[2].strip() for line in position.splitlines() if "newTag" in line), "")
    return Production(
        release=parse_release_file(await file(world, record("releases")) or ""),
        tag=str(YAML(typ="safe").load(position)["images"][0]["newTag"]),
        marker=marker,
        pin=await file(world, record("pins")) or "",
        denials=await file(world, record("denials")) or "",
    )


def record(kind: str) -> str:
    """The path of one of the bot's files about production."""
    return f".sluice/{kind}/production/{APPLICATION}.yaml"


async def file(world: Outside, path: str) -> str | None:
    """A file of the default branch, None when there is none."""
    quoted = path.replace("/", "%2F")
    headers = {"PRIVATE-TOKEN": world.facts["root_token"]}
    url = f"{world.facts['gitlab_url']}/api/v4/projects/{world.config}/repository/files/{quoted}/raw?ref=main"
    async with world.session.get(url, headers=headers) as answer:
        assert answer.status in (200, 404), f"{path}: {answer.status}"
        return await answer.text() if answer.status == 200 else None


async def canary_will(world: Outside, outcome: str) -> None:
    """Decide how production's analyses end from now on."""
    await world.control("canaries", **CANARY, outcome=outcome)


async def into_production(world: Outside, version: str) -> str:
    """Release a version and take it into production's Git; its commit."""
    commit = await release(world, version)
    await until_told(world, commit, "staging")
    await merge(world, await until_ready(world, "production", version))
    return commit


async def until_failed(world: Outside, commit: str) -> None:
    """Wait until the application's commit says that it failed in production."""

    async def failed() -> bool:
        found = [
            one for one in await statuses_of(world, world.application, commit) if one["name"] == "sluice/production"
        ]
        return bool(found) and found[-1]["status"] == "failed"

    await until(failed, f"{commit:.8} failed in production")


async def until_taken_back(world: Outside, commit: str, version: str) -> Found:
    """Wait until Git went back to a version and an incident tells of it; the incident."""
    await until_failed(world, commit)

    async def back() -> Found | None:
        there = await production(world)
        found = await incidents(world)
        return found[0] if there.release.version == version and there.pin and found else None

    return await until(back, f"production went back to {version}, with an incident")


async def incidents(world: Outside) -> list[Found]:
    """Every incident of the config project, newest first."""
    found: list[Found] = await world.gitlab(f"projects/{world.config}/issues?state=all&issue_type=incident")
    return found


def serving(world: Running) -> list[str]:
    """The images that production's primary runs."""
    found = world.sandbox.cluster.objects.get(DEPLOYMENT, "production", f"{APPLICATION}-primary")
    return [str(one["image"]) for one in found["spec"]["template"]["spec"]["containers"]]


async def rewrite(world: Outside, path: str, old: str, new: str) -> None:
    """Change a file of the default branch as the maintainer; the text must be there."""
    before = await file(world, path)
    assert before is not None
    assert old in before, f"{path} does not say {old!r}"
    change = {"action": "update", "file_path": path, "content": before.replace(old, new)}
    commits = f"projects/{world.config}/repository/commits"
    await world.gitlab(
        commits, "maintainer_token", "POST", branch="main", commit_message=f"Change {path}", actions=[change]
    )


async def command(world: Running, path: str, **body: Any) -> Found:
    """Give a command by the API and wait for its answer."""
    accepted = await world.api(path, "POST", **body)
    assert "command" in accepted, accepted

    async def settled() -> Found | None:
        found: Found = await world.api(f"commands/{accepted['command']}")
        return found if found["state"] in ("done", "refused", "failed") else None

    return await until(settled, f"{path} {body} is answered")
