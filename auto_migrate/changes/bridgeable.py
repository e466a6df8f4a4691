"""What the database can do for the release that is still running, told from the change that would break it.

The same rules hold for a plan that is judged and for one that is carried out, so that a finding is called bridged
exactly if the bridge is raised.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.changes.change import AddColumn, Change, DropColumn, DropDefault, DropTable, SetNotNull
from auto_migrate.changes.columns import has_database_default
from auto_migrate.changes.sql.quoting import djangos_name, parts_of
from auto_migrate.conf import get_settings
from auto_migrate.values import BRIDGED_VENDORS, BridgeKind

# What the names of triggers that are bridges begin with.
FILL_TRIGGER = "auto_migrate_fill_"
# Functions that Python asks for a value of its own for each row, and what the database has in their place.
NOW = frozenset({timezone.now, datetime.datetime.now, datetime.date.today})
CLOCKS = {"DateTimeField": "CURRENT_TIMESTAMP", "DateField": "CURRENT_DATE", "TimeField": "LOCALTIME"}


@dataclasses.dataclass(frozen=True)
class Bridgeable:
    """A bridge that a change would be given; its table is named as Django does.

    `definition` is the Django field of a column that is to go, where Django's own operation drops it.
    """

    kind: BridgeKind
    table: str
    column: str
    definition: Any = dataclasses.field(default=None, compare=False, repr=False)


def bridges_of(change: Change, vendor: str, *, late: bool) -> Iterator[Bridgeable]:
    """Return the bridges for a change to a table that was there before the plan.

    `late` tells that it waits until the old code is gone: then it is the new code that has to live with what is there.
    """
    if get_settings().BRIDGES and vendor in BRIDGED_VENDORS:
        yield from _for_new_code(change) if late else _for_old_code(change, vendor)


def _for_old_code(change: Change, vendor: str) -> Iterator[Bridgeable]:
    if isinstance(change, AddColumn | DropDefault) and not obstacle(change, vendor):
        yield Bridgeable(BridgeKind.DEFAULT, change.table, change.column)
    elif isinstance(change, SetNotNull) and not obstacle(change, vendor):
        yield Bridgeable(BridgeKind.FILL, change.table, change.column)


def _for_new_code(change: Change) -> Iterator[Bridgeable]:
    if isinstance(change, DropColumn):
        field, (table, column) = change.definition, present_names(change)
        if change.references:
            yield Bridgeable(BridgeKind.FOREIGN_KEY, table, column)
        if change.required and not change.held and not is_filled(field):
            yield Bridgeable(BridgeKind.NOT_NULL, table, column, field)
    elif isinstance(change, DropTable) and change.own_references:
        yield Bridgeable(BridgeKind.FOREIGN_KEY, present_names(change)[0], "")


def is_filled(field: Any) -> bool:
    """Return whether NULL is none of what a column gets where a writer leaves it out."""
    return field is not None and bool(field.primary_key or field.has_db_default())


def present_names(change: DropColumn | DropTable) -> tuple[str, str]:
    """Return the names that a table and its column have now, the table's as Django writes it."""
    if isinstance(change, DropColumn):
        table, column = change.present if any(change.present) else (change.table, change.column)
    else:
        table, column = change.present or change.table, ""
    return table if change.definition is not None else djangos_name(parts_of(table)), column


def obstacle(change: AddColumn | SetNotNull | DropDefault, vendor: str) -> str:
    """Say why no bridge can serve the writers of a column that nothing fills, nothing where one can."""
    if not get_settings().BRIDGES:
        return _("bridges are switched off")
    # Where each statement commits, only what Django's own statement can do leaves no moment in between.
    if vendor not in BRIDGED_VENDORS or (vendor != "postgresql" and not isinstance(change, AddColumn)):
        return _("this database can be given none")
    if change.obstacle is None:
        return _("only what Django's own operations do is bridged")
    return _(change.obstacle) if change.obstacle else ""


def obstacle_of_default(field: Any, editor: Any) -> str:
    """Say why the default of a new column cannot stay in the database; asked while its operation is at work.

    A default that only fills old rows is on the field for that long.
    """
    if field.null or field.primary_key or has_database_default(field, editor) or field.has_db_default():
        return gettext_noop("there is nothing to bridge")
    if editor.skip_default(field):
        return gettext_noop("the database takes no default for its type")
    return obstacle_of_value(field, editor)


def obstacle_of_fill(field: Any, editor: Any) -> str:
    """Say why nothing can be put where NULL is written into a column that takes none any more."""
    if field.primary_key or field.generated:
        return gettext_noop("there is nothing to bridge")
    return "" if field.has_db_default() else obstacle_of_value(field, editor)


def obstacle_of_tightening(field: Any, editor: Any, *, is_filled: bool) -> str:
    """Say the same of a column that SQL lets take NULL no more; `field` is None where no model has it.

    `is_filled` tells that the database has a default for it, which serves where the field has none.
    """
    obstacle = gettext_noop("there is no default") if field is None else obstacle_of_fill(field, editor)
    is_own = field is not None and (field.primary_key or field.generated or field.unique)
    return "" if is_filled and not is_own else obstacle


def obstacle_of_drop(field: Any) -> str:
    """Say why the database cannot go on filling a column of which that was the default."""
    return "" if field.has_db_default() else gettext_noop("there is no default")


def obstacle_of_value(field: Any, editor: Any) -> str:
    """Say why the database cannot know a value for rows of code that gives none."""
    if computed_in_python(field):
        return gettext_noop("its value is computed in Python for each row")
    if not field.has_default() and editor._effective_default(field) is None:
        return gettext_noop("there is no default")
    if field.unique and not expression(field, editor.connection.vendor):
        return gettext_noop("it is unique, and a default is the same for all rows")
    return ""


def computed_in_python(field: Any) -> bool:
    """Return whether nobody but the project's own field knows what a row gets."""
    written_by = getattr(type(field).pre_save, "__module__", "")
    return not written_by.startswith("django.") and not field.has_default()


def expression(field: Any, vendor: str) -> str:
    """Return SQL that gives each row a value of its own, where Python's default does and the database can as well."""
    if vendor != "postgresql":
        return ""
    kind, default = field.get_internal_type(), field.default if field.has_default() else None
    if kind == "UUIDField" and default is uuid.uuid4:
        return "gen_random_uuid()"
    automatic = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    is_clock = automatic or any(default == function for function in NOW)
    return CLOCKS.get(kind, "") if is_clock else ""
