"""AM204: a migration ends the transaction that it shares with its record."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, EndTransaction, OpaqueChange
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

NOT_ATOMIC = """\
class Migration(migrations.Migration):
    atomic = False
    operations = [...]"""
# END and ABORT are other words for COMMIT and ROLLBACK; ROLLBACK TO stays within the transaction.
ENDS = re.compile(
    r"\s*(COMMIT|END|ROLLBACK|ABORT|PREPARE\s+TRANSACTION)\b(?!\s+((WORK|TRANSACTION)\s+)?(TO|PREPARED)\b)",
    re.IGNORECASE,
)


class EndsItsTransaction(Hazard):
    code = "AM204"
    slug = "transaction-ended"
    title = gettext_noop("A migration ends its own transaction")
    harm = Harm.FAILS
    vendors = frozenset({"postgresql", "sqlite"})
    on_new_tables = True

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not site.migration.migration.atomic:
            return
        if isinstance(change, EndTransaction) and change.in_block:
            problem = _("PostgreSQL refuses {statement} in a block within a transaction, and this migration is one.")
            yield Found("", problem.format(statement=change.statement), NOT_ATOMIC)
            return
        for statement in dict.fromkeys(ends(change)):
            problem = _(
                "{statement} ends the transaction that the migration shares with its record: what came before it may "
                "stay although the migration fails, and may be gone although nothing failed. The run stops there."
            )
            yield Found("", problem.format(statement=statement), NOT_ATOMIC)


def ends(change: Change) -> Iterator[str]:
    """Return the statements of a change that end the transaction in which they stand."""
    match change:
        case EndTransaction():
            yield change.statement
        case OpaqueChange() if found := ENDS.match(change.text):
            yield found[1].upper()
