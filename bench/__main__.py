"""`make bench`: every figure that is promised, one bench after the other, each beside its target."""

import subprocess
import sys

BENCHES = ("bench.footprint", "bench.promotion", "bench.rollback", "bench.ack")


def main() -> int:
    """Run all; the exit status tells that one could not be run, never that a figure was missed."""
    failed = 0
    for name in BENCHES:
        print(f"\n== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", name], check=False).returncode
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
