"""Runs the suites on the versions that users have, and writes the table of the documents.

python -m tools.matrix [LEG]…    runs the legs that did not pass with this code yet, or these

What comes out is kept in .matrix/outcomes.json after each leg: an interrupted run goes on where it was. What each leg's
tests printed is in .matrix/LEG.log.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tools.matrix.document import row_of, write
from tools.matrix.legs import LEGS, Leg, find
from tools.matrix.outcome import Outcome, Outcomes, State
from tools.matrix.programs import CACHE
from tools.matrix.trial import attempt, log_of

# Of the log of a leg that failed, what is shown.
LINES = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, tell and write; return 1 if a leg failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("legs", nargs="*", metavar="LEG", help=f"of: {', '.join(leg.name for leg in LEGS)}")
    parser.add_argument("--tests", nargs="+", default=[], metavar="PATH", help="instead of all that belongs to a leg")
    parser.add_argument("--workers", default="2", metavar="N", help="how many share the tests of a leg out (2)")
    options = parser.parse_args(arguments)
    try:
        named = list(map(find, options.legs))
    except LookupError as error:
        parser.error(str(error))
    outcomes = Outcomes(CACHE / "outcomes.json")
    found = []
    for leg in named or [leg for leg in LEGS if not outcomes.has_passed(leg)]:
        outcome = attempt(leg, options.tests or leg.suites, options.workers)
        print(line_of(leg, outcome), flush=True)  # noqa: T201 # for the person who waits
        if outcome.state is State.FAILED:
            print(*log_of(leg).read_text(errors="replace").splitlines()[-LINES:], sep="\n")  # noqa: T201
        found.append(outcome)
        outcomes.keep(leg, outcome)
        write({leg.name: row_of(leg, outcome)})
    return int(any(outcome.state is State.FAILED for outcome in found))


def line_of(leg: Leg, outcome: Outcome) -> str:
    """Return what is told of a leg while the others wait."""
    counts = f"{outcome.passed} passed, {outcome.skipped} skipped" if outcome.versions else ""
    said = "; ".join(filter(None, [counts, outcome.reason]))
    return f"{leg.name}: {outcome.state} ({said}) ({outcome.seconds:.0f} s)"


if __name__ == "__main__":
    sys.exit(main())
