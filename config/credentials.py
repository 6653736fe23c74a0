"""Secrets come from files or from environment variables, and are never printed.

Files are read again at each use: a rotated Kubernetes Secret is picked up without a restart.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from bot.errors import PermanentError

MAX_SECRET_BYTES = 64 * 1024
"""A larger file is a mistake (a log, a device), not a secret."""


def read_secret(file: Path) -> SecretStr:
    """The secret in `file` without surrounding white space; PermanentError when there is none."""
    try:
        with file.open("rb") as stream:
            text = stream.read(MAX_SECRET_BYTES + 1).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PermanentError(f"cannot read the secret file {file}: {reason}. Mount it, or correct the path.") from error
    if not text or len(text) > MAX_SECRET_BYTES:
        size = "empty" if not text else f"larger than {MAX_SECRET_BYTES} bytes"
        raise PermanentError(f"the secret file {file} is {size}: a secret is one short text. Write it there.")
    return SecretStr(text)


def one_secret(value: SecretStr | None, file: Path | None) -> SecretStr | None:
    """The secret given directly (an environment variable), else the one in `file`, else None."""
    if value is not None and value.get_secret_value():
        return value
    return read_secret(file) if file is not None else None


def several_secrets(values: Iterable[SecretStr], files: Iterable[Path]) -> tuple[SecretStr, ...]:
    """All live secrets, those given directly first: several at once make rotation possible."""
    return (*values, *(read_secret(file) for file in files))
