"""Encrypts the secrets of a tree anew, for the keys that `.sops.yaml` names now and with new data keys: all or nothing.

Run it after a key was added (scripts/new-age-key), to take one out (--without, --without-demo), or to follow a change
that somebody made in `.sops.yaml`. What was encrypted before stays in Git's history, so a key that leaked is not enough
to replace: the values are, too.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.new_age_key import TREE, keys_folder
from scripts.sops_files import Keys, Sops, program
from scripts.sops_rules import NAME, Refused, Rules, demo_recipients, secret_files
from scripts.writing import replace_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What is to be done. names: the files, relative to the tree."""

    before: Rules
    after: Rules
    keys: Keys
    names: tuple[str, ...]

    @property
    def tree(self) -> Path:
        """Where the files stand."""
        return self.before.tree


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0; 1 when refused, and then nothing was changed; 2 for wrong use."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        rotation = _planned(options)
        contents = rotated(rotation)
        if not options.dry_run:
            replace_all(contents)
    except Refused as refused:
        print(f"rotate-secrets: {refused}\nNothing was changed.", file=sys.stderr)
        return 1
    _report(rotation, dry_run=options.dry_run)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rotate-secrets", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help="folders of clusters/ (all of them)")
    parser.add_argument("--without", action="append", default=[], metavar="age1…", help="take this key out")
    parser.add_argument("--without-demo", action="store_true", help="take the demo keys out")
    parser.add_argument("--dry-run", action="store_true", help="do it all in a copy, and keep nothing")
    parser.add_argument("--tree", type=Path, default=TREE, help=f"the config repository, with its {NAME} (here: flux)")
    parser.add_argument("--keys", type=Path, default=keys_folder(), help="folder with private keys (%(default)s)")
    return parser.parse_args(arguments)


def _planned(options: argparse.Namespace) -> Rotation:
    before = after = Rules.read(options.tree)
    chosen = options.environments or before.environments()
    covering = [before.rule_for(environment) for environment in chosen]
    unwanted = [*options.without, *(demo_recipients(options.tree) if options.without_demo else ())]
    if unwanted:
        after = before.without(unwanted, chosen)
    names = tuple(name for name in secret_files(options.tree) if before.rule_of(name) in covering)
    return Rotation(before=before, after=after, keys=Keys.at_hand(options.keys, options.tree), names=names)


def rotated(rotation: Rotation) -> dict[Path, bytes]:
    """The new contents, made and read back in a copy. Refused when one file cannot be read before or after."""
    program("sops")
    here = Sops(tree=rotation.tree, keys=rotation.keys)
    clear = _decrypted(here, rotation.names)
    with tempfile.TemporaryDirectory(prefix="rotate-secrets-") as folder:
        copy = Sops(tree=Path(folder), keys=rotation.keys)
        (copy.tree / NAME).write_text(rotation.after.text, "utf-8")
        for name in rotation.names:
            (copy.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(rotation.tree / name, copy.tree / name)
            copy.encrypt_anew(name)
            _check(copy, rotation, name, clear[name])
        contents = {rotation.tree / name: (copy.tree / name).read_bytes() for name in rotation.names}
    if rotation.after.text != rotation.before.text:
        contents[rotation.tree / NAME] = rotation.after.text.encode()
    return contents


def _decrypted(sops: Sops, names: Sequence[str]) -> dict[str, str]:
    clear, faults = dict[str, str](), list[str]()
    for name in names:
        try:
            clear[name] = sops.decrypt(name)
        except Refused as refused:
            faults.append(str(refused))
    if faults:
        more = [f"and {len(faults) - 3} more files"] if len(faults) > 3 else []
        raise Refused("\n".join(faults[:3] + more))
    return clear


def _check(copy: Sops, rotation: Rotation, name: str, clear: str) -> None:
    wanted = rotation.after.rule_of(name).recipients
    if set(found := copy.recipients(name)) != set(wanted):
        raise Refused(f"sops encrypted {name} for {', '.join(found)} instead of {', '.join(wanted)}.")
    try:
        again = copy.decrypt(name)
    except Refused as refused:
        raise Refused(
            f"afterwards no key here would open {rotation.tree / name}, so nobody could see that it is whole. "
            f"Have one of {', '.join(wanted)} at hand, too: put its file into the folder of --keys."
        ) from refused
    if again != clear:
        raise Refused(f"{name} would say something else afterwards. See what sops is on PATH.")


def _report(rotation: Rotation, *, dry_run: bool) -> None:
    demo = demo_recipients(rotation.tree)
    print(f"{len(rotation.names)} files {'would be' if dry_run else 'are'} encrypted anew. Keys of each environment:")
    public = []
    for environment in rotation.after.environments():
        recipients = rotation.after.rule_for(environment).recipients
        print(f"  {environment:12} {', '.join(f'{one} (demo)' if one in demo else one for one in recipients)}")
        public += [environment] if demo.intersection(recipients) else []
    if rotation.after is not rotation.before:
        print("Before you push: every cluster must hold one of its keys in the Secret flux-system/sops-age.")
        print("Who had a key that is gone may have read the values, and Git keeps them: replace them (sops edit).")
    if public:
        print(
            f"WARNING: everybody can read the secrets of {', '.join(public)}: the demo keys open them. Put nothing "
            "real there before scripts/new-age-key ENVIRONMENT and scripts/rotate-secrets --without-demo ENVIRONMENT.",
            file=sys.stderr,
        )


if __name__ == "__main__":
    sys.exit(main())
