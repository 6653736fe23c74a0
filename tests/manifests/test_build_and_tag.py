"""Images carry their commit, are pushed once, and are named by their digest, whatever the engine."""

import json
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from image_building import DIGEST, Checkout, labels, new_checkout
from local_process import free_ports, running
from tools_at_hand import binary


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A repository with the script, and no engine yet."""
    return new_checkout(tmp_path)


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_both_services_are_built_and_labelled_with_their_commit(engine: str, checkout: Checkout) -> None:
    checkout.engine(engine)
    checkout.git("remote", "add", "origin", "https://oauth2:a-password@gitlab.example.com/demo/sluice.git")
    commit = checkout.git("rev-parse", "HEAD")

    said = checkout.run("-v", "1.2.3")

    assert said.status == 0, said.err
    assert said.out == "demo-service:1.2.3\nnode-service:1.2.3\n"
    first, second = checkout.calls()
    assert first[:2] == [engine, "build"]
    assert first[-3:] == ["--tag", "demo-service:1.2.3", str(checkout.folder / "services" / "demo-service")]
    assert second[-3:] == ["--tag", "node-service:1.2.3", str(checkout.folder / "services" / "node-service")]
    for call in (first, second):
        assert labels(call) == {
            "revision": commit,
            "version": "1.2.3",
            "source": "https://gitlab.example.com/demo/sluice",
        }


@pytest.mark.parametrize("engine", ["docker", "podman", "buildah"])
def test_a_push_prints_each_image_with_its_digest(engine: str, checkout: Checkout) -> None:
    checkout.engine(engine, "crane")

    said = checkout.run("-v", "1.2.3", "-r", "registry.example.com", "-o", "demo", "-p", FAILING="manifest")

    assert said.status == 0, said.err
    names = [f"registry.example.com/demo/{service}:1.2.3" for service in ("demo-service", "node-service")]
    assert said.out == "".join(f"{name}@{DIGEST}\n" for name in names)
    assert [call[1] for call in checkout.calls()] == ["build", "build", "push", "push"]
    assert [call[-1] for call in checkout.calls("push")] == names


def test_nothing_is_ever_pulled_or_tagged_again(checkout: Checkout) -> None:
    checkout.engine("docker", "crane")

    checkout.run("-v", "1.2.3", "-o", "demo", "-p", FAILING="manifest")

    assert len(checkout.calls("push")) == 2
    assert checkout.calls("pull", "tag", "copy", "cp", "save", "load", "import") == []


def test_a_version_that_is_in_the_registry_is_not_pushed_over(checkout: Checkout) -> None:
    checkout.engine("docker", "crane")

    said = checkout.run("-v", "1.2.3", "-o", "demo", "-p")

    assert said.status == 1
    assert "docker.io/demo/demo-service:1.2.3 is in the registry already" in said.err
    assert "Take the next version." in said.err
    assert checkout.calls() == []


def test_a_failed_build_pushes_nothing(checkout: Checkout) -> None:
    checkout.engine("podman", "crane")

    said = checkout.run("-v", "1.2.3", "-o", "demo", "-p", FAILING="manifest,build")

    assert said.status == 1
    assert "podman could not build demo-service" in said.err
    assert checkout.calls("push") == []


def test_a_failed_push_is_told(checkout: Checkout) -> None:
    checkout.engine("docker", "crane")

    said = checkout.run("-v", "1.2.3", "-o", "demo", "-p", FAILING="manifest,push")

    assert said.status == 1
    assert "docker could not push docker.io/demo/demo-service:1.2.3" in said.err
    assert said.out == ""


def test_a_push_without_a_digest_is_told(checkout: Checkout) -> None:
    checkout.engine("podman", "crane")

    said = checkout.run("-v", "1.2.3", "-o", "demo", "-p", FAILING="manifest", DIGEST="")

    assert said.status == 1
    assert "named no digest" in said.err


def test_a_docker_without_its_daemon_is_passed_over(checkout: Checkout) -> None:
    checkout.engine("docker", "buildah")

    said = checkout.run("-v", "1.2.3", FAILING="info")

    assert said.status == 0, said.err
    assert {call[0] for call in checkout.calls()} == {"buildah"}


def test_the_engine_can_be_chosen(checkout: Checkout) -> None:
    checkout.engine("docker", "podman")

    checkout.run("-v", "1.2.3", ENGINE="podman")

    assert {call[0] for call in checkout.calls()} == {"podman"}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no engine answers"),
        ({"ENGINE": "docker"}, "ENGINE is docker, and it does not answer"),
        ({"ENGINE": "nerdctl"}, "Name docker, podman or buildah"),
    ],
)
def test_without_an_engine_the_mend_is_named(environment: dict[str, str], words: str, checkout: Checkout) -> None:
    said = checkout.run("-v", "1.2.3", **environment)

    assert said.status != 0
    assert words in said.err


@pytest.mark.parametrize(
    "remote",
    [
        "git@gitlab.example.com:demo/sluice.git",
        "ssh://git@gitlab.example.com:2222/demo/sluice.git",
        "https://user:secret@gitlab.example.com/demo/sluice.git",
        "https://gitlab.example.com/demo/sluice",
    ],
)
def test_the_source_is_an_address_without_credentials(remote: str, checkout: Checkout) -> None:
    checkout.engine("podman")
    checkout.git("remote", "add", "origin", remote)

    checkout.run("-v", "1.2.3")

    assert labels(checkout.calls()[0])["source"] == "https://gitlab.example.com/demo/sluice"


def test_a_checkout_without_a_remote_names_no_source(checkout: Checkout) -> None:
    checkout.engine("podman")

    checkout.run("-v", "1.2.3")

    assert set(labels(checkout.calls()[0])) == {"revision", "version"}


# An engine that keeps nothing but pushes for real: an image of one layer, with the labels of its build.
REAL_PUSH = (
    f"#!{sys.executable}"
    + """
