"""A repository with scripts/build-and-tag.sh in it, and stand-ins for engines that write down how they are called."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flux_secrets import Said

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "build-and-tag.sh"
DIGEST = "sha256:" + "5a" * 32
NEEDED = ("bash", "env", "git", "dirname", "sed", "tail", "tee", "cat", "mktemp", "rm")
ENGINE = (
    f"#!{sys.executable}"
    + """
import json, os, pathlib, sys
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
failing = os.environ.get("FAILING", "").split(",")
if sys.argv[1] in failing:
    sys.exit("the engine says no")
if sys.argv[1] == "push" and "--digestfile" in sys.argv:
    pathlib.Path(sys.argv[sys.argv.index("--digestfile") + 1]).write_text(os.environ["DIGEST"])
elif sys.argv[1] == "push":
    print("The push refers to repository [it]\\n1.2.3: digest: " + os.environ["DIGEST"] + " size: 1234")
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A repository with services, and the programs that its script can find."""

    folder: Path
    programs: Path

    def engine(self, *names: str) -> None:
        """Put stand-ins on PATH that write down how they are called."""
        for name in names:
            (self.programs / name).write_text(ENGINE)
            (self.programs / name).chmod(0o755)

    def git(self, *arguments: str) -> str:
        """What git says in the repository."""
        identity = ("-c", "user.name=developer", "-c", "user.email=developer@example.com")
        command = ["git", *identity, "-C", str(self.folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    def commit(self, message: str) -> str:
        """A commit of what is staged, or of nothing; its hash."""
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str, **environment: str) -> Said:
        """The script as a person calls it."""
        surroundings = {"PATH": str(self.programs), "CALLS": str(self.calls_file), "DIGEST": DIGEST, "HOME": "/nowhere"}
        script = self.folder / "scripts" / "build-and-tag.sh"
        done = subprocess.run(
            [str(script), *arguments],
            env={**surroundings, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Said(status=done.returncode, out=done.stdout, err=done.stderr)

    @property
    def calls_file(self) -> Path:
        """Where the stand-ins write."""
        return self.programs.parent / "calls"

    def calls(self, *verbs: str) -> list[list[str]]:
        """How engines were called, for builds and pushes unless other verbs are named."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [call for call in map(json.loads, lines) if call[1] in (verbs or ("build", "push"))]


def new_checkout(place: Path) -> Checkout:
    """One commit with both services, and nothing on PATH but what the script itself needs."""
    folder, programs = place / "checkout", place / "bin"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(str(shutil.which(name)))
    for service in ("demo-service", "node-service"):
        (folder / "services" / service).mkdir(parents=True)
        (folder / "services" / service / "Dockerfile").write_text("FROM scratch\n")
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "scripts").mkdir()
    shutil.copy(SCRIPT, folder / "scripts")
    found = Checkout(folder=folder, programs=programs)
    found.git("init", "--quiet", "--initial-branch=main")
    found.git("add", ".")
    found.commit("Start")
    return found


def labels(call: list[str]) -> dict[str, str]:
    """The OCI labels that a build was given, without their common beginning."""
    pairs = [call[at + 1] for at, argument in enumerate(call) if argument == "--label"]
    return {
        name.removeprefix("org.opencontainers.image."): value for name, _, value in (p.partition("=") for p in pairs)
    }
