"""A merged release reaches an environment's own registry: the same digest, signed, judged before, and nothing else."""

import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from gitlab_ci import TEMPLATES
from pipeline_runs import Project, Run, project, with_local_templates
from pipeline_worlds import ADVISORY, FLAWED, World, installed, pipeline_world
from registries import Registries

from bot.positions.denials import denial_file
from bot.positions.records import release_file
from bot.records import Denial
from bot.releases import Image, Release

EXAMPLE = TEMPLATES / "examples" / "multi-registry.gitlab-ci.yml"
FINE, BAD = "2.0.0", "1.0.0"
"""Versions of the package in the image: the advisory is about one of them."""
SINCE = datetime(2026, 11, 1, 12, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pipeline_world(tmp_path_factory.mktemp("promotion")) as found:
        yield found


def image(world: World, version: str, package: str = FINE, *, name: str = "demo-service", signed: bool = True) -> Image:
    """An image of two platforms in the registry of the builds."""
    repository = f"{world.registries.hosts['build']}/demo/{name}"
    layer = world.folder / f"{name}-{version}.tar"
    with tarfile.open(layer, "w") as archive:
        for path, text in (
            ("app/version", version),
            ("app/node_modules/.package-lock.json", installed(FLAWED, package)),
        ):
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            archive.addfile(entry, BytesIO(text.encode()))
    parts: list[str] = []
    for platform in ("linux/amd64", "linux/arm64"):
        part = f"{repository}:{version}-{platform.rpartition('/')[2]}"
        world.registries.crane("append", "--oci-empty-base", "-f", str(layer), "-t", part)
        world.registries.crane("mutate", part, "--set-platform", platform, "-t", part)
        parts += ["--manifest", part]
    world.registries.crane("index", "append", *parts, "-t", f"{repository}:{version}")
    digest = world.registries.crane("digest", f"{repository}:{version}")
    if signed:
        world.sign(f"{repository}@{digest}")
    return Image(name=repository, digest=digest, tag=version)


def config(world: World, name: str, **inputs: Mapping[str, str]) -> Project:
    """A config repository with the example as its pipeline. inputs: of the copy into an environment, by its name."""
    hosts = world.registries.hosts
    text = EXAMPLE.read_text("utf-8")
    text = text.replace("staging-registry.example.com", hosts["staging"])
    text = text.replace("prod-registry.example.com", hosts["production"])
    for environment, more in inputs.items():
        lines = "".join(f"\n      {key}: {json.dumps(value)}" for key, value in more.items())
        head = f"promotion-copy.yml\n    inputs:\n      environment: {environment}"
        assert head in text
        text = text.replace(head, head + lines)
    variables = {**world.variables}
    for prefix, registry in (("", "build"), ("STAGING_", "staging"), ("PRODUCTION_", "production")):
        for role in ("READER", "WRITER"):
            variables[f"{prefix}REGISTRY_{role}"] = registry
            variables[f"{prefix}REGISTRY_{role}_PASSWORD"] = Registries.password(registry)
    files = {".gitlab-ci.yml": with_local_templates(text)}
    return project(f"demo/{name}", world.folder / name, files=files, environment=world.environment, variables=variables)


def declared(environment: str, *images: Image, application: str = "demo-service") -> dict[str, str]:
    """What a merged promotion writes."""
    release = Release(application=application, images=images, version=images[0].tag, commit=COMMIT)
    return {f".sluice/releases/{environment}/{application}.yaml": release_file(release, environment)}


def copied(made: Project, environment: str, **variables: str) -> Run:
    """The pipeline after the merge."""
    return made.run(f"promotion-copy-{environment}", CI_PIPELINE_SOURCE="push", **variables)


def record(run: Run, environment: str, job: str = "promotion-copy") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run.artifact(f"{job}-{environment}", f"promotion-{environment}.json")
    return found


def where(world: World, found: Image) -> dict[str, str]:
    """The digest in each registry that has the image."""
    there: dict[str, str] = {}
    for name, host in world.registries.hosts.items():
        repository = f"{host}/{found.name.partition('/')[2]}"
        try:
            there[name] = world.registries.crane("digest", f"{repository}@{found.digest}")
        except subprocess.CalledProcessError as error:
            if "MANIFEST_UNKNOWN" not in error.stderr and "NAME_UNKNOWN" not in error.stderr:
                raise
    return there


def test_same_digest_with_its_signature_reaches_production(world: World) -> None:
    made, found = config(world, "fine"), image(world, "1.2.3")

    made.commit(declared("staging", found), "Promote to staging")
    staging = copied(made, "staging")
    made.commit(declared("production", found), "Promote to production")
    production = copied(made, "production")

    assert (staging.passed, production.passed) == (True, True), staging.log + production.log
    assert where(world, found) == dict.fromkeys(world.registries.hosts, found.digest)
    there = f"{world.repository('production')}@{found.digest}"
    index = json.loads(world.registries.crane("manifest", there))
    assert {one["platform"]["architecture"] for one in index["manifests"]} == {"amd64", "arm64"}
    assert world.is_signed(there)
    (said,) = record(production, "production")
    assert (said["application"], said["version"], said["commit"]) == ("demo-service", "1.2.3", COMMIT)
    assert (said["state"], said["image"]) == ("copied", there)
    assert said["signatures"][0]["critical"]["image"]["docker-manifest-digest"] == found.digest
    assert (said["scan"]["packages"], said["scan"]["max_severity"]) == (2, 0)
    assert said["config_revision"] == made.git("rev-parse", "HEAD")
    assert tags_for_people(world, "production", found) == set()


def tags_for_people(world: World, registry: str, found: Image) -> set[str]:
    tags = world.registries.tags(f"{world.registries.hosts[registry]}/{found.name.partition('/')[2]}")
    return {tag for tag in tags if not tag.startswith("sha256-")}


def test_copy_that_is_there_is_left_alone_even_when_its_source_is_gone(world: World) -> None:
    made, found = config(world, "again"), image(world, "1.3.0", name="again")
    made.commit(declared("staging", found), "Promote")
    assert copied(made, "staging").passed

    world.registries.crane("delete", f"{found.name}@{found.digest}")
    again = copied(made, "staging")

    assert again.passed, again.log
    assert [one["state"] for one in record(again, "staging")] == ["present"]


def test_half_a_copy_is_completed(world: World) -> None:
    made, found = config(world, "half"), image(world, "1.3.1", name="half")
    there = f"{world.registries.hosts['staging']}/demo/half@{found.digest}"
    world.registries.crane("copy", str(found), there)
    made.commit(declared("staging", found), "Promote")

    run = copied(made, "staging")

    assert run.passed, run.log
    assert [one["state"] for one in record(run, "staging")] == ["copied"]
    assert world.is_signed(there)


def test_unsigned_image_is_refused(world: World) -> None:
    made, found = config(world, "unsigned"), image(world, "1.4.0", name="unsigned", signed=False)
    made.commit(declared("staging", found), "Promote")

    run = copied(made, "staging")

    assert not run.passed
    assert f"{found} is not signed as it must be: no signatures found." in run.log
    assert [one["state"] for one in record(run, "staging")] == ["refused"]
    assert list(where(world, found)) == ["build"]


def test_image_signed_by_somebody_else_is_refused(world: World) -> None:
    made, found = config(world, "stranger"), image(world, "1.4.1", name="stranger", signed=False)
    world.sign(str(found), key=world.another_key())
    made.commit(declared("staging", found), "Promote")

    run = copied(made, "staging")

    assert not run.passed
    assert f"{found} is not signed as it must be" in run.log
    assert list(where(world, found)) == ["build"]


def test_high_finding_is_recorded_in_staging_and_stops_production(world: World) -> None:
    made, found = config(world, "flawed"), image(world, "1.5.0", BAD, name="flawed")
    made.commit(declared("staging", found), "Promote to staging")
    staging = copied(made, "staging")
    made.commit(declared("production", found), "Promote to production")
    production = copied(made, "production")

    assert (staging.passed, production.passed) == (True, False), staging.log + production.log
    (let_in,), (kept_out,) = record(staging, "staging"), record(production, "production")
    assert [one["id"] for one in let_in["scan"]["findings"]] == [ADVISORY]
    assert (let_in["state"], let_in["scan"]["max_severity"]) == ("copied", 9.8)
    assert kept_out["state"] == "refused"
    assert f"{ADVISORY} in {FLAWED} {BAD} (CVSS 9.8)" in kept_out["because"]
    assert set(where(world, found)) == {"build", "staging"}


def test_accepted_finding_lets_it_in_until_the_acceptance_ends(world: World) -> None:
    made, found = config(world, "accepted"), image(world, "1.5.1", BAD, name="accepted")
    made.commit(declared("staging", found), "Promote to staging")
    assert copied(made, "staging").passed
    accepted = f'[[IgnoredVulns]]\nid = "{ADVISORY}"\nignoreUntil = {{}}\nreason = "not reachable"\n'

    made.commit({**declared("production", found), ".sluice/osv-scanner.toml": accepted.format("2020-01-01")}, "Accept")
    ended = copied(made, "production")
    made.commit({".sluice/osv-scanner.toml": accepted.format("2999-01-01")}, "Accept for longer")
    running = copied(made, "production")

    assert (ended.passed, running.passed) == (False, True), ended.log + running.log
    assert set(where(world, found)) == {"build", "staging", "production"}


def test_credentials_of_the_builds_cannot_write_to_production(world: World) -> None:
    made, found = config(world, "rights"), image(world, "1.6.0", name="rights")
    made.commit(declared("staging", found), "Promote to staging")
    assert copied(made, "staging").passed
    made.commit(declared("production", found), "Promote to production")

    run = copied(
        made,
        "production",
        PRODUCTION_REGISTRY_WRITER="build",
        PRODUCTION_REGISTRY_WRITER_PASSWORD=Registries.password("build"),
    )

    assert not run.passed
    assert "UNAUTHORIZED" in run.log
    assert set(where(world, found)) == {"build", "staging"}


def test_missing_password_is_told_before_anything_is_tried(world: World) -> None:
    made, found = config(world, "protected"), image(world, "1.6.1", name="protected")
    made.commit(declared("staging", found), "Promote to staging")

    run = copied(made, "staging", STAGING_REGISTRY_WRITER_PASSWORD="")

    assert not run.passed
    assert f"no password for staging at {world.registries.hosts['staging']}" in run.log
    assert "Is it protected, and the branch is not?" in run.log


def test_one_refused_release_stops_no_other(world: World) -> None:
    made = config(world, "several")
    bad, good = image(world, "1.7.0", name="aaa", signed=False), image(world, "1.7.0", name="zzz")
    made.commit({**declared("staging", bad, application="aaa"), **declared("staging", good, application="zzz")}, "Both")

    run = copied(made, "staging")

    assert not run.passed
    assert {one["application"]: one["state"] for one in record(run, "staging")} == {"aaa": "refused", "zzz": "copied"}
    assert set(where(world, good)) == {"build", "staging"}


def test_denied_digest_is_not_copied(world: World) -> None:
    made, found = config(world, "denied"), image(world, "1.8.0", name="denied")
    denial = Denial(image=found, version="1.8.0", since=SINCE, because="it failed", incident="staging/x/1.8.0")
    denied = {".sluice/denials/staging/demo-service.yaml": denial_file("demo-service", "staging", [denial])}
    made.commit({**declared("staging", found), **denied}, "Promote what is denied")

    run = copied(made, "staging")

    assert not run.passed
    assert f"{found.digest} is denied in staging and is not copied" in run.log
    assert list(where(world, found)) == ["build"]


def test_tag_is_placed_where_sluice_does_not_and_never_moved(world: World) -> None:
    made = config(world, "tagging", staging={"tag": "{version}-preprod"})
    first, second = image(world, "1.9.0", name="tagging"), image(world, "1.9.1", name="tagging")
    made.commit(declared("staging", first), "Promote")
    once = copied(made, "staging")
    moved = Image(name=second.name, digest=second.digest, tag="1.9.0")
    made.commit(declared("staging", moved), "Say that another image is 1.9.0")
    twice = copied(made, "staging")

    assert (once.passed, twice.passed) == (True, False), once.log + twice.log
    assert tags_for_people(world, "staging", first) == {"1.9.0-preprod"}
    repository = f"{world.registries.hosts['staging']}/demo/tagging"
    assert world.registries.crane("digest", f"{repository}:1.9.0-preprod") == first.digest
    assert "A tag is never moved" in twice.log


def test_gate_stops_the_merge_request_and_not_the_way_back(world: World) -> None:
    made, found = config(world, "gate"), image(world, "2.0.0", BAD, name="gate")
    newer = image(world, "2.0.1", name="gate")
    for one in (found, newer):
        world.registries.crane("copy", str(one), f"{world.registries.hosts['staging']}/demo/gate@{one.digest}")
        world.sign(f"{world.registries.hosts['staging']}/demo/gate@{one.digest}")

    made.git("checkout", "--quiet", "-b", "sluice/production/demo-service")
    made.commit(declared("production", found), "Promote")
    forward = made.merge_request("promotion-gate-production")
    made.git("checkout", "--quiet", "main")
    made.commit(declared("production", found), "Promote, past the gate")
    made.commit(declared("production", newer), "Promote the next one")
    made.push()
    made.git("checkout", "--quiet", "-b", "sluice-rollback/production/demo-service")
    made.commit(declared("production", found), "Go back")
    back = made.merge_request("promotion-gate-production")

    assert (forward.passed, back.passed) == (False, True), forward.log + back.log
    assert f"is not let into production: {ADVISORY} in {FLAWED} {BAD} (CVSS 9.8)." in forward.log
    assert [one["state"] for one in record(back, "production", "promotion-gate")] == ["admitted"]


def test_gate_judges_what_the_merge_request_changes_and_nothing_else(world: World) -> None:
    made = config(world, "changes")
    unsigned, signed = image(world, "2.1.0", name="old", signed=False), image(world, "2.1.0", name="new")
    made.commit(declared("staging", unsigned, application="old"), "Promote, past the gate")
    made.push()
    made.git("checkout", "--quiet", "-b", "sluice/staging/new")
    made.commit(declared("staging", signed, application="new"), "Promote")

    run = made.merge_request("promotion-gate-staging")

    assert run.passed, run.log
    assert [one["application"] for one in record(run, "staging", "promotion-gate")] == ["new"]


def test_release_file_that_somebody_wrote_is_refused(world: World) -> None:
    made, found = config(world, "written"), image(world, "2.2.0", name="written")
    (path, text), *_ = declared("staging", found).items()
    made.commit({path: text.replace("    digest:", "    Digest:")}, "Write it by hand")

    run = copied(made, "staging")

    assert not run.passed
    assert f"{path} cannot be read. Restore it from the Git history, or promote again." in run.log
    assert [one["state"] for one in record(run, "staging")] == ["refused"]
    assert list(where(world, found)) == ["build"]


def test_signature_of_the_older_form_goes_along(world: World) -> None:
    made, found = config(world, "older"), image(world, "2.3.0", name="older", signed=False)
    world.sign(str(found), older=True)
    made.commit(declared("staging", found), "Promote")

    run = copied(made, "staging")

    assert run.passed, run.log
    there = f"{world.registries.hosts['staging']}/demo/older"
    assert world.registries.tags(there) == {f"sha256-{found.digest.removeprefix('sha256:')}.sig"}
    assert world.is_signed(f"{there}@{found.digest}")
