"""What may be deleted from a registry is never what Git names, or named lately, or returns to."""

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flux_secrets import Said
from flux_tree import REPOSITORY
from registry_pushing import push, running_registry
from splitting import git
from tools_at_hand import binary

from bot.positions.denials import denial_file
from bot.positions.pins import pin_file
from bot.positions.records import release_file
from bot.records import Denial, Pin
from bot.releases import Image, Release

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=900)
NAME = "registry.example.com/demo/demo-service"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[str]:
    """An empty repository of a registry."""
    with running_registry(tmp_path) as address:
        yield f"{address}/demo/demo-service"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config repository whose production runs a release that is in no registry here."""
    folder = tmp_path / "config"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, ".sluice/releases/production/demo-service.yaml", released("sha256:" + "0" * 64), when=LONG_AGO)
    return folder


def write(config: Path, name: str, text: str, *, when: datetime = NOW) -> None:
    file = config / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    git(config, "add", ".")
    os.environ["GIT_COMMITTER_DATE"] = when.isoformat()
    try:
        git(config, "commit", "--quiet", "--message", name)
    finally:
        del os.environ["GIT_COMMITTER_DATE"]


def release(digest: str) -> Release:
    return Release(application="demo-service", images=(Image(name=NAME, digest=digest),), version="1.0.0")


def released(digest: str) -> str:
    return release_file(release(digest), "production")


def prunable(image: str, config: Path, *arguments: str) -> Said:
    surroundings = {**os.environ, "PATH": f"{binary('crane').parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(REPOSITORY / "scripts" / "prunable-images"), "-c", str(config), *arguments, image]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=120, check=False)
    return Said(status=done.returncode, out=done.stdout, err=done.stderr)


def test_an_old_image_that_nothing_names_may_go_with_all_its_tags(image: str, config: Path) -> None:
    digest = push(image, "1.0.0", "1.0.0-staging", made=LONG_AGO, content="a")

    said = prunable(image, config)

    assert said.status == 0, said.err
    assert said.out == f"{image}@{digest} 1.0.0 1.0.0-staging\n"


def test_an_image_stays_until_it_is_old_enough(image: str, config: Path) -> None:
    push(image, "1.0.0", made=NOW - timedelta(days=60), content="a")

    assert prunable(image, config).out == ""
    assert prunable(image, config, "-d", "90").out == ""
    assert prunable(image, config, "-d", "30").out != ""


@pytest.mark.parametrize("year", [1, 1970, 1980])
def test_a_date_that_builders_write_for_no_date_makes_no_image_old(year: int, image: str, config: Path) -> None:
    push(image, "1.0.0", made=datetime(year, 1, 1, tzinfo=UTC), content="a")

    assert prunable(image, config) == Said(status=0, out="", err="")


def test_what_a_release_file_names_stays_however_old(image: str, config: Path) -> None:
    digest = push(image, "1.0.0", made=LONG_AGO, content="a")
    write(config, ".sluice/releases/production/demo-service.yaml", released(digest), when=LONG_AGO)

    assert prunable(image, config).out == ""


def test_what_a_rollback_returns_to_stays_however_long_ago_it_ran(image: str, config: Path) -> None:
    before = push(image, "1.0.0", made=LONG_AGO, content="a")
    write(config, ".sluice/releases/production/demo-service.yaml", released(before), when=LONG_AGO)
    write(config, ".sluice/releases/production/demo-service.yaml", released("sha256:" + "1" * 64), when=LONG_AGO)

    assert prunable(image, config).out == ""


def test_what_ran_lately_stays_though_many_releases_came_after(image: str, config: Path) -> None:
    lately = push(image, "1.0.0", made=LONG_AGO, content="a")
    long_gone = push(image, "0.9.0", made=LONG_AGO, content="b")
    write(config, ".sluice/releases/production/demo-service.yaml", released(long_gone), when=LONG_AGO)
    write(config, ".sluice/releases/production/demo-service.yaml", released(lately), when=NOW - timedelta(days=400))
    for number in range(1, 12):
        text = released("sha256:" + f"{number:064x}")
        write(config, ".sluice/releases/production/demo-service.yaml", text, when=NOW - timedelta(days=30))

    assert prunable(image, config).out == f"{image}@{long_gone} 0.9.0\n"


@pytest.mark.parametrize("kind", ["pins", "denials"])
def test_what_a_pin_or_a_denial_names_stays(kind: str, image: str, config: Path) -> None:
    digest = push(image, "1.0.0", made=LONG_AGO, content="a")
    pin = Pin(
        release=release("sha256:" + "2" * 64),
        instead_of=release(digest),
        failure="measured",
        since=LONG_AGO,
        because="the canary failed",
        by="sluice",
    )
    denial = Denial(
        image=Image(name=NAME, digest=digest),
        version="1.0.0",
        since=LONG_AGO,
        because="the canary failed",
        incident="production/demo-service/1.0.0",
    )
    texts = {"pins": pin_file(pin, "production"), "denials": denial_file("demo-service", "production", [denial])}
    write(config, f".sluice/{kind}/production/demo-service.yaml", texts[kind], when=LONG_AGO)

    assert prunable(image, config).out == ""


def test_the_tag_that_an_overlay_names_stays(image: str, config: Path) -> None:
    push(image, "1.0.0", made=LONG_AGO, content="a")
    other = push(image, "1.0", made=LONG_AGO, content="b")
    overlay = "apps/demo-service/development/image/kustomization.yaml"
    write(config, overlay, 'images:\n  - name: demo-service\n    newTag: "1.0.0"\n', when=LONG_AGO)

    assert prunable(image, config).out == f"{image}@{other} 1.0\n"


def test_signatures_stay_and_go_with_their_image(image: str, config: Path) -> None:
    kept = push(image, "1.0.0", made=LONG_AGO, content="a")
    gone = push(image, "0.9.0", made=LONG_AGO, content="b")
    push(image, kept.replace(":", "-"), made=LONG_AGO, content="signature of a")
    signature = push(image, f"{gone.replace(':', '-')}.sig", made=LONG_AGO, content="signature of b")
    write(config, ".sluice/releases/production/demo-service.yaml", released(kept), when=LONG_AGO)

    said = prunable(image, config)

    assert sorted(said.out.splitlines()) == sorted(
        [f"{image}@{gone} 0.9.0", f"{image}@{signature} {gone.replace(':', '-')}.sig"]
    )


def test_a_shallow_clone_is_refused(image: str, config: Path, tmp_path: Path) -> None:
    push(image, "1.0.0", made=LONG_AGO, content="a")
    write(config, "README.md", "more\n")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{config}", "shallow")

    said = prunable(image, tmp_path / "shallow")

    assert said.status == 1
    assert "git fetch --unshallow" in said.err
    assert said.out == ""


@pytest.mark.parametrize("what", ["no repository", "no release files", "no digest"])
def test_a_folder_that_could_name_nothing_is_refused(what: str, image: str, config: Path, tmp_path: Path) -> None:
    push(image, "1.0.0", made=LONG_AGO, content="a")
    folder = tmp_path / "other"
    folder.mkdir()
    if what != "no repository":
        git(folder, "init", "--quiet")
        name = "README.md" if what == "no release files" else ".sluice/releases/production/demo-service.yaml"
        write(folder, name, "nothing\n")

    said = prunable(image, folder)

    assert said.status == 1
    assert said.out == ""
    assert str(folder) in said.err


def test_a_registry_that_does_not_answer_lists_nothing(config: Path) -> None:
    said = prunable("127.0.0.1:9/demo/demo-service", config)

    assert said.status == 1
    assert "cannot be listed" in said.err
    assert said.out == ""
