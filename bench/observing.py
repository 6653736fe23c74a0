"""Moments seen from outside, on the machine's one clock: when a canary became Failed, when a commit stood on main."""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import until

CANARIES = "apis/flagger.app/v1beta1/namespaces/production/canaries"
LOOK_EVERY = 0.005


@dataclass(frozen=True, slots=True)
class Moved:
    """Main moved to a commit, at a moment in seconds since 1970: the reference's file was written then."""

    sha: str
    at: float


@dataclass(slots=True)
class Seen:
    """What was noticed so far, oldest first: phases of production's canary, and commits on main."""

    repository: Path
    phases: list[tuple[str, float]] = field(default_factory=list)
    moves: list[Moved] = field(default_factory=list)

    def failed_after(self, moment: float) -> float | None:
        """When the canary next became Failed (its status was written)."""
        return next((at for phase, at in self.phases if phase == "Failed" and at > moment), None)

    def moved_after(self, moment: float, said: str) -> Moved | None:
        """The next commit on main whose message says this."""
        return next((move for move in self.moves if move.at > moment and said in self._message(move.sha)), None)

    def _message(self, sha: str) -> str:
        command = ("git", "--git-dir", str(self.repository), "show", "--no-patch", "--format=%B", sha)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def watching(folder: Path, facts: Mapping[str, Any], project: int) -> Iterator[Seen]:
    """Watch the cluster as its administrator, and main in the sandbox's own folder, both until the block ends."""
    seen = Seen(folder / "sandbox" / "gitlab" / "repositories" / f"{project}.git")
    over = threading.Event()
    for look in (_follow_canaries, _follow_main):
        threading.Thread(target=look, args=(seen, facts, over), daemon=True).start()
    try:
        until(lambda: seen.phases and seen.moves, "a first look at the canary and at main")
        yield seen
    finally:
        over.set()


def _follow_canaries(seen: Seen, facts: Mapping[str, Any], over: threading.Event) -> None:
    access = json.loads(Path(str(facts["kubeconfig"])).read_text("utf-8"))
    token = next(user["user"]["token"] for user in access["users"] if user["name"] == "admin")
    url = f"{facts['cluster_url']}/{CANARIES}?watch=true&timeoutSeconds=3600"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request) as lines:  # noqa: S310
        for line in lines:
            now = time.time()
            phase = json.loads(line)["object"].get("status", {}).get("phase", "")
            if not seen.phases or seen.phases[-1][0] != phase:
                seen.phases.append((phase, now))
            if over.is_set():
                return


def _follow_main(seen: Seen, facts: Mapping[str, Any], over: threading.Event) -> None:
    reference = seen.repository / "refs" / "heads" / "main"
    while not over.wait(LOOK_EVERY):
        sha, at = reference.read_text("ascii").strip(), reference.stat().st_mtime
        if not seen.moves or seen.moves[-1].sha != sha:
            seen.moves.append(Moved(sha, at))
