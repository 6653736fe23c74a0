"""The tree's secrets in clear, read by the real sops with the demo keys and no other key of this machine."""

import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flux_tree import CLUSTERS, FLUX, secret_files
from ruamel.yaml import YAML
from tools_at_hand import binary

from bot.sandbox.documents import Document

DEMO_KEYS = FLUX / "demo.agekey"
DEADLINE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a program ended, and what it said."""

    status: int
    out: str
    err: str


def sops(*arguments: str, keys: str, tree: Path = FLUX, stdin: str = "") -> Said:
    """Run sops in a tree with these private keys alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nowhere",
        "SOPS_AGE_KEY": keys,
        "SOPS_DISABLE_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        [binary("sops"), *arguments],
        cwd=tree,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return Said(status=done.returncode, out=done.stdout, err=done.stderr)


def demo_keys() -> dict[str, str]:
    """The committed private keys, by environment."""
    blocks = text_of(DEMO_KEYS).split("\n\n")[1:]
    return {block.splitlines()[0].removeprefix("# "): block for block in blocks}


def text_of(keys: Path) -> str:
    """A file of private keys. Fails with the mend where it is gone."""
    assert keys.is_file(), (
        f"{keys} is not there, so no secret can be read. Restore it: git -C {keys.parent} checkout -- {keys.name}"
    )
    return keys.read_text("utf-8")


def environment_of(file: Path) -> str:
    """Whose secret a file is."""
    (found,) = set(file.relative_to(FLUX).parts) & set(CLUSTERS)
    return found


def in_clear(file: Path, *, keys: Path = DEMO_KEYS) -> Document:
    """A Secret with its values. Fails with the file and the mend."""
    said = sops("decrypt", str(file), keys=text_of(keys))
    assert said.status == 0, (
        f"{file.relative_to(FLUX)} does not open with {keys.name}. Take a change by hand back, or encrypt it again: "
        f"scripts/rotate-secrets. sops says:\n{said.err}"
    )
    found: Document = YAML(typ="safe", pure=True).load(said.out)
    return found


def values(file: Path) -> dict[str, str]:
    """What a Secret holds."""
    found: dict[str, str] = in_clear(file)["stringData"]
    return found


@cache
def all_in_clear() -> dict[str, dict[str, str]]:
    """The values of every Secret, by its name in the README's table."""
    return {name_of(file): values(file) for file in secret_files()}


def name_of(file: Path) -> str:
    """The file's name in the README's table."""
    return file.relative_to(FLUX).as_posix().removesuffix(".sops.yaml")
