"""`scripts/build-tool` builds each program once, leaves only the binary, and says what to do when it cannot."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "scripts" / "build-tool"
NEEDED = (
    "awk", "bash", "cut", "dirname", "env", "find", "flock", "grep", "mkdir", "mktemp", "mv", "paste", "rm",
    "sha256sum", "shasum", "sort", "head", "tail", "touch",
)  # fmt: skip
# Stands in for Go: it writes the caches it is told to use, tells what it was asked, and "builds" a file.
GO = """\
#!/bin/sh
case $1 in
    env) shift; for asked; do case $asked in
        GOVERSION) echo "go${FAKE_VERSION:-1.26.8}" ;;
        *) echo "its-$asked" ;;
    esac; done ;;
    build)
        echo "$(pwd) $GOPROXY $GOCACHE $GOTOOLCHAIN $CGO_ENABLED $*" >>"$FAKE_LOG"
        [ -z "$FAKE_SLOW" ] || sleep "$FAKE_SLOW"
        mkdir -p "$GOCACHE" "$GOMODCACHE" && echo leftover >"$GOCACHE/a" && echo leftover >"$GOMODCACHE/b"
        [ -z "$FAKE_FAILURE" ] || { echo "go: downloading it"; echo "$FAKE_FAILURE"; exit 1; } >&2
        while [ "$1" != -o ]; do shift; done
        echo binary >"$2" && chmod +x "$2" ;;
esac
"""
MODULE = """\
module hello

go 1.25.0

tool example.test/greetings/v2/cmd/hello

