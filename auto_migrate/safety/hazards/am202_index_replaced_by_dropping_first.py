"""AM202: an index is dropped before the one that takes its place is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, CreateIndex, DropIndex
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.sql.quoting import quoted_name
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import Found, Harm, Hazard, ServerFacts, Site
from auto_migrate.safety.suggestions import beside, concurrently, fitting, model_name, quoted, written

REPLACE = """\
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently

class Migration(migrations.Migration):
    atomic = False
    operations = [
        AddIndexConcurrently("{model}", {index}),
        RemoveIndexConcurrently("{model}", {old}),{rename}
    ]"""
RENAME = """
        migrations.RenameIndex("{model}", new_name={old}, old_name={new}),"""
REPLACE_SQL = """\
{built};
DROP INDEX CONCURRENTLY {old};  -- {told}{rename}"""


class IndexReplacedByDroppingFirst(Hazard):
    code = "AM202"
    slug = "index-replaced-by-dropping-first"
    title = gettext_noop("An index is dropped before the one that replaces it is built")
    harm = Harm.RISKS

    def look(self, migration: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> Iterator[Found]:
        """Return the indexes that are built after one for the same queries was dropped."""
        dropped: list[tuple[int, DropIndex]] = []
        for operation, change in migration.changes():
            if isinstance(change, DropIndex):
                dropped.append((operation.index, change))
            elif isinstance(change, CreateIndex) and change.table not in new.tables:
                for place, old in dropped:
                    # What Django itself does within one operation cannot be told to happen the other way round.
                    if replaces(change, old) and (place != operation.index or change.definition is None):
                        yield Found(change.table, problem(change, old), instead(change, old), operation.index)
                        break

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        """Find nothing in a single change."""
        return iter(())


def replaces(new: CreateIndex, old: DropIndex) -> bool:
    """Return whether an index serves queries that the other one served."""
    if new.name == old.name:
        return True
    shorter = min(len(new.columns), len(old.columns))
    return new.table == old.table and shorter > 0 and new.columns[:shorter] == old.columns[:shorter]


def problem(new: CreateIndex, old: DropIndex) -> str:
    """Say what happens in between."""
    return _(
        "Queries on {table} that need {old} read the whole table from when it is dropped until {new} is built, and for "
        "good if that fails."
    ).format(table=new.table, old=old.name, new=new.name)


def instead(new: CreateIndex, old: DropIndex) -> str:
    """Build the new index under another name, then drop the old one."""
    name = fitting(new.name[:26], "new") if new.name == old.name else new.name
    if not new.model or new.definition is None:
        return REPLACE_SQL.format(
            built=built(new, name),
            old=beside(new.table, old.name),
            told=_("each in a text of its own, atomic = False"),
            rename="" if name == new.name else renamed(new, name),
        )
    index, model = new.definition.clone(), model_name(new.model)
    index.name = name
    rename = RENAME.format(model=model, old=quoted(old.name), new=quoted(name)) if name != new.name else ""
    return REPLACE.format(model=model, index=written(index), old=quoted(old.name), rename=rename)


def renamed(new: CreateIndex, name: str) -> str:
    """Write what gives the new index the name of the old one."""
    return f"\nALTER INDEX {beside(new.table, name)} RENAME TO {quoted_name(new.name)};"


def built(new: CreateIndex, name: str) -> str:
    """Write the statement that builds the new index concurrently under a name."""
    written_name = rf'("?){re.escape(quoted_name(new.name).strip(chr(34)))}\1(?=\s+ON\b)'
    return re.sub(written_name, lambda _found: quoted_name(name), concurrently(new.sql), count=1, flags=re.IGNORECASE)
