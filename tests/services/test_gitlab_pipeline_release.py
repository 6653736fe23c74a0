"""A tag of an application becomes a release: built for all platforms, signed, scanned, and only then named."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitlab_ci import TEMPLATES
from pipeline_runs import Project, Run, project, with_local_templates
from pipeline_worlds import ADVISORY, FLAWED, PASSPHRASE, World, installed, pipeline_world
from registries import Registries

EXAMPLE = TEMPLATES / "examples" / "application.gitlab-ci.yml"
CONTAINERFILE = 'FROM scratch\nCOPY app /app\nUSER 10001:10001\nENTRYPOINT ["/app/run"]\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pipeline_world(tmp_path_factory.mktemp("release")) as found:
        yield found


def application(world: World, name: str, *, vulnerabilities: str = "record", version: str = "1.0.0") -> Project:
    """A project with the example as its pipeline, for the registries of the test; its image holds one npm package."""
    repository = f"{world.registries.hosts['build']}/demo/{name}"
    text = EXAMPLE.read_text("utf-8").replace("registry.example.com/demo/demo-service", repository)
    text = text.replace("      needs: [test]", f"      needs: [test]\n      vulnerabilities: {vulnerabilities}")
    text = text.replace("[mvn --batch-mode --no-transfer-progress verify]", "[test -f Dockerfile]")
    files = {
        ".gitlab-ci.yml": with_local_templates(text),
        "Dockerfile": CONTAINERFILE,
        "app/run": "the program\n",
        "app/node_modules/.package-lock.json": installed(FLAWED, version),
    }
    variables = {
        **world.variables,
        "COSIGN_KEY": str(world.key),
        "COSIGN_PASSWORD": PASSPHRASE,
        "REGISTRY_USER": "build",
        "REGISTRY_PASSWORD": Registries.password("build"),
    }
    return project(f"demo/{name}", world.folder / name, files=files, environment=world.environment, variables=variables)


def tags_of(world: World, name: str) -> set[str]:
    """The tags by which people and policies find an image; those of signatures and of the pipeline left out."""
    found = world.registries.tags(f"{world.registries.hosts['build']}/demo/{name}")
    return {tag for tag in found if not tag.startswith(("sha256-", "ci-"))}


@pytest.fixture(scope="module")
def released(world: World) -> tuple[Project, Run]:
    made = application(world, "demo-service")
    made.git("tag", "v1.2.3")
    return made, made.release("v1.2.3")


def test_release_is_named_by_digest_with_all_that_is_known_of_it(world: World, released: tuple[Project, Run]) -> None:
    made, run = released

    record = run.artifact("image-publish", "release.json")

    assert run.passed, run.log
    digest = world.registries.crane("digest", f"{world.repository('build')}:1.2.3")
    assert record["image"] == f"{world.repository('build')}@{digest}"
    assert (record["version"], record["commit"]) == ("1.2.3", made.git("rev-parse", "HEAD"))
    assert record["source"] == "https://gitlab.example.com/demo/demo-service"
    assert record["signatures"][0]["critical"]["image"]["docker-manifest-digest"] == digest
    assert record["scan"]["scanner"] == "osv-scanner"
    assert (record["scan"]["platforms"], record["scan"]["packages"]) == (2, 2)
    assert [(one["id"], one["severity"]) for one in record["scan"]["findings"]] == [(ADVISORY, 9.8)]


def test_release_holds_every_platform_and_names_its_commit(world: World, released: tuple[Project, Run]) -> None:
    made, _run = released
    image = f"{world.repository('build')}:1.2.3"

    index = json.loads(world.registries.crane("manifest", image))
    configs = [
        json.loads(world.registries.crane("config", f"{world.repository('build')}@{one['digest']}"))["config"]["Labels"]
        for one in index["manifests"]
    ]

    assert {one["platform"]["architecture"] for one in index["manifests"]} == {"amd64", "arm64"}
    assert {one["org.opencontainers.image.revision"] for one in configs} == {made.git("rev-parse", "HEAD")}
    assert {one["org.opencontainers.image.version"] for one in configs} == {"1.2.3"}


def test_release_is_signed_by_digest(world: World, released: tuple[Project, Run]) -> None:
    digest = world.registries.crane("digest", f"{world.repository('build')}:1.2.3")

    assert world.is_signed(f"{world.repository('build')}@{digest}")


def test_pipeline_of_the_same_commit_again_changes_nothing(world: World, released: tuple[Project, Run]) -> None:
    made, _run = released
    before = world.registries.crane("digest", f"{world.repository('build')}:1.2.3")

    again = made.release("v1.2.3")

    assert again.passed, again.log
    assert world.registries.crane("digest", f"{world.repository('build')}:1.2.3") == before


def test_other_content_never_takes_a_releases_name(world: World) -> None:
    made = application(world, "moved")
    assert made.release("v1.0.0").passed
    before = world.registries.crane("digest", f"{world.registries.hosts['build']}/demo/moved:1.0.0")
    made.commit({"app/run": "another program\n"}, "Change it")

    again = made.release("v1.0.0")

    assert not again.passed
    assert "A tag is never moved: release under another version" in again.log
    assert world.registries.crane("digest", f"{world.registries.hosts['build']}/demo/moved:1.0.0") == before


def test_what_is_not_signed_is_never_named(world: World) -> None:
    made = application(world, "unsigned")

    run = made.run(
        without=["CI_COMMIT_BRANCH", "COSIGN_KEY"], CI_COMMIT_TAG="v1.0.0", CI_PIPELINE_SOURCE="push", COSIGN_KEY=""
    )

    assert not run.passed
    assert "there is neither COSIGN_KEY (a file variable, its password in COSIGN_PASSWORD)" in run.log
    assert tags_of(world, "unsigned") == set()


def test_findings_stop_the_release_where_they_block(world: World) -> None:
    made = application(world, "blocked", vulnerabilities="block")

    run = made.release("v1.0.0")

    assert not run.passed
    assert f"{ADVISORY} in {FLAWED} 1.0.0 (CVSS 9.8)" in run.log
    assert tags_of(world, "blocked") == set()


def test_commit_without_a_tag_is_a_build_after_the_last_release(world: World, released: tuple[Project, Run]) -> None:
    made, _run = released
    made.git("checkout", "--quiet", "-b", "feat/xyz")
    made.commit({"app/run": "a feature\n"}, "Try it")

    run = made.run(CI_PIPELINE_SOURCE="push", CI_PIPELINE_IID="42")

    assert run.passed, run.log
    assert run.artifact("image-publish", "release.json")["version"] == "1.2.3-feat-xyz.42"
    assert tags_of(world, "demo-service") == {"1.2.3", "1.2.3-feat-xyz.42"}


def test_scanner_without_its_database_stops_the_pipeline(world: World, tmp_path: Path) -> None:
    made = application(world, "blind")

    run = made.run(
        without=["CI_COMMIT_BRANCH"], CI_COMMIT_TAG="v1.0.0", CI_PIPELINE_SOURCE="push", OSV_DATABASE=str(tmp_path)
    )

    assert not run.passed
    assert "osv-scanner compared with nothing: could not load db for npm ecosystem" in run.log
    assert tags_of(world, "blind") == set()
