"""How the stories of crash tests end, and everything that is then to be the same as without any crash."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crashing import ENVIRONMENTS, VERSION, Scene

from bot.demo import proofs

MOMENTS = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|\b[0-9a-f]{40}\b|sha256:[0-9a-f]{64}|127\.0\.0\.1:\d+")
"""What differs from run to run: times, commits, digests, and the sandbox's ports."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """The release is healthy everywhere."""

    name: str = "promotion"
    canary: str = "succeed"

    async def reached(self, scene: Scene) -> bool:
        """The application's commit and GitLab's environments say so."""
        return await says(scene, ["success"] * 3) and await deployed(scene, "success") == set(ENVIRONMENTS)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The release failed in production and was taken back, with everybody told."""

    name: str = "rollback"
    canary: str = "fail"

    async def reached(self, scene: Scene) -> bool:
        """The application's commit, GitLab's environments and an incident say so."""
        if not await says(scene, ["success", "success", "failed"]) or await deployed(scene, "failed") != {"production"}:
            return False
        return await returned(scene) and bool(await proofs.incident(scene.witness, VERSION))


async def says(scene: Scene, wanted: list[str]) -> bool:
    """Whether the commit's statuses are these, in the order of the environments."""
    sha = await scene.sha()
    if not sha:
        return False
    return [await scene.witness.status(sha, f"sluice/{name}") for name in ENVIRONMENTS] == wanted


async def deployed(scene: Scene, status: str) -> set[str]:
    """The environments to which GitLab shows the commit deployed with this status."""
    sha = await scene.sha()
    path = f"{scene.witness.application}/deployments?status={status}&per_page=100"
    return {one["environment"]["name"] for one in await scene.witness.gitlab(path) if one["sha"] == sha}


async def returned(scene: Scene) -> bool:
    """Whether GitLab shows another commit deployed to production after the one that failed."""
    sha = await scene.sha()
    path = f"{scene.witness.application}/deployments?environment=production&status=success"
    return any(one["sha"] != sha for one in await scene.witness.gitlab(path))


async def final_state(scene: Scene) -> dict[str, Any]:
    """Everything that is left in Git and GitLab, without what differs from run to run."""
    witness = scene.witness
    config, application = witness.config, witness.application
    requests = await witness.gitlab(f"{config}/merge_requests?state=all")
    issues = await witness.gitlab(f"{config}/issues?state=all")
    statuses = await witness.gitlab(f"{application}/repository/commits/{await scene.sha()}/statuses?all=true")
    deployments = await witness.gitlab(f"{application}/deployments?per_page=100")
    return {
        "git": git_says(await witness.checkout()),
        "merge requests": sorted((one["source_branch"], one["state"], one["title"]) for one in requests),
        "notes": sorted([await notes_of(scene, one) for one in requests]),
        "issues": sorted((one["title"], one["state"]) for one in issues),
        "statuses": sorted((one["name"], one["status"]) for one in statuses if one["name"].startswith("sluice/")),
        "deployments": sorted((one["environment"]["name"], one["status"]) for one in deployments),
    }


def git_says(folder: Path) -> dict[str, str]:
    """The texts of a fresh clone that say what runs where, without moments."""
    files = [*sorted((folder / ".sluice").rglob("*.yaml")), *sorted((folder / "apps").rglob("kustomization.yaml"))]
    return {str(file.relative_to(folder)): MOMENTS.sub("…", file.read_text("utf-8")) for file in files}


async def notes_of(scene: Scene, request: dict[str, Any]) -> tuple[str, int]:
    """How many notes of the bot a merge request has."""
    found = await scene.witness.gitlab(f"{scene.witness.config}/merge_requests/{request['iid']}/notes")
    ours = [note for note in found if not note["system"] and note["author"]["username"] == "sluice"]
    return str(request["source_branch"]), len(ours)