require example.test/greetings/v2 v2.0.1 // indirect
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """A copy of the script with one module, and a Go that only pretends."""

    folder: Path

    @property
    def module(self) -> Path:
        """The folder of the module `hello`."""
        return self.folder / "tests" / "tools" / "hello"

    @property
    def kept(self) -> list[str]:
        """What the cache holds, apart from the locks."""
        return sorted(one.name for one in (self.folder / "cache").iterdir() if one.suffix != ".lock")

    @property
    def builds(self) -> list[str]:
        """The calls of `go build`, each with its folder and settings."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def start(self, *names: str, **environment: str) -> "subprocess.Popen[str]":
        """The script, started with nothing but what it needs."""
        return subprocess.Popen(
            [self.folder / "scripts" / "build-tool", *names],
            env={
                "PATH": str(self.folder / "bin"),
                "SLUICE_TOOLS": str(self.folder / "cache"),
                "FAKE_LOG": str(self.folder / "log"),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *names: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        process = self.start(*names, **environment)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """The script beside one module that builds `hello`."""
    made = Workshop(folder=tmp_path)
    made.module.mkdir(parents=True)
    (made.module / "go.mod").write_text(MODULE)
    (tmp_path / "scripts").mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts")
    (tmp_path / "bin").mkdir()
    for command in NEEDED:
        if found := shutil.which(command):
            (tmp_path / "bin" / command).symlink_to(found)
    for command in ("chmod", "sleep", "sh"):
        (tmp_path / "bin" / command).symlink_to(shutil.which(command) or "")
    go = tmp_path / "bin" / "go"
    go.write_text(GO)
    go.chmod(0o755)
    return made


def test_the_path_of_a_new_binary_is_all_that_is_printed(workshop: Workshop) -> None:
    code, out, err = workshop.run("hello")

    assert code == 0, err
    assert Path(out.strip()).read_text() == "binary\n"
    assert out.count("\n") == 1
    assert "building hello v2.0.1" in err


def test_a_binary_is_built_once(workshop: Workshop) -> None:
    _, first, _ = workshop.run("hello")
    _, second, err = workshop.run("hello", "hello")

    assert second == first * 2
    assert not err
    assert len(workshop.builds) == 1


def test_all_of_them_are_built_in_one_call(workshop: Workshop) -> None:
    other = workshop.module.with_name("goodbye")
    other.mkdir()
    (other / "go.mod").write_text(MODULE.replace("hello", "goodbye"))
    code, out, err = workshop.run("--all")

    assert code == 0, err
    assert [Path(line).name for line in out.splitlines()] == ["goodbye", "hello"]
    assert len(workshop.builds) == 2
    assert len({call.split()[2] for call in workshop.builds}) == 1, "they share what Go has compiled"


def test_the_build_is_pinned_static_and_of_the_installed_go(workshop: Workshop) -> None:
    workshop.run("hello")

    (call,) = workshop.builds
    # its-…: what Go says of itself. The machine's modules are read, its proxy settings are kept.
    proxies = "file://its-GOMODCACHE/cache/download,its-GOPROXY"
    assert call.startswith(f"{workshop.module} {proxies} {workshop.folder}/cache/building.")
    assert "/cache local 0 build -trimpath -ldflags -s -w -o " in call
    assert call.endswith(" example.test/greetings/v2/cmd/hello")


def test_nothing_but_the_binary_is_left(workshop: Workshop) -> None:
    _, out, _ = workshop.run("hello")

    assert workshop.kept == [Path(out.strip()).parent.name]


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go", "parts/more.go"])
def test_a_changed_file_of_the_module_builds_anew(workshop: Workshop, file: str) -> None:
    _, before, _ = workshop.run("hello")
    (workshop.module / file).parent.mkdir(exist_ok=True)
    with (workshop.module / file).open("a") as content:
        content.write("\n// changed\n")
    _, after, _ = workshop.run("hello")

    assert after != before
    assert len(workshop.builds) == 2


def test_another_go_builds_anew(workshop: Workshop) -> None:
    _, before, _ = workshop.run("hello")
    _, after, _ = workshop.run("hello", FAKE_VERSION="1.27.0")

    assert after != before


def test_a_changed_go_test_builds_nothing(workshop: Workshop) -> None:
    _, before, _ = workshop.run("hello")
    (workshop.module / "main_test.go").write_text("package main\n")
    _, after, _ = workshop.run("hello")

    assert after == before


def test_two_calls_at_once_build_once(workshop: Workshop) -> None:
    if shutil.which("flock") is None:
        pytest.skip("without flock both build, and the last rename counts: install util-linux")
    calls = [workshop.start("hello", FAKE_SLOW="0.5") for _ in range(2)]

    paths = {call.communicate(timeout=30)[0] for call in calls}

    assert len(paths) == 1
    assert len(workshop.builds) == 1


def test_a_failed_build_tells_gos_reason_and_leaves_nothing(workshop: Workshop) -> None:
    code, out, err = workshop.run("hello", FAKE_FAILURE="example.test/x: 403 Forbidden")

    assert (code, out) == (1, "")
    assert "403 Forbidden" in err
    assert "downloading" not in err
    assert "proxy settings" in err
    assert workshop.kept == []


def test_what_a_killed_call_left_is_removed_by_the_next_build(workshop: Workshop) -> None:
    if shutil.which("flock") is None:
        pytest.skip("without flock nothing tells whether a call is alive: install util-linux")
    killed = workshop.folder / "cache" / "building.killed"
    killed.mkdir(parents=True)
    (killed / "alive").touch()
    workshop.run("hello")

    assert not killed.exists()


def test_a_binary_that_was_not_asked_for_in_sixty_days_goes(workshop: Workshop) -> None:
    _, old, _ = workshop.run("hello")
    long_ago = time.time() - 62 * 86400
    os.utime(Path(old.strip()).parent, (long_ago, long_ago))
    workshop.run("hello", FAKE_VERSION="1.27.0")

    assert not Path(old.strip()).exists()


def test_without_go_it_says_what_to_install(workshop: Workshop) -> None:
    (workshop.folder / "bin" / "go").unlink()
    code, out, err = workshop.run("hello")

    assert (code, out) == (3, "")
    assert "Go is not on PATH" in err
    assert "Install Go 1.25.0 or newer" in err


@pytest.mark.parametrize("version", ["1.9.7", "1.24.9"])
def test_an_older_go_than_the_module_asks_for_is_refused(workshop: Workshop, version: str) -> None:
    code, _, err = workshop.run("hello", FAKE_VERSION=version)

    assert code == 3
    assert f"Go {version} is too old: hello asks for Go 1.25.0 (tests/tools/hello/go.mod)" in err
    assert workshop.builds == []


@pytest.mark.parametrize("names", [["hullo"], ["hello", "hel.o"]])
def test_an_unknown_name_is_answered_with_the_known_ones(workshop: Workshop, names: list[str]) -> None:
    code, out, err = workshop.run(*names)

    assert (code, out) == (2, "")
    assert f'no program "{names[-1]}"' in err
    assert "Known are: hello" in err
    assert workshop.builds == []


def test_no_name_is_answered_with_the_usage(workshop: Workshop) -> None:
    code, _, err = workshop.run()

    assert code == 2
    assert "Usage: scripts/build-tool NAME" in err


def test_without_a_home_it_asks_for_a_folder(workshop: Workshop) -> None:
    code, _, err = workshop.run("hello", SLUICE_TOOLS="")

    assert code == 1
    assert "Set SLUICE_TOOLS" in err


def test_the_list_gives_an_exact_version_of_each_program() -> None:
    done = subprocess.run([SCRIPT, "--list"], capture_output=True, text=True, timeout=30, check=True)

    lines = [line.split() for line in done.stdout.splitlines()]
    assert {"age", "age-keygen", "crane", "kubeconform", "kustomize", "semver-select"} <= {name for name, *_ in lines}
    for name, version, package in lines:
        if version == "own":
            assert (REPOSITORY / package / "main.go").is_file(), name
        else:
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version), name


def test_the_readme_tells_why_each_program_is_there_and_its_licence() -> None:
    done = subprocess.run([SCRIPT, "--list"], capture_output=True, text=True, timeout=30, check=True)
    text = (REPOSITORY / "tests" / "tools" / "README.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]

    told = {row[0]: row[1] for row in rows if all(row[:4])}
    assert {name: version for name, version, *_ in map(str.split, done.stdout.splitlines())} == {
        name: version for name, version in told.items() if name not in ("program", "---")
    }


def test_the_collector_built_here_is_of_the_version_that_clusters_run() -> None:
    manifest = (REPOSITORY / "flux" / "infrastructure" / "opentelemetry" / "collector.yaml").read_text("utf-8")
    image = re.search(r"opentelemetry-collector-contrib:([\d.]+)", manifest)
    folder = REPOSITORY / "tests" / "tools" / "collector"

    assert image is not None
    assert f"collector/otelcol v{image[1]}\n" in (folder / "go.mod").read_text("utf-8")
    assert f'Version: "{image[1]}"' in (folder / "main.go").read_text("utf-8")
