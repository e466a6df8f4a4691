"""AM202: an index is dropped before the one that takes its place is there."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import Change, CreateIndex, DropIndex
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import Found, Harm, Hazard, ServerFacts, Site
from auto_migrate.safety.suggestions import model_name, written

REPLACE = """\
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently

class Migration(migrations.Migration):
    atomic = False
    operations = [
        AddIndexConcurrently("{model}", {index}),
        RemoveIndexConcurrently("{model}", "{old}"),{rename}
    ]"""
RENAME = """
        migrations.RenameIndex("{model}", new_name="{old}", old_name="{new}"),"""
REPLACE_SQL = """\
CREATE INDEX CONCURRENTLY {new} ON {table} (…);
DROP INDEX CONCURRENTLY {old};  -- {told}"""


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
    name = f"{new.name[:26]}_new" if new.name == old.name else new.name
    if not new.model or new.definition is None:
        return REPLACE_SQL.format(
            new=name, table=new.table, old=old.name, told=_("each in a text of its own, atomic = False")
        )
    index, model = new.definition.clone(), model_name(new.model)
    index.name = name
    rename = RENAME.format(model=model, old=old.name, new=name) if name != new.name else ""
    return REPLACE.format(model=model, index=written(index), old=old.name, rename=rename)
