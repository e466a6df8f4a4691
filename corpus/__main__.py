"""Migrates each package of the corpus from nothing, by stock `migrate` and by both commands of this app.

python -m corpus [NAME]…    examines what is not known yet, or these, and writes the table into docs/reliability.md

What is found out is kept in .corpus/outcomes.json after each package: an interrupted run goes on where it was, and a
change of auto_migrate makes all of it unknown. The document names what is not known.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from benchmarks.report import write_between
from corpus.catalogue import CORPUS, find
from corpus.examination import examine
from corpus.outcome import CACHE, Outcomes, State
from corpus.report import report, summary
from tests.servers import PostgreSQL


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine, print and write; return 1 if something is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, even if their outcome is known")
    names = parser.parse_args(arguments).names
    try:
        named = list(map(find, names))
    except LookupError as error:
        parser.error(str(error))
    outcomes = Outcomes(CACHE / "outcomes.json")
    wanted = named or [package for package in CORPUS if not outcomes.of(package)]
    with PostgreSQL() as server:
        for package in wanted:
            began = time.monotonic()
            outcome = examine(server, package)
            outcomes.keep(package, outcome)
            print(f"{package.name}: {summary(outcome)} ({time.monotonic() - began:.0f} s)", flush=True)
        version = server.execute("SHOW server_version")[0][0]
    found = [outcome for package in CORPUS if (outcome := outcomes.of(package))]
    write_between("corpus", report(found, [package.name for package in CORPUS if not outcomes.of(package)], version))
    return int(any(outcome.state is State.DIFFERENT for outcome in found))


if __name__ == "__main__":
    sys.exit(main())
