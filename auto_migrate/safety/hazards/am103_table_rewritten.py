"""AM103: a command writes a table anew."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import Change, RewriteTable
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

# What has a counterpart that holds nobody up. The rest takes a table that is made beside it, as pg_repack does.
INSTEAD = {"REFRESH MATERIALIZED VIEW": "REFRESH MATERIALIZED VIEW CONCURRENTLY {table}  -- needs a unique index"}
VACUUM = "VACUUM (ANALYZE) {table}  -- frees the space for new rows; atomic = False"
REPACK = "pg_repack --table {table}  -- writes it anew while it is in use, outside of migrations"


class TableRewritten(Hazard):
    code = "AM103"
    slug = "table-rewritten"
    title = gettext_noop("A command writes a whole table anew")
    harm = Harm.BLOCKS

    def found(self, change: Change, _site: Site) -> Iterator[Found]:
        if not isinstance(change, RewriteTable):
            return
        problem = _(
            "{command} copies {table}, row by row and with all its indexes, and nobody reads or writes it then."
        )
        text = problem.format(command=change.command, table=change.table or _("every table"))
        yield Found(change.table, text, self.instead(change))

    def instead(self, change: RewriteTable) -> str:
        """Give the command that holds nobody up, as far as there is one."""
        if not change.table:
            return ""
        other = VACUUM if change.command == "VACUUM FULL" else REPACK
        return INSTEAD.get(change.command, other).format(table=change.table)
