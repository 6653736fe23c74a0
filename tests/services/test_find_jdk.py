"""scripts/find-jdk finds a JDK that can build for Java 21 wherever one is, and says what to do where none is."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from service_builds import REPOSITORY

FIND_JDK = REPOSITORY / "scripts" / "find-jdk"


def test_java_home_is_taken_when_it_fits(tmp_path: Path) -> None:
    fitting = jdk(tmp_path / "mine", "21.0.5")
    jdk(tmp_path / "another", "25.0.3")

    assert found(tmp_path, JAVA_HOME=str(fitting)) == str(fitting)


def test_the_oldest_that_fits_is_taken_beside_a_java_home_that_does_not(tmp_path: Path) -> None:
    old = jdk(tmp_path / "jdk-17", "17.0.15")
    jdk(tmp_path / "jdk-25", "25.0.3")
    jdk(tmp_path / "jdk-21", "21.0.5")

    assert found(tmp_path, JAVA_HOME=str(old)) == str(tmp_path / "jdk-21")


def test_one_is_found_beside_the_java_on_path(tmp_path: Path) -> None:
    old = jdk(tmp_path / "installed" / "jdk-17", "17.0.15")
    fitting = jdk(tmp_path / "installed" / "jdk-25", "25.0.3")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(old / "bin" / "java")

    assert found(tmp_path) == str(fitting)


@pytest.mark.parametrize("lacking", ["bin/javac", "release"])
def test_a_java_that_cannot_compile_or_does_not_say_its_version_is_passed_over(tmp_path: Path, lacking: str) -> None:
    broken = jdk(tmp_path / "mine", "25.0.3")
    (broken / lacking).unlink()

    assert refused(tmp_path, JAVA_HOME=str(broken)).returncode == 3


def test_without_one_it_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    old = jdk(tmp_path / "jdk-17", "17.0.15")

    refusal = refused(tmp_path, JAVA_HOME=str(old))

    assert refusal.returncode == 3
    assert refusal.stdout == ""
    assert "no JDK 21 or newer was found" in refusal.stderr
    assert str(old) in refusal.stderr
    assert "Install one, or set JAVA_HOME to its folder." in refusal.stderr


def jdk(folder: Path, version: str) -> Path:
    """A folder that looks like a JDK."""
    (folder / "bin").mkdir(parents=True)
    for program in ("java", "javac"):
        (folder / "bin" / program).write_text("#!/bin/sh\n", "utf-8")
        (folder / "bin" / program).chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="somebody"\nJAVA_VERSION="{version}"\n', "utf-8")
    return folder


def found(tmp_path: Path, **environment: str) -> str:
    """What it prints."""
    done = refused(tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refused(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Its end, on a machine that has no Java but what the test made."""
    tools = tmp_path / "bin"
    tools.mkdir(exist_ok=True)
    for tool in ("bash", "awk", "dirname", "env", "head", "readlink", "sed", "sort"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    return subprocess.run(
        [tools / "bash", FIND_JDK],
        env={"PATH": str(tools), "HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=os.sep,
    )
