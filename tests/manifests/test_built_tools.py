"""The programs that `scripts/build-tool` builds are the versions that it lists."""

import subprocess

import pytest
from tools_at_hand import BUILD_TOOL, binary


def listed(name: str) -> str:
    """The version in `scripts/build-tool --list`."""
    done = subprocess.run([BUILD_TOOL, "--list"], capture_output=True, text=True, timeout=30, check=True)
    (version,) = (line.split()[1] for line in done.stdout.splitlines() if line.split()[0] == name)
    return version


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("age", ["--version"]),
        ("age-keygen", ["--version"]),
        ("crane", ["version"]),
        ("kustomize", ["version"]),
        ("sops", ["--version", "--disable-version-check"]),
    ],
)
def test_a_built_program_tells_the_listed_version(name: str, arguments: list[str]) -> None:
    done = subprocess.run([binary(name), *arguments], capture_output=True, text=True, timeout=60, check=True)

    assert listed(name).removeprefix("v") in done.stdout


def test_a_program_is_looked_up_once_for_all_tests() -> None:
    assert binary("age") is binary("age")
    assert binary("age").name == "age"
