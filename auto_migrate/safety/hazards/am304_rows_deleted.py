"""AM304: SQL deletes rows of a table, and does not say which by their keys."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import Change, WriteRows
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, Site

BATCHES = """\
from auto_migrate import repeatable

def delete_in_batches(apps, schema_editor):
    {name} = apps.get_model("{app_label}", "{name}")
    rows = {name}.objects.using(schema_editor.connection.alias)
    while keys := list(rows.filter(...).values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).delete()

class Migration(migrations.Migration):
    atomic = False
    operations = [repeatable(migrations.RunPython(delete_in_batches, migrations.RunPython.noop))]"""


class RowsDeleted(Hazard):
    code = "AM304"
    slug = "rows-deleted"
    title = gettext_noop("SQL deletes rows without naming them")
    harm = Harm.LOSES_DATA
    vendors = EVERYWHERE

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, WriteRows) or change.verb not in {"DELETE", "TRUNCATE"} or change.bounded:
            return
        problem = _(
            "{verb} takes rows of {table} away for good, however many there are by then, in one transaction; no "
            "signal is sent and nothing that Django would delete with them is looked at."
        )
        yield Found(change.table, problem.format(verb=change.verb, table=change.table), instead(change))


def instead(change: WriteRows) -> str:
    """Give a deletion in batches, where the model is known."""
    if not change.model:
        return ""
    app_label, _dot, name = change.model.partition(".")
    return BATCHES.format(app_label=app_label, name=name)
