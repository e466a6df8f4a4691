"""AM408: a column becomes one of another kind, with which the running release's queries do not go together."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AlterType, Change
from auto_migrate.changes.types import read_type
from auto_migrate.safety.hazard import Found, Harm, Hazard, Site
from auto_migrate.safety.hazards.am303_type_narrowed import narrows
from auto_migrate.safety.suggestions import comment, fitting, model_name, without, written

# Types that PostgreSQL compares with one another, so that a query goes on whichever of them the column has.
KINDS = (
    frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"}),
    frozenset({"varchar", "text", "citext", "character"}),
    frozenset({"date", "timestamp", "timestamptz"}),
    frozenset({"time", "timetz"}),
    frozenset({"cidr", "inet"}),
    frozenset({"bit", "varbit"}),
    frozenset({"json", "jsonb"}),
    frozenset({"boolean"}),
    frozenset({"bytea"}),
    frozenset({"interval"}),
    frozenset({"uuid"}),
)

BESIDE = """\
{comment}operations = [
    migrations.AddField("{model}", "{field}", {definition}),
]"""


class TypeOfAnotherKind(Hazard):
    code = "AM408"
    slug = "type-of-another-kind"
    title = gettext_noop("A column becomes one of another kind than the running release expects")
    harm = Harm.BREAKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if not isinstance(change, AlterType) or not is_of_another_kind(change):
            return
        if site.is_new_column(change.table, change.column):
            return
        problem = _(
            "The running release takes {table}.{column} for {old} and compares it with such values, which PostgreSQL "
            "does not do with {new}; what it reads is not what it expects either."
        )
        names = {"table": change.table, "column": change.column, "old": change.old, "new": change.new}
        yield Found(change.table, problem.format(**names), instead(change))


def is_of_another_kind(change: AlterType) -> bool:
    """Return whether the new type does not go together with the old one, apart from losses, of which AM303 tells."""
    old, new = (kind_of(read_type(name).name) for name in (change.old, change.new))
    # Of a type of the project's own, such as an enum, nothing is known.
    return bool(old and new and old != new) and not narrows(change.old, change.new)


def kind_of(name: str) -> frozenset[str]:
    """Return the types that a type goes together with, none if it is not known."""
    return next((kind for kind in KINDS if name in kind), frozenset())


def instead(change: AlterType) -> str:
    """Return a field of the new type beside the old one."""
    if change.definition is None or change.definition.primary_key or change.definition.remote_field:
        return ""
    nullable = without(change.definition, "db_column", "null", "unique", "db_index")
    nullable.null = True
    definition = written(nullable)
    told = comment(
        _(
            "A new field beside the old one: write both, copy in batches when the code that writes the old one alone "
            "is gone, read the new one with the next release, and drop the old one (AM301)."
        )
    )
    return BESIDE.format(
        comment=told, model=model_name(change.model), field=fitting(change.field, "new"), definition=definition
    )
