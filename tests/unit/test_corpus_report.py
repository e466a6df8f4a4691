"""The tables of the corpus hide nothing, and are written in both languages whatever packages say."""

from __future__ import annotations

from benchmarks.portuguese import in_portuguese, unknown
from corpus.outcome import Outcome, State, Step
from corpus.report import report
from corpus.ways import FILLED, STOCK, STOCK_FILLED, WAYS

GOOD = Outcome("good", ["good==1", "beside==2"], State.IDENTICAL, migrations=1200, triggers=2)
BAD = Outcome("bad", ["bad==1"], State.DIFFERENT, {"`auto_migrate`": "schema: a | b"})
EMPTY = Outcome("empty", ["empty==1"], State.EMPTY, {STOCK_FILLED.name: "exit 1: a `b`\n and 1.5"})
GONE = Outcome("gone", ["gone==1"], State.NOT_INSTALLED, {Step.INSTALLATION: "no <wheel>"})


def test_what_differs_what_cannot_be_had_and_what_is_not_known_are_told() -> None:
    text = report([GOOD, BAD, EMPTY, GONE], ["later"], "18.0")
    assert "2 of 3 identical (1 on empty tables alone), 1,200 migrations in all" in text
    assert "| good==1, beside==2 | 1200 | 0 | 0 | 2 | identical |" in text
    assert text.index("| bad==1 |") < text.index("| good==1, beside==2 |")
    assert "| bad==1 | `auto_migrate` | `schema: a \\| b` |" in text
    assert "| empty==1 | `migrate`, on filled tables | `exit 1: a 'b' and 1.5` |" in text
    assert "| gone==1 | installation | `no <wheel>` |" in text
    assert text.endswith("Not examined with this code yet: later.")


def test_any_outcome_can_be_told_in_portuguese() -> None:
    names = [*Step, *(way.name for way in (*WAYS, FILLED, STOCK_FILLED))]
    said = dict.fromkeys(names, "Error: 1.5 of `x` | differ. Found in /tmp")
    outcomes = [Outcome("some", ["some[a,b]==1.2.post3"], state, said) for state in State]
    text = report(outcomes, ["later"], "18.0")
    assert list(unknown(text)) == []
    told = in_portuguese(text)
    assert told.count("Error: 1.5 of 'x' \\| differ.") == len(names) * (len(State) - 1)
    assert STOCK.name in told
    assert "idêntico com tabelas vazias" in told
