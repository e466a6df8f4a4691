"""Migrates each package of the corpus from nothing, by stock `migrate` and by both commands of this app.

python -m corpus [--jobs N] [NAME]…    examines what is not known yet, or these, and writes the tables into
                                       docs/reliability.md and its Portuguese twin

What is found out is kept in .corpus/outcomes.json, and written, after each package: an interrupted run goes on where it
was, and a change of auto_migrate makes all of it unknown; what was different the last time then comes first, and what
takes long last. The document names what is not known.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from benchmarks.report import write_between
from corpus.catalogue import CORPUS, find
from corpus.examination import examine
from corpus.outcome import CACHE, Outcomes, State
from corpus.package import Package
from corpus.report import report, summary
from tests.servers import PostgreSQL


class Examiner:
    """Examines packages, each thread on a server of its own: databases go by fixed names."""

    def __init__(self, outcomes: Outcomes, wanted: Sequence[Package]) -> None:
        self.outcomes = outcomes
        self.waiting: Iterator[Package] = iter(wanted)
        self.guard = threading.Lock()
        self.is_stopped = False

    def work(self) -> None:
        """Examine one package after the other until none is left."""
        with PostgreSQL() as server:
            version = server.execute("SHOW server_version")[0][0]
            while package := self._next():
                outcome = examine(server, package)
                with self.guard:
                    if self.is_stopped:
                        # The signal that stops this run has stopped its commands, too.
                        break
                    self.outcomes.keep(package, outcome)
                    write(self.outcomes, version)
                print(f"{package.name}: {summary(outcome)} ({sum(outcome.took.values()):.0f} s)", flush=True)
            with self.guard:
                write(self.outcomes, version)

    def stop(self) -> None:
        """Begin with no other package, and keep nothing of those under way."""
        with self.guard:
            self.is_stopped = True

    def _next(self) -> Package | None:
        with self.guard:
            return None if self.is_stopped else next(self.waiting, None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine, print and write; return 1 if something is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, even if their outcome is known")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    options = parser.parse_args(arguments)
    try:
        named = list(map(find, options.names))
    except LookupError as error:
        parser.error(str(error))
    outcomes = Outcomes(CACHE / "outcomes.json")
    unknown = [package for package in CORPUS if not outcomes.of(package)]
    examiner = Examiner(outcomes, named or sorted(unknown, key=outcomes.urgency))
    with ThreadPoolExecutor(options.jobs) as pool:
        working = [pool.submit(examiner.work) for _ in range(options.jobs)]
        try:
            for work in as_completed(working):
                work.result()
        except BaseException:
            examiner.stop()
            raise
    known = map(outcomes.of, CORPUS)
    return int(any(outcome.state is State.DIFFERENT for outcome in known if outcome))


def write(outcomes: Outcomes, server_version: str) -> None:
    """Write what is known into the document and its twin."""
    known = {package.name: outcomes.of(package) for package in CORPUS}
    found = [outcome for outcome in known.values() if outcome]
    write_between("corpus", report(found, [name for name, outcome in known.items() if not outcome], server_version))


if __name__ == "__main__":
    sys.exit(main())