import json, os, pathlib, subprocess, sys
state = pathlib.Path(os.environ["CALLS"])
if sys.argv[1] == "build":
    labels = [sys.argv[at + 1] for at, one in enumerate(sys.argv) if one == "--label"]
    state.write_text(json.dumps(labels))
else:
    image, crane = sys.argv[-1], os.environ["CRANE"]
    subprocess.run([crane, "append", "-f", os.environ["LAYER"], "--oci-empty-base", "-t", image + "-base"], check=True)
    marks = [argument for label in json.loads(state.read_text()) for argument in ("--label", label)]
    subprocess.run([crane, "mutate", image + "-base", *marks, "-t", image], check=True)
    digest = subprocess.run([crane, "digest", image], capture_output=True, text=True, check=True).stdout.strip()
    pathlib.Path(sys.argv[sys.argv.index("--digestfile") + 1]).write_text(digest)
"""
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [str(binary("crane")), "registry", "serve", "--address", address]
    log = tmp_path / "registry.log"
    with running("registry", command, environment={}, log_file=log, ready_at=f"http://{address}/v2/"):
        yield address


def test_a_real_registry_has_the_digest_and_the_labels_and_takes_no_second_build(
    registry: str, checkout: Checkout, tmp_path: Path
) -> None:
    layer = tmp_path / "layer.tar"
    with tarfile.open(layer, "w") as archive:
        archive.add(checkout.folder / "Dockerfile", "app")
    (checkout.programs / "podman").write_text(REAL_PUSH)
    (checkout.programs / "podman").chmod(stat.S_IRWXU)
    crane = str(binary("crane"))
    (checkout.programs / "crane").symlink_to(crane)
    arguments = ("-v", "1.2.3", "-s", "demo-service", "-r", registry, "-o", "demo", "-p")

    first = checkout.run(*arguments, CRANE=crane, LAYER=str(layer))
    second = checkout.run(*arguments, CRANE=crane, LAYER=str(layer))

    assert first.status == 0, first.err
    image, _, digest = first.out.strip().partition("@")
    assert read(crane, "digest", image) == digest
    config = json.loads(read(crane, "config", image))["config"]["Labels"]
    assert config["org.opencontainers.image.revision"] == checkout.git("rev-parse", "HEAD")
    assert second.status == 1
    assert f"{image} is in the registry already" in second.err
    assert read(crane, "digest", image) == digest


def read(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()
