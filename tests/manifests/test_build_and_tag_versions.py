"""What is built has one version and one commit; whatever would blur that is refused before anything is built."""

from pathlib import Path

import pytest
from image_building import Checkout, new_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A repository with the script, and no engine yet."""
    return new_checkout(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("-o", "someone"), "docker.io/someone/demo-service:1.2.3"),
        (("-r", "ghcr.io", "-o", "someone"), "ghcr.io/someone/demo-service:1.2.3"),
        (("-r", "localhost:5000", "-o", "group/subgroup"), "localhost:5000/group/subgroup/demo-service:1.2.3"),
        ((), "demo-service:1.2.3"),
    ],
)
def test_registry_and_owner_stand_before_the_service(arguments: tuple[str, ...], name: str, checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-v", "1.2.3", "-s", "demo-service", *arguments)

    assert said.out == f"{name}\n"


def test_sluice_itself_is_built_from_the_repository(checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-v", "1.2.3", "-s", "sluice")

    assert said.status == 0, said.err
    assert [call[-1] for call in checkout.calls()] == [str(checkout.folder)]


def test_a_released_commit_knows_its_version(checkout: Checkout) -> None:
    checkout.engine("podman")
    checkout.git("tag", "v1.4.0")

    assert checkout.run().out == "demo-service:1.4.0\nnode-service:1.4.0\n"


def test_a_commit_after_a_release_gets_a_version_between_it_and_the_next(checkout: Checkout) -> None:
    checkout.engine("podman")
    for tag in ("v1.9.0", "v1.10.0", "v2.0.0-rc1", "vacation"):
        checkout.git("tag", tag)
    checkout.commit("More")
    commit = checkout.commit("And more")

    said = checkout.run("-s", "demo-service")

    assert said.out == f"demo-service:1.10.1-dev.2.g{commit[:8]}\n"


def test_a_repository_without_a_release_starts_at_zero(checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-s", "demo-service")

    assert said.out == f"demo-service:0.0.0-dev.1.g{checkout.git('rev-parse', 'HEAD')[:8]}\n"


def test_two_versions_at_one_commit_are_unclear(checkout: Checkout) -> None:
    checkout.engine("podman")
    checkout.git("tag", "v1.0.0")
    checkout.git("tag", "v1.0.1")

    said = checkout.run()

    assert said.status == 2
    assert "this commit has the versions 1.0.0 1.0.1. Say which one with -v." in said.err
    assert checkout.calls() == []
    assert checkout.run("-v", "1.0.1").status == 0


def test_a_version_of_another_commit_is_refused(checkout: Checkout) -> None:
    checkout.engine("podman")
    checkout.git("tag", "v1.0.0")
    checkout.commit("More")

    said = checkout.run("-v", "1.0.0")

    assert said.status == 1
    assert "two commits would have one version" in said.err
    assert checkout.calls() == []


@pytest.mark.parametrize("version", ["v1.0.0", "1.0", "latest", "1.0.0+build", "01.0.0", "1.0.0-01", "1.0.0 ", ""])
def test_what_is_no_version_is_refused(version: str, checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-v", version) if version else checkout.run("-v")

    assert said.status == 2
    assert "Write it as 1.2.3 or 1.2.3-rc1" in said.err or "-v needs a value" in said.err
    assert checkout.calls() == []


@pytest.mark.parametrize("version", ["1.2.3-staging", "1.2.3-preprod", "1.2.3-prod"])
def test_the_tags_of_promotions_are_not_built(version: str, checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-v", version)

    assert said.status == 2
    assert "Build 1.2.3; Sluice places the rest." in said.err


@pytest.mark.parametrize("change", ["services/demo-service/Dockerfile", "services/node-service/new.ts"])
def test_uncommitted_changes_are_refused_by_name(change: str, checkout: Checkout) -> None:
    checkout.engine("podman")
    (checkout.folder / change).write_text("something else\n")

    said = checkout.run("-v", "1.2.3")

    assert said.status == 1
    assert change in said.err
    assert "Commit this" in said.err
    assert checkout.calls() == []


def test_changes_elsewhere_do_not_matter_to_a_service(checkout: Checkout) -> None:
    checkout.engine("podman")
    (checkout.folder / "services" / "node-service" / "new.ts").write_text("unfinished\n")

    assert checkout.run("-v", "1.2.3", "-s", "demo-service").status == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-p",), "-p needs -o"),
        (("-r", "registry.example.com"), "-r needs -o"),
        (("-r", "https://registry.example.com/demo", "-o", "demo"), "Write the host alone"),
        (("-o", "Demo"), "Write it in lower case"),
        (("-s", "other"), "there is no service 'other'"),
        (("-x",), "-x is no option"),
        (("demo-service",), "a service is named with -s"),
    ],
)
def test_wrong_use_says_what_is_right(arguments: tuple[str, ...], words: str, checkout: Checkout) -> None:
    checkout.engine("podman")

    said = checkout.run("-v", "1.2.3", *arguments)

    assert said.status == 2
    assert words in said.err
    assert checkout.calls() == []


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_given_in_either_spelling(option: str, checkout: Checkout) -> None:
    said = checkout.run(option)

    assert said.status == 0
    assert said.out.startswith("usage: ")
    assert said.err == ""
