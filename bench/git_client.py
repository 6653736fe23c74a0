"""What a rollback costs at least: a plain git client that fetches, commits one file and pushes it over smart HTTP."""

import base64
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import until
from bench.observing import Seen

SAID = "Measure a plain git client"


@dataclass(frozen=True, slots=True)
class GitClient:
    """A clone of the config repository whose owner may push to main."""

    folder: Path
    environment: Mapping[str, str]

    @classmethod
    def clone(cls, folder: Path, facts: Mapping[str, Any]) -> "GitClient":
        """Clone as the maintainer; the token goes by the environment, where nobody else sees it."""
        account = base64.b64encode(f"maintainer:{facts['maintainer_token']}".encode()).decode()
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {account}",
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": "maintainer",
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": "maintainer@example.com",
        }
        client = cls(folder, environment)
        folder.mkdir()
        client._git("clone", "--quiet", f"{facts['gitlab_url']}/{facts['config_project']}.git", ".")
        return client

    def measure(self, seen: Seen, number: int) -> float:
        """Seconds from the start of the fetch until GitLab has the commit on main, as for a rollback."""
        began = time.time()
        self._git("fetch", "--quiet", "origin", "main")
        self._git("reset", "--quiet", "--hard", "FETCH_HEAD")
        (self.folder / "measured.txt").write_text(f"{number}\n", "utf-8")
        self._git("add", "measured.txt")
        self._git("commit", "--quiet", "--message", SAID)
        self._git("push", "--quiet", "origin", "HEAD:main")
        received: float = until(lambda: seen.moved_after(began, SAID), "the plain client's commit on main").at
        return received - began

    def _git(self, *arguments: str) -> None:
        subprocess.run(("git", *arguments), check=True, cwd=self.folder, env=dict(self.environment))
