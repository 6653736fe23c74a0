"""A temporary PostgreSQL on a free loopback port, gone with everything in it when the block ends."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

DEBIAN_BINARIES = Path("/usr/lib/postgresql")
SUPERUSER = "postgres"
ROOT = 0
# Durability is not what these tests measure, and a tmpfs-less machine would spend most of the run in fsync.
SERVER_OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlServer:
    """A running server; `create_database` gives each caller an empty database of its own."""

    port: int
    binaries: Path

    def create_database(self) -> str:
        """Create an empty database and return its SQLAlchemy URL, `postgresql+asyncpg://…`."""
        name = f"sluice_{uuid4().hex}"
        self._client("createdb", name)
        return f"postgresql+asyncpg://{SUPERUSER}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, url: str) -> None:
        """Drop a database made by `create_database`, closing whatever is still connected to it."""
        self._client("dropdb", "--force", "--if-exists", url.rsplit("/", 1)[1])

    def _client(self, program: str, *arguments: str) -> None:
        address = ["--host=127.0.0.1", f"--port={self.port}", f"--username={SUPERUSER}"]
        _run([str(self.binaries / program), *address, *arguments])


def find_binaries() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, from PATH or Debian's versioned folders (newest first)."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(DEBIAN_BINARIES.glob("*/bin"), key=_major_version, reverse=True)
    return next((folder for folder in candidates if _is_complete(folder)), None)


@contextmanager
def running_postgresql(binaries: Path) -> Iterator[PostgresqlServer]:
    """Start a server on a free loopback port and stop it at the end of the block.

    initdb refuses root, so root runs it and pg_ctl as the `postgres` account that the Debian package creates.
    """
    folder = Path(tempfile.mkdtemp(prefix="sluice-postgresql-"))
    data = folder / "data"
    prefix = _unprivileged(folder)
    port = _free_port()
    initdb = [str(binaries / "initdb"), f"--pgdata={data}", "--auth=trust", "--no-sync", "--encoding=UTF8"]
    pg_ctl = [str(binaries / "pg_ctl"), f"--pgdata={data}", "--wait"]
    listen = f"-h 127.0.0.1 -p {port} -k {folder} {SERVER_OPTIONS}"
    try:
        _run([*prefix, *initdb, "--locale=C", f"--username={SUPERUSER}"])
        _run([*prefix, *pg_ctl, f"--log={folder / 'log'}", f"--options={listen}", "start"])
        try:
            yield PostgresqlServer(port=port, binaries=binaries)
        finally:
            _run([*prefix, *pg_ctl, "--mode=immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> list[str]:
    if os.geteuid() != ROOT:
        return []
    account = pwd.getpwnam(SUPERUSER)
    os.chown(folder, account.pw_uid, account.pw_gid)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]


def _run(command: Sequence[str]) -> None:
    # Output goes to a file: the server inherits the handle, and a pipe would keep this call waiting for it.
    with tempfile.TemporaryFile() as output:
        finished = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False)
        if finished.returncode == 0:
            return
        output.seek(0)
        said = output.read().decode(errors="replace")
    raise RuntimeError(f"{Path(command[0]).name} … {command[-1]} ended with {finished.returncode}: {said}")


def _is_complete(folder: Path) -> bool:
    return all((folder / program).exists() for program in ("initdb", "pg_ctl", "createdb"))


def _major_version(folder: Path) -> int:
    version = folder.parent.name.split(".")[0]
    return int(version) if version.isdigit() else 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
