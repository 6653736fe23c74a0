"""Replaces several files together: all of them, or none."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path


def replace_all(contents: Mapping[Path, bytes]) -> None:
    """Write new contents of files that exist. Whatever goes wrong on the way, each has its old content again."""
    before = {file: file.read_bytes() for file in contents}
    with _beside(contents) as written:
        try:
            for file, new in written.items():
                os.replace(new, file)
        except BaseException:
            with _beside(before) as restored:
                for file, old in restored.items():
                    os.replace(old, file)
            raise


@contextlib.contextmanager
def _beside(contents: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Each content in a file beside the one it is for, with its rights; what was not moved away is removed."""
    written: dict[Path, Path] = {}
    try:
        for file, content in contents.items():
            handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
            written[file] = Path(name)
            with open(handle, "wb") as stream:
                stream.write(content)
            Path(name).chmod(file.stat().st_mode)
        yield written
    finally:
        for beside in written.values():
            beside.unlink(missing_ok=True)
