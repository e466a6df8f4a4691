"""Runs the benchmarks that write the documents, or only those that are named.

python -m benchmarks [NAME]…
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from importlib.util import find_spec

NAMES = (
    "noop",
    "readiness",
    "tenants",
    "apply",
    "assess",
    "statements",
    "estimates",
    "lock_stall",
    "kill_sweep",
    "refused",
    "online",
    "mariadb",
    "mariadb_estimates",
    "backfills",
    "forecast",
    "viewers",
    "webhooks",
    "panel",
)


def main() -> None:
    """Run one after the other, each in a process of its own; end with the code of the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    there = [name for name in NAMES if find_spec(f"benchmarks.{name}")]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(there)}")
    names = parser.parse_args().names or there
    if unknown := set(names) - set(there):
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(there)}.")
    for name in names:
        print(f"→ {name}", flush=True)
        if code := subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]):
            sys.exit(code)


if __name__ == "__main__":
    main()
