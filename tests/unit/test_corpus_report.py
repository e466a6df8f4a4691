"""The table of the corpus hides nothing."""

from __future__ import annotations

from corpus.outcome import Outcome, State
from corpus.report import report

GOOD = Outcome("good", ["good==1", "beside==2"], State.IDENTICAL, migrations=1200, triggers=2)
BAD = Outcome("bad", ["bad==1"], State.DIFFERENT, wrong={"`auto_migrate`": "schema: a | b"})
GONE = Outcome("gone", ["gone==1"], State.NOT_INSTALLED, "no <wheel>")


def test_what_differs_what_cannot_be_had_and_what_is_not_known_are_told() -> None:
    text = report([GOOD, BAD, GONE], ["later"], "18.0")
    assert "1 of 2 identical, 1,200 migrations in all" in text
    assert "| good==1, beside==2 | 1200 | 0 | 0 | 2 | identical |" in text
    assert text.index("| bad==1 |") < text.index("| good==1, beside==2 |")
    assert "different, `auto_migrate`: schema: a \\| b |" in text
    assert "| gone==1 | not installed, no &lt;wheel> |" in text
    assert text.endswith("Not examined with this code yet: later.")
