"""Builds the demo services and fetches what the operator would inject; what has not changed is not built again."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICES = REPOSITORY / "services"
INSTRUMENTATION = REPOSITORY / "tests" / "services" / "instrumentation"
MADE = frozenset({"target", "node_modules", "dist", "build"})
"""Folders that builds write; they say nothing about what is built."""
BUILD_SECONDS = 600.0
LAST_WORDS = 6000
OLDEST_NODE = 20
NPM = ("npm", "--no-audit", "--no-fund", "--no-update-notifier")


class ToolIsMissing(Exception):
    """A build cannot start here; the message says what to install."""


class BuildFailed(Exception):
    """A build or one of its tests failed; the message ends with what the tool said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What was built, how long that took when it was, and how many tests of its own it passed (0: it has none)."""

    name: str
    seconds: float
    tests: int
    fresh: bool

    def __str__(self) -> str:
        tests = f", {self.tests} tests of its own passed" if self.tests else ""
        when = "" if self.fresh else " (unchanged, built by an earlier run)"
        return f"{self.name:<24}{self.seconds:6.1f} s{tests}{when}"


def jdk() -> Path:
    """A JDK that compiles for Java 21."""
    found = subprocess.run([REPOSITORY / "scripts" / "find-jdk"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise ToolIsMissing(found.stderr.strip())
    return Path(found.stdout.strip())


def demo_service() -> tuple[Path, Build]:
    """The jar of demo-service; its own tests have passed."""
    folder = SERVICES / "demo-service"
    home = jdk()
    steps = [_maven(folder, home, "package")]
    return folder / "target" / "demo-service.jar", _built("demo-service", folder, ["target"], steps, str(home))


def node_service() -> tuple[Path, Build]:
    """The folder of node-service, `dist/main.js` and `node_modules` in it; its own lint and tests have passed."""
    folder = SERVICES / "node-service"
    node()
    commands = (["ci"], ["run", "check"], ["test"], ["run", "build"])
    steps = [_npm(folder, *command) for command in commands]
    return folder, _built("node-service", folder, ["node_modules", "dist"], steps, "")


def java_agent() -> tuple[Path, Build]:
    """The OpenTelemetry Java agent, from Maven's repository, equal to the checksum beside its pom.xml."""
    pinned, name = (INSTRUMENTATION / "javaagent.sha256").read_text("utf-8").split()
    home = jdk()
    build = _built("Java agent", INSTRUMENTATION, ["target"], [_maven(INSTRUMENTATION, home, "process-resources")], "")
    require_checksum(INSTRUMENTATION / name, pinned)
    return INSTRUMENTATION / name, build


def require_checksum(file: Path, pinned: str) -> None:
    """Raises BuildFailed when the file's SHA-256 is another."""
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != pinned:
        raise BuildFailed(
            f"{file.name} has the SHA-256 {found}, but {pinned} is pinned. If the agent was changed on purpose, write "
            "the new one to javaagent.sha256; else someone between here and Maven's repository changed it."
        )


def node_instrumentation() -> tuple[Path, Build]:
    """What NODE_OPTIONS requires, as the operator's image has it."""
    node()
    build = _built("Node instrumentation", INSTRUMENTATION, ["node_modules"], [_npm(INSTRUMENTATION, "ci")], "")
    package = INSTRUMENTATION / "node_modules" / "@opentelemetry" / "auto-instrumentations-node"
    return package / "build" / "src" / "register.js", build


def python_instrumentation() -> tuple[Path, Build]:
    """What the operator mounts for Python: the packages of requirements/tracing.txt in a folder of their own."""
    made, lock = "build", REPOSITORY / "requirements" / "tracing.txt"
    # A folder of this name is passed over by linters and type checkers.
    folder = INSTRUMENTATION / made / "site-packages"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command = [*pip, "--require-hashes", "--only-binary=:all:", "--target", str(folder), "--requirement", str(lock)]

    def fetch() -> str:
        shutil.rmtree(folder, ignore_errors=True)
        # Packages come from the lock alone, as in the Makefile.
        return _said(command, REPOSITORY, {"PIP_FIND_LINKS": ""})

    salt = lock.read_text("utf-8") + sys.version
    return folder, _built("Python instrumentation", INSTRUMENTATION, [made], [fetch], salt)


def node() -> str:
    """The program `node`, new enough."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        raise ToolIsMissing(f"node and npm are not on PATH. Install Node.js {OLDEST_NODE} or newer.")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        raise ToolIsMissing(f"node is {version}. Install Node.js {OLDEST_NODE} or newer.")
    return found


Step = Callable[[], str]


def _maven(folder: Path, home: Path, phase: str) -> Step:
    if shutil.which("mvn") is None:
        raise ToolIsMissing("mvn is not on PATH. Install Maven 3.8.7 or newer.")
    command = ["mvn", "--batch-mode", "--no-transfer-progress", "--file", str(folder / "pom.xml"), phase]
    return lambda: _said(command, folder, {"JAVA_HOME": str(home)})


def _npm(folder: Path, *arguments: str) -> Step:
    return lambda: _said([*NPM, *arguments], folder, {})


def _said(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> str:
    # JAVA_TOOL_OPTIONS or NODE_OPTIONS of the machine would instrument the builds.
    kept = {name: value for name, value in os.environ.items() if name not in ("JAVA_TOOL_OPTIONS", "NODE_OPTIONS")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        raise BuildFailed(f"{' '.join(command)} took more than {BUILD_SECONDS:.0f} s:\n{said[-LAST_WORDS:]}") from error
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-LAST_WORDS:]}")
    return done.stdout


def _built(name: str, folder: Path, made: Sequence[str], steps: Sequence[Step], salt: str) -> Build:
    """Take the steps unless they were taken for the same content and all they made, the folders `made`, is there."""
    stamp = folder / made[-1] / ".built.json"
    with _alone(folder):
        digest = _digest(folder, salt)
        if stamp.is_file() and all((folder / one).is_dir() for one in made):
            told = json.loads(stamp.read_text("utf-8"))
            if told.pop("digest") == digest:
                return Build(**{**told, "fresh": False})
        started = time.monotonic()
        said = "\n".join(step() for step in steps)
        build = Build(name=name, seconds=round(time.monotonic() - started, 1), tests=_tests(said), fresh=True)
        stamp.write_text(json.dumps({"digest": digest, **asdict(build)}), "utf-8")
    return build


def _tests(said: str) -> int:
    """What Surefire's last line, or Node's test runner, counts."""
    surefire = re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0", said)
    node_test = re.findall(r"^(?:#|ℹ) pass (\d+)$", said, re.MULTILINE)
    counts = [*surefire, *node_test]
    return int(counts[-1]) if counts else 0


def _digest(folder: Path, salt: str) -> str:
    found = hashlib.sha256(salt.encode())
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not MADE.intersection(parts[:1]):
            found.update("/".join(parts).encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Of two runs at once, the second waits and finds it built."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    with (Path(tempfile.gettempdir()) / f"sluice-build-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
