"""AM406: a value of an enum type is renamed or goes, and the running release still writes it."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterEnum, Change
from auto_migrate.changes.sql.quoting import quoted_table
from auto_migrate.changes.verbs import EnumVerb
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.suggestions import comment, quoted

ADD_VALUE = """\
{comment}class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL({sql}, migrations.RunSQL.noop),
    ]"""


class EnumValueChanged(Hazard):
    code = "AM406"
    slug = "enum-value-changed"
    title = gettext_noop("A value of an enum type is renamed or removed")
    harm = Harm.BREAKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, AlterEnum) or change.verb is EnumVerb.ADD_VALUE:
            return
        problem = _("The running release writes '{value}' and asks for it; {name} knows it no longer, and both fail.")
        names = {"value": change.value, "name": change.table}
        told = comment(
            _(
                "Add the new value beside the old one, and leave the old one in the type when no code writes it any "
                "more."
            )
        )
        sql = quoted(f"ALTER TYPE {quoted_table(change.table)} ADD VALUE '…'")
        yield Found(change.table, problem.format(**names), ADD_VALUE.format(sql=sql, comment=told))
