"""Which statements of the running release a change would break, and whether it can be told that none does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.changes import change as changes
from auto_migrate.changes.change import Change
from auto_migrate.numerals import numeral
from auto_migrate.redaction import printable
from auto_migrate.workload.statement import RecordedStatement, Workload
from auto_migrate.workload.usage import Columns, Usage, bare, usage_of

SHOWN = 110

Test = Callable[[RecordedStatement, Usage], str]
"""Says what a statement does with what a change is about (`reads this column`), nothing if that is nothing."""


@dataclasses.dataclass(frozen=True)
class AffectedStatement:
    """A statement that a change is about, what it does, and whether it is sure to be hurt by that."""

    statement: RecordedStatement
    deed: str
    certain: bool

    def __str__(self) -> str:
        """Say it: `SELECT … reads this column: 1,204 calls, role web`."""
        text = f"{elided(self.statement.text)} {self.deed}"
        told = [part for part in (calls(self.statement), roles(self.statement)) if part]
        return f"{text}: {', '.join(told)}" if told else text


@dataclasses.dataclass(frozen=True)
class Impact:
    """What the statements of a workload say of one change, those that are sent most first.

    `doubts` are the reasons for which nobody can say, where nothing was seen, that nothing is affected.
    """

    affected: tuple[AffectedStatement, ...]
    source: str
    doubts: tuple[str, ...]

    @property
    def clears(self) -> bool:
        """Return whether it is proven, as far as statements prove anything, that none is affected."""
        return not self.affected and not self.doubts


@dataclasses.dataclass
class WorkloadImpact:
    """Asks a workload about changes.

    `columns` tells those of a table as the running release has it, `mentions` the views and functions of the database
    that speak of a table's column (or of the table, where it is empty): nobody sees what happens in them. `relatives`
    are the tables that share its columns, as partitions do.
    """

    workload: Workload
    columns: Columns = lambda _table: None
    mentions: Callable[[str, str], tuple[str, ...]] = lambda _table, _column: ()
    relatives: Callable[[str], tuple[str, ...]] = lambda _table: ()

    def __post_init__(self) -> None:
        self._usages: dict[str, Usage] = {}

    def usage(self, statement: RecordedStatement) -> Usage:
        """Return what a statement uses."""
        if statement.text not in self._usages:
            self._usages[statement.text] = usage_of(statement, self.columns)
        return self._usages[statement.text]

    def impact_of(self, change: Change, table: str = "", column: str = "") -> Impact | None:
        """Return what the workload says of a change, None of one that no statement could tell anything of.

        `table` and `column` are the names that the running release knows, where the plan has changed them before.
        """
        table = table or change.table
        column = column or getattr(change, "column", "")
        question = QUESTIONS.get(type(change))
        if question is None or not table:
            return None
        relatives = self.relatives(table)
        tests = [question(change, one, column) for one in (table, *relatives)]
        around = self.mentions(table, column)
        about = self.workload.mentioning({bare(name).rpartition(".")[2] for name in (table, *around, *relatives)})
        found = [
            AffectedStatement(statement, deed, certain=not usage.guessed and not isinstance(change, DEPENDING))
            for statement in about
            if (deed := done(tests, statement, usage := self.usage(statement)) or self._through(usage, table, column))
        ]
        found.sort(key=lambda each: -(each.statement.calls or 0))
        doubts = list(self.workload.gaps)
        if around:
            doubts.append(_("{names} speak of it, and what they do is not seen").format(names=", ".join(around)))
        if unread := sum(self.usage(one).guessed and self.usage(one).touches(table) for one in about):
            doubts.append(_("statements on it that the parser does not read: {count}").format(count=unread))
        return Impact(tuple(found), self.workload.source, tuple(doubts))

    def _through(self, usage: Usage, table: str, column: str) -> str:
        """Say through which view a statement uses a column."""
        found = [name for name in self.mentions(table, column) if usage.touches(name)]
        return _("uses it through {name}").format(name=found[0]) if found else ""


def done(tests: Iterable[Test], statement: RecordedStatement, usage: Usage) -> str:
    """Return the first thing that a statement is found to do."""
    return next(filter(None, (test(statement, usage) for test in tests)), "")


def uses_column(_change: Change, table: str, column: str) -> Test:
    def test(_statement: RecordedStatement, usage: Usage) -> str:
        if usage.reads_column(table, column):
            return _("may use this column") if usage.guessed else _("reads this column")
        return _("writes this column") if usage.writes_column(table, column) else ""

    return test


def uses_table(_change: Change, table: str, _column: str) -> Test:
    return lambda _statement, usage: _("uses this table") if usage.touches(table) else ""


def leaves_out_column(_change: Change, table: str, column: str) -> Test:
    return lambda _statement, usage: _("leaves this column out") if usage.leaves_out(table, column) else ""


def writes_null(change: Change, table: str, column: str) -> Test:
    filled = getattr(change, "keeps_default", False)

    def test(statement: RecordedStatement, usage: Usage) -> str:
        if not filled and usage.leaves_out(table, column):
            return _("leaves this column out")
        if not usage.writes_column(table, column):
            return ""
        null = usage.writes_null(table, column, statement.nulls)
        return {True: _("writes NULL to this column"), None: _("writes this column"), False: ""}[null]

    return test


def writes_columns(change: Change, table: str, _column: str) -> Test:
    columns = getattr(change, "columns", ()) or ("*",)

    def test(_statement: RecordedStatement, usage: Usage) -> str:
        written = any(usage.writes_column(table, column) for column in columns)
        # Of a constraint on an expression, nobody knows the columns.
        anything = columns == ("*",) and usage.writes and usage.touches(table)
        return _("writes what it holds to account") if written or anything else ""

    return test


QUESTIONS: Mapping[type[Change], Callable[..., Test]] = {
    changes.DropColumn: uses_column,
    changes.RenameColumn: uses_column,
    changes.AlterType: uses_column,
    changes.DropTable: uses_table,
    changes.RenameTable: uses_table,
    changes.AddColumn: leaves_out_column,
    changes.DropDefault: leaves_out_column,
    changes.SetNotNull: writes_null,
    changes.AddConstraint: writes_columns,
    changes.CreateIndex: writes_columns,
}


# What a statement writes may be all right by them.
DEPENDING = (changes.AddConstraint, changes.CreateIndex)


def elided(text: str, width: int = SHOWN) -> str:
    """Return a statement on one short line: how it begins, and how it ends."""
    line = printable(" ".join(text.split()), lines=False)
    if len(line) <= width:
        return line
    tail = width // 3
    return f"{line[: width - tail - 3].rstrip()} … {line[-tail:].lstrip()}"


def calls(statement: RecordedStatement) -> str:
    """Say how often a statement was sent, nothing if nobody counted."""
    if statement.calls is None:
        return ""
    return ngettext("{count} call", "{count} calls", statement.calls).format(count=numeral(statement.calls))


def roles(statement: RecordedStatement) -> str:
    """Say by whom a statement was sent."""
    if not statement.roles:
        return ""
    text = ngettext("role {names}", "roles {names}", len(statement.roles))
    return text.format(names=", ".join(printable(role, lines=False) for role in statement.roles))


def told(affected: Iterable[AffectedStatement], most: int = 3) -> Iterator[str]:
    """Say the first affected in a sentence each, and how many more there are."""
    every = list(affected)
    yield from (f"{each}." for each in every[:most])
    if rest := len(every) - most if len(every) > most else 0:
        text = ngettext("{count} more statement does so.", "{count} more statements do so.", rest)
        yield text.format(count=rest)
