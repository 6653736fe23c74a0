"""One process writes a SQLite file; a second one is refused at once, and told who has it."""

import fcntl
import os
from pathlib import Path

from bot.errors import PermanentError


class FileLock:
    """An advisory lock on `<file>.lock`, held until `release` or the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", errors="replace").strip() or "unknown"
            os.close(self._file)
            raise PermanentError(
                f"the journal {path} is in use by process {holder}: one SQLite file serves one process. "
                "Stop that process, give this one a file of its own, or run several replicas on PostgreSQL."
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let the next process in. The file stays: removing it would let two hold different files of one name."""
        os.close(self._file)
