"""Runs sops on the files of a tree with the keys at hand, and says what is wrong in words that name file and mend."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from scripts.sops_rules import DEMO_KEYS, Refused

DEADLINE = 60.0
"""Seconds for one call; it takes a tenth of one."""
MAC_MISMATCH, NO_KEY = 51, 128
"""Exit statuses of sops 3.13 (cmd/sops/codes)."""
IDENTITY = re.compile(r"AGE-(SECRET-KEY|PLUGIN)-[0-9A-Z-]+")
NOT_OURS = frozenset({"SOPS_AGE_KEY_FILE", "SOPS_AGE_RECIPIENTS", "SOPS_CONFIG"})
"""Variables that would change for whom, or with what, sops works here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The private keys at hand. places: where they were looked for, for messages."""

    text: str = field(repr=False)
    places: tuple[str, ...]

    @classmethod
    def at_hand(cls, folder: Path, tree: Path) -> "Keys":
        """From SOPS_AGE_KEY_FILE, the key files of a folder, and the tree's demo keys."""
        named = os.environ.get("SOPS_AGE_KEY_FILE")
        if named and not Path(named).is_file():
            raise Refused(f"SOPS_AGE_KEY_FILE is {named}, and there is no such file. Mend the path, or unset it.")
        demo = tree / DEMO_KEYS
        files = [Path(named)] if named else []
        files += sorted(folder.glob("*.agekey")) + ([demo] if demo.is_file() else [])
        texts = [os.environ.get("SOPS_AGE_KEY", ""), *(_identities(file) for file in files)]
        places = (f"SOPS_AGE_KEY_FILE ({named or 'not set'})", f"{folder}/*.agekey", str(demo))
        return cls(text="\n".join(texts), places=places)


def _identities(file: Path) -> str:
    text = file.read_text("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#") and not IDENTITY.fullmatch(line.strip()):
            raise Refused(f"{file}:{number} is no age key, so the file is none. Mend it, or take it away.")
    return text


def program(name: str) -> str:
    """The path of a program on PATH."""
    found = shutil.which(name)
    if found is None:
        raise Refused(
            f"{name} is not on PATH. Install it, or build it here, which takes minutes once: "
            f'PATH="$(dirname "$(scripts/build-tool {name})"):$PATH"'
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sops:
    """sops in a tree, whose `.sops.yaml` it reads, with the keys at hand and no others of this environment."""

    tree: Path
    keys: Keys

    def decrypt(self, name: str) -> str:
        """The file in clear. Refused when it is in clear already, was changed, or no key opens it."""
        done = self._run("decrypt", name)
        if done.returncode == 0:
            return done.stdout
        raise Refused(self._why(name, done.returncode, done.stderr.strip()))

    def encrypt_anew(self, name: str) -> None:
        """With a new data key, and for the keys that the rules name now: who is not among them learns nothing more."""
        for arguments in (("rotate", "--in-place", name), ("updatekeys", "--yes", name)):
            done = self._run(*arguments)
            if done.returncode:
                raise Refused(f"sops {arguments[0]} failed for {self.tree / name}: {done.stderr.strip()}")

    def recipients(self, name: str) -> tuple[str, ...]:
        """Whose keys open the file, as it says itself."""
        document = YAML(typ="safe", pure=True).load((self.tree / name).read_text("utf-8"))
        metadata = document.get("sops") if isinstance(document, dict) else None
        return tuple(one["recipient"] for one in (metadata or {}).get("age") or [])

    def _why(self, name: str, status: int, said: str) -> str:
        file = self.tree / name
        if status == MAC_MISMATCH:
            return f"{file} was changed after it was encrypted (MAC mismatch). Take that back, then use sops edit."
        if not (recipients := self.recipients(name)):
            return f"{file} is not encrypted. In {self.tree}: sops encrypt --in-place {name}"
        if status == NO_KEY:
            return (
                f"{file} cannot be read: none of the keys here opens it. It is encrypted for {', '.join(recipients)}. "
                f"Looked in {', '.join(self.keys.places)}. Put that key's file there, or name it in SOPS_AGE_KEY_FILE."
            )
        return f"sops cannot read {file}: {said}"

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command: Sequence[str] = (program("sops"), *arguments)
        environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        # Its question for newer versions would go out to the network.
        environment |= {"SOPS_AGE_KEY": self.keys.text, "SOPS_DISABLE_VERSION_CHECK": "1"}
        try:
            return subprocess.run(
                command, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Refused(f"sops {arguments[0]} did not end within {DEADLINE:.0f} s. See what keeps it.") from error
