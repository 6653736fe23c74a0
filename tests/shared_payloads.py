"""Recorded deliveries and signature vectors are read from the shared folder beside the repository.

The folder is `$SLUICE_SHARED`, else `../shared` relative to the repository root. Where it is absent a test that asks
for it skips visibly; with `CI` set it fails instead, because a green run must have seen the recordings.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def shared_folder() -> Path:
    """Return the shared folder, or skip the running test (fail under CI) when there is none."""
    folder = _location()
    if not folder.is_dir():
        _absent(f"the shared folder is not at {folder}: set SLUICE_SHARED to where it lies")
    return folder


def payload_files(pattern: str) -> list[Path]:
    """Return the sorted files matching a glob under `payloads/`, e.g. `flux/generic-*.json`; empty when absent.

    Never skips, so it can feed `pytest.mark.parametrize`, which reports an empty list as a skip of its own.
    Under CI an absent folder fails here, at collection.
    """
    if not _location().is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"no recorded deliveries at {_location()}: set SLUICE_SHARED to the shared folder")
        return []
    return sorted(path for path in (_location() / "payloads").glob(pattern) if path.is_file())


def payload_id(path: Path) -> str:
    """Name a payload in test output, e.g. `flux/generic-hmac-…json`; for `parametrize(..., ids=payload_id)`."""
    return path.relative_to(_location() / "payloads").as_posix()


def load_payload(name: str) -> Any:
    """Return the decoded JSON of one file under `payloads/`, e.g. `flagger/event-Failed-Warning.json`."""
    return json.loads(payload_bytes(name))


def payload_bytes(name: str) -> bytes:
    """Return the raw bytes of one file under `payloads/`; an unknown name in a present folder is an error."""
    return (shared_folder() / "payloads" / name).read_bytes()


def vectors(name: str) -> Any:
    """Return one file of `payloads/vectors` by stem: `signatures` or `gitlab_delivery_headers`."""
    return load_payload(f"vectors/{name}.json")


def shared_file(name: str) -> Path:
    """Return a path in the shared folder, e.g. `contracts/gitlab-api/quick-actions.txt`."""
    path = shared_folder() / name
    if not path.exists():
        _absent(f"{path} is missing from the shared folder")
    return path


@cache
def _location() -> Path:
    return Path(os.environ.get("SLUICE_SHARED") or REPOSITORY.parent / "shared").resolve()


def _absent(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
