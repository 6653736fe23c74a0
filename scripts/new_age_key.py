"""Makes an age key for the secrets of one environment, outside of Git, and adds its public half to `.sops.yaml`.

Nothing is encrypted yet: `scripts/rotate-secrets` does that. A key is never overwritten, for with it go its secrets.
"""

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.sops_files import program
from scripts.sops_rules import NAME, PUBLIC_KEY, Refused, Rules
from scripts.writing import replace_all

TREE = Path(__file__).resolve().parents[1] / "flux"
DEADLINE = 60.0


def keys_folder() -> Path:
    """Where private keys are kept unless somebody says otherwise."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "sluice" / "age"


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0; 1 when refused, and then nothing was made; 2 for wrong use."""
    options = _options(arguments)
    try:
        made, recipient = _make(options.environment, options.tree, options.keys)
    except Refused as refused:
        print(f"new-age-key: {refused}", file=sys.stderr)
        return 1
    print(_next_steps(options.environment, options.tree, made, recipient))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="new-age-key", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("environment", help="a folder of clusters/, as production")
    parser.add_argument("--tree", type=Path, default=TREE, help=f"the config repository, with its {NAME} (here: flux)")
    parser.add_argument("--keys", type=Path, default=keys_folder(), help="folder for private keys (%(default)s)")
    return parser.parse_args(arguments)


def _make(environment: str, tree: Path, keys: Path) -> tuple[Path, str]:
    rules = Rules.read(tree)
    rules.rule_for(environment)
    keys = keys.resolve()
    if repository := next((folder for folder in (keys, *keys.parents) if (folder / ".git").exists()), None):
        raise Refused(f"{keys} lies in the Git repository {repository}; a key must not. Name another folder: --keys")
    text = _generated()
    recipient = PUBLIC_KEY.findall(text)[0]
    changed = rules.with_recipient(environment, recipient, f"{environment}, made {datetime.now(UTC):%Y-%m-%d}")
    kept = keys / f"{environment}-{recipient[-8:]}.agekey"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
    try:
        replace_all({tree / NAME: changed.text.encode()})
    except BaseException:
        kept.unlink()
        raise
    return kept, recipient


def _generated() -> str:
    done = subprocess.run([program("age-keygen")], capture_output=True, text=True, timeout=DEADLINE, check=False)
    if done.returncode or not PUBLIC_KEY.search(done.stdout):
        raise Refused(f"age-keygen made no key: {done.stderr.strip() or 'it names no public key'}. Install age anew.")
    return done.stdout


def _next_steps(environment: str, tree: Path, key: Path, recipient: str) -> str:
    return f"""{key} (readable by you alone)
{recipient}

Next, in this order:
  1. Keep a copy of the key where it cannot be lost: without it the secrets are.
  2. Give it to the cluster beside what it has, so that Flux can read before and after:
       kubectl --context {environment} -n flux-system patch secret sops-age --type merge --patch-file /dev/stdin <<END
       {{"stringData": {{"{key.name}": "$(grep ^AGE-SECRET-KEY {key})"}}}}
       END
     A new cluster: kubectl --context {environment} -n flux-system create secret generic sops-age --from-file={key}
  3. Encrypt for it: scripts/rotate-secrets --tree {tree} {environment}
  4. Commit, push, see that Flux is ready. Then take the older keys out: scripts/rotate-secrets --without-demo, or
     --without age1…, with --tree and {environment} as above
"""


if __name__ == "__main__":
    sys.exit(main())
