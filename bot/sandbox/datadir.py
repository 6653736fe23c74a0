"""The sandbox's data folder: its own, held by one process at a time, and begun anew at every start."""

import fcntl
import shutil
from pathlib import Path
from typing import IO

from bot.errors import PermanentError

MARK = "sluice-sandbox.lock"


class DataDir:
    """Holds the lock from `claim` to `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def claim(self) -> None:
        """Take the folder and empty it. Raises PermanentError when it is in use or is not a sandbox's."""
        self.path.mkdir(parents=True, exist_ok=True)
        mark = self.path / MARK
        if not mark.exists() and any(self.path.iterdir()):
            raise PermanentError(
                f"{self.path} is not empty and was not made by a sandbox, which begins with an empty folder. "
                "Choose another folder with --data"
            )
        lock = mark.open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise PermanentError(
                f"{self.path} is in use by another sandbox. Stop that one, or choose another folder with --data"
            ) from error
        self._lock = lock
        self._empty()

    def release(self) -> None:
        """Let the folder go; its content stays for whoever wants to look."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _empty(self) -> None:
        for entry in self.path.iterdir():
            if entry.name == MARK:
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
