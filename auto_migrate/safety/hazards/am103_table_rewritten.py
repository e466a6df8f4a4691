"""AM103: a command writes a table anew."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, RewriteTable
from auto_migrate.changes.sql.quoting import quoted_table
from auto_migrate.changes.verbs import Rewrite
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

# What has a counterpart that holds nobody up. The rest takes a table that is made beside it, as pg_repack does.
INSTEAD = {
    Rewrite.REFRESH: (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY {table}",
        gettext_noop("needs a unique index"),
    ),
    Rewrite.VACUUM_FULL: ("VACUUM (ANALYZE) {table}", gettext_noop("frees the space for new rows; atomic = False")),
}
REPACK = (
    "pg_repack --table {table}",
    gettext_noop("writes it anew while it is in use, outside of migrations"),
)


class TableRewritten(Hazard):
    code = "AM103"
    slug = "table-rewritten"
    title = gettext_noop("A command writes a whole table anew")
    harm = Harm.BLOCKS

    def found(self, change: Change, _site: Site) -> Iterator[Found]:
        if not isinstance(change, RewriteTable) or change.command is None:
            return
        problem = _(
            "{command} copies {table}, row by row and with all its indexes, and nobody reads or writes it then."
        )
        text = problem.format(command=change.command, table=change.table or _("every table"))
        yield Found(change.table, text, self.instead(change))

    def instead(self, change: RewriteTable) -> str:
        """Return the command that holds nobody up, as far as there is one."""
        if not change.table or change.command is None:
            return ""
        command, told = INSTEAD.get(change.command, REPACK)
        return f"{command.format(table=quoted_table(change.table))}  -- {_(told)}"
