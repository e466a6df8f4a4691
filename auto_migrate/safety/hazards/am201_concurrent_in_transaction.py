"""AM201: what PostgreSQL carries out only outside of transactions stands in one."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, CreateIndex, DropIndex, LockTable, Reindex, RewriteTable
from auto_migrate.changes.verbs import Rewrite
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment

NOT_ATOMIC = """\
class Migration(migrations.Migration):
    atomic = False
    operations = [...]"""
ONE_BY_ONE = 'migrations.RunSQL(["…", "{statement}"])'


class ConcurrentInTransaction(Hazard):
    code = "AM201"
    slug = "concurrent-in-transaction"
    title = gettext_noop("A concurrent operation stands in a transaction")
    harm = Harm.FAILS
    on_new_tables = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        statement = alone(change)
        if not statement:
            return
        # Told of no table: PostgreSQL refuses it on an empty one too.
        if site.migration.migration.atomic:
            problem = _("PostgreSQL refuses {statement} in a transaction, and this migration is one: the deploy fails.")
            yield Found("", problem.format(statement=statement), NOT_ATOMIC)
        elif change.together:
            problem = _(
                "{statement} is sent in one text with other statements, and PostgreSQL makes a transaction of such a "
                "text, in which it refuses it: the deploy fails."
            )
            told = comment(_("Each statement in a text of its own:"))
            yield Found("", problem.format(statement=statement), told + ONE_BY_ONE.format(statement=statement))


def alone(change: Change) -> str:
    """Return the statement of a change that cannot be in a transaction, nothing for one that can."""
    if isinstance(change, RewriteTable):
        return f"VACUUM FULL {change.table}".strip() if change.command is Rewrite.VACUUM_FULL else ""
    if not getattr(change, "concurrently", False):
        return ""
    if isinstance(change, LockTable):
        return change.reason
    if isinstance(change, Reindex):
        return f"REINDEX CONCURRENTLY {change.table}".strip()
    verb = "CREATE" if isinstance(change, CreateIndex) else "DROP"
    return f"{verb} INDEX CONCURRENTLY {change.name}" if isinstance(change, CreateIndex | DropIndex) else ""
