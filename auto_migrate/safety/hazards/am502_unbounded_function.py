"""AM502: a function goes through all rows of a table in one go."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, RunFunction
from auto_migrate.changes.python.row_access import Pass, RowAccess
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import batches


class UnboundedFunction(Hazard):
    code = "AM502"
    slug = "unbounded-function"
    title = gettext_noop("A function writes all rows of a table in one go")
    harm = Harm.RISKS
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, RunFunction):
            return
        atomic = bool(site.migration.migration.atomic or getattr(site.operation.operation, "atomic", False))
        for one in change.passes:
            problem = problem_of(one.way, in_transaction=atomic or one.atomic)
            table = change.tables.get(one.model.lower(), "")
            if problem and not site.is_new(table):
                names = {"function": change.function, "rows": table or one.model or _("a table")}
                yield Found(table, problem.format(**names), instead(change, one))
                return


def problem_of(way: RowAccess, *, in_transaction: bool) -> str:
    """Say what is wrong with a way through rows, nothing if it is the right one."""
    match way, in_transaction:
        case RowAccess.ONE_STATEMENT, _atomic:
            return _(
                "{function} writes all rows of {rows} that its condition finds in one statement: whoever writes one of "
                "them waits until the last is written, and a statement that is cut has done nothing."
            )
        case RowAccess.LOOP, True:
            return _(
                "{function} goes through all rows of {rows} in one transaction: whoever writes one that it has written "
                "waits for the end, vacuum cleans nothing meanwhile, and a run that is cut has done nothing."
            )
        case RowAccess.BATCHES, True:
            return _(
                "{function} writes {rows} in batches, but all of them in one transaction: whoever writes one of the "
                "rows waits for the last batch, and a run that is cut has done nothing."
            )
    return ""


def instead(change: RunFunction, one: Pass) -> str:
    """Return the function in batches, each of which is kept."""
    function = change.function if change.function.isidentifier() else "fill_in_batches"
    return batches(one.model, "...", "update(...)", function)
