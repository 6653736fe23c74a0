"""What must be true after each step, read from GitLab, Git and the registry; Unseen when it is not."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from bot.demo.witness import Unseen, Witness

if TYPE_CHECKING:
    from bot.demo.steps import Made

ENVIRONMENTS = ("dev", "staging", "production")
PROMOTED = ("staging", "production")
"""Environments whose release Sluice writes; dev follows the build by itself."""
APPLICATION = "demo-service"
CANARY = {"namespace": "production", "name": APPLICATION}


async def installed(witness: Witness, installation: str) -> None:
    """The default branch names this installation as the one that acts."""
    says = _yaml((await witness.checkout()) / ".sluice" / "install").get("installation")
    expect(f"{installation} in .sluice/install", says, installation)


async def declares(witness: Witness, version: str, *, commit: str = "", digest: str = "") -> None:
    """A fresh clone says this version in every environment, and its release files the commit and digest, if given."""
    folder = await witness.checkout()
    for environment in ENVIRONMENTS:
        images = _yaml(folder / "apps" / APPLICATION / environment / "kustomization.yaml")["images"]
        tag = tag_of(version, environment)
        expect(f"{tag} at the image of {environment}", [str(image["newTag"]) for image in images], [tag])
    for environment in PROMOTED:
        release = _yaml(folder / ".sluice" / "releases" / environment / f"{APPLICATION}.yaml")
        expect(f"{version} in the release file of {environment}", release["version"], version)
        if commit:
            expect(f"commit {commit} in the release file of {environment}", release["commit"], commit)
        if digest:
            expect(f"{digest} in the release file of {environment}", [i["digest"] for i in release["images"]], [digest])


def tag_of(version: str, environment: str) -> str:
    """The image tag of a version, as the demo's policy says: production has its own."""
    return f"{version}-prod" if environment == "production" else version


async def canary_will(witness: Witness, outcome: str) -> None:
    """Decide how the analysis of production's next canary ends, `fail` or `succeed`."""
    await witness.control("canaries", {**CANARY, "outcome": outcome})


async def incident(witness: Witness, version: str) -> dict[str, Any] | None:
    """The open incident about a version in the config project, if there is one."""
    found = await witness.gitlab(f"{witness.config}/issues?state=opened&issue_type=incident")
    return next((one for one in found if version in one["title"]), None)


async def taken_back(witness: Witness, *, bad: "Made", back_to: "Made") -> None:
    """A fresh clone and the cluster say the old release, the bad one is denied, and image automation is kept out."""
    folder = await witness.checkout()
    release = _yaml(folder / _record("releases"))
    expect(f"{back_to.version} in production's release file", release["version"], back_to.version)
    position = (folder / "apps" / APPLICATION / "production" / "kustomization.yaml").read_text("utf-8")
    expect(f"{tag_of(back_to.version, 'production')} at production's image", _tag(position), f"{back_to.version}-prod")
    expect("no active marker of image automation", '"$imagepolicy"' in position, False)
    expect(f"a pin to {back_to.version}", back_to.digest in (folder / _record("pins")).read_text("utf-8"), True)
    denials = (folder / _record("denials")).read_text("utf-8")
    expect(f"{bad.digest} denied in production", bad.digest in denials and back_to.digest not in denials, True)
    expect(
        "production's primary",
        await witness.serving("production", f"{APPLICATION}-primary"),
        [f"{back_to.version}-prod"],
    )


async def unpinned(witness: Witness) -> bool:
    """Whether the pin is gone and image automation may write production's position again."""
    folder = await witness.checkout()
    position = (folder / "apps" / APPLICATION / "production" / "kustomization.yaml").read_text("utf-8")
    return not (folder / _record("pins")).exists() and '"$imagepolicy"' in position


def _record(kind: str) -> str:
    return f".sluice/{kind}/production/{APPLICATION}.yaml"


def _tag(position: str) -> str:
    return str(YAML(typ="safe").load(position)["images"][0]["newTag"])


async def released(witness: Witness, version: str, *, commit: str, digest: str) -> None:
    """The tag points at the commit, the commit's pipelines passed, and the registry has the image under the version."""
    tag = await witness.gitlab(f"{witness.application}/repository/tags/v{version}")
    expect(f"v{version} at {commit}", tag["commit"]["id"], commit)
    pipelines = await witness.gitlab(f"{witness.application}/pipelines?sha={commit}")
    expect(f"green pipelines of {commit}", {one["status"] for one in pipelines}, {"success"})
    expect(f"{digest} under the tag {version}", await witness.image_digest(APPLICATION, version), digest)


async def merged(witness: Witness, iid: int, *, sha: str, by: str) -> None:
    """The merge request was merged by this user at this head, whose own pipeline had passed."""
    request = await witness.gitlab(f"{witness.config}/merge_requests/{iid}")
    expect(f"!{iid} merged", request["state"], "merged")
    expect(f"!{iid} merged by {by}", request["merge_user"]["username"], by)
    expect(f"!{iid} merged at {sha}", request["sha"], sha)
    pipelines = await witness.gitlab(f"{witness.config}/merge_requests/{iid}/pipelines")
    states = {one["status"] for one in pipelines if one["sha"] == sha}
    expect(f"a green pipeline of {sha}", states, {"success"})


async def deployed(witness: Witness, sha: str) -> bool:
    """Whether GitLab shows the commit successfully deployed to every environment, and to no other."""
    found = await witness.gitlab(f"{witness.application}/deployments?status=success&per_page=100")
    return {one["environment"]["name"] for one in found if one["sha"] == sha} == set(ENVIRONMENTS)


def expect(what: str, seen: object, wanted: object) -> None:
    """Unseen unless both are equal."""
    if seen != wanted:
        raise Unseen(what, repr(seen))


def _yaml(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise Unseen(f"the file {file.name} in a fresh clone", "none")
    loaded: dict[str, Any] = YAML(typ="safe").load(file.read_text("utf-8"))
    return loaded
