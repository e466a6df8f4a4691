"""The table of docs/compatibility.md and of its Portuguese twin: what was run, when, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import ROOT, table, write_between
from tools.matrix.legs import LEGS, Leg
from tools.matrix.outcome import Outcome, State

DOCUMENT = ROOT / "docs" / "compatibility.md"
HEADS = ("leg", "Django", "Python", "database", "driver", "SQLite", "tests", "passed", "skipped", "day", "outcome")
HEADS_OF_TWIN = (
    "perna", "Django", "Python", "banco", "driver", "SQLite", "testes", "passaram", "pulados", "dia", "resultado",
)  # fmt: skip
OUTCOME_OF_TWIN = {"passed": "passou", "failed": "falhou", "not to be had": "não se encontra"}
TAKEN = {"pool": "with a pool", "server_side_binding": "binding in the server"}
LONGEST = 200


def row_of(leg: Leg, outcome: Outcome) -> list[str]:
    """Return the row of a leg, with the versions that really ran."""
    versions = outcome.versions
    driver = " ".join(filter(None, [driver_of(leg), versions.get("driver", "")]))
    return [
        leg.name,
        versions.get("Django", leg.django),
        versions.get("Python", leg.python),
        f"{leg.server.partition(' ')[0]} {versions.get('server', leg.server.partition(' ')[2])}",
        ", ".join(filter(None, [driver, TAKEN.get(leg.driver, "")])),
        versions.get("SQLite", ""),
        suites_of(outcome),
        str(outcome.passed),
        str(outcome.skipped),
        outcome.day,
        cell(str(outcome.state) if outcome.state is State.PASSED else f"{outcome.state}: {outcome.reason}"),
    ]


def driver_of(leg: Leg) -> str:
    """Return the name of the driver."""
    if not leg.server.startswith("PostgreSQL"):
        return "mysqlclient"
    return "psycopg2" if leg.driver == "psycopg2" else "psycopg"


def suites_of(outcome: Outcome) -> str:
    """Return what was run, in few words."""
    names = [Path(suite).stem.removeprefix("test_") for suite in outcome.suites]
    return ", ".join(dict.fromkeys(names))


def cell(text: str) -> str:
    """Return a text that fits into a cell of a table."""
    text = text.replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def write(rows: Mapping[str, list[str]], document: Path = DOCUMENT) -> None:
    """Replace the rows of some legs; those of others stay as they were run, and a leg that is no more goes."""
    known = {**read(document), **rows}
    left = [known[leg.name] for leg in LEGS if leg.name in known]
    twin = table(HEADS_OF_TWIN, [[*row[:-1], translated(row[-1])] for row in left])
    write_between("matrix", table(HEADS, left), document, twin=twin)


def translated(outcome: str) -> str:
    """Return an outcome as the twin says it; the names of tests stay."""
    state, colon, reason = outcome.partition(": ")
    return f"{OUTCOME_OF_TWIN.get(state, state)}{colon}{reason}"


def read(document: Path) -> dict[str, list[str]]:
    """Return the rows that stand there, by the names of their legs."""
    inner = document.read_text().partition("<!-- matrix -->")[2].partition("<!-- /matrix -->")[0]
    lines = [line.strip("| ").split(" | ") for line in inner.splitlines() if line.startswith("| ")]
    return {line[0]: line for line in lines if line[0] not in {HEADS[0], "---"}}
