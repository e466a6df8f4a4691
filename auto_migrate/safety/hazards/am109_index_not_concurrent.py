"""AM109: an index is built while all writes to its table wait."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.planning.changes import Change, CreateIndex
from auto_migrate.safety.code import model_name, written
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site

ADD_INDEX = """\
from django.contrib.postgres.operations import AddIndexConcurrently

class Migration(migrations.Migration):
    atomic = False
    operations = [
        AddIndexConcurrently("{model}", {index}),
    ]"""


class IndexNotConcurrent(Hazard):
    code = "AM109"
    slug = "index-not-concurrent"
    title = gettext_noop("An index is built while writes to its table wait")
    harm = Harm.BLOCKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, CreateIndex) or change.concurrently:
            return
        problem = _(
            "CREATE INDEX {name} reads all of {table} and lets nobody write to it meanwhile. Built concurrently, the "
            "index takes longer and holds nobody up."
        )
        yield Found(change.table, problem.format(name=change.name, table=change.table), self.instead(change))

    def instead(self, change: CreateIndex) -> str:
        """Give the operation that builds the same index concurrently."""
        if not change.model:
            unique = "UNIQUE " if change.unique else ""
            return f"CREATE {unique}INDEX CONCURRENTLY {change.name} ON {change.table} (…)  -- atomic = False"
        return ADD_INDEX.format(model=model_name(change.model), index=written(change.definition))
