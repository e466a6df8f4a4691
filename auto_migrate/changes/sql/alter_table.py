"""`ALTER TABLE`, command by command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import (
    AlterType,
    Change,
    DropColumn,
    DropDefault,
    DropNotNull,
    LockTable,
    OpaqueChange,
    RewriteTable,
    SetDefault,
    ValidateConstraint,
)
from auto_migrate.changes.object_change import CreateObject, DropObject, RevokePrivileges
from auto_migrate.changes.sql import object_statements as objects
from auto_migrate.changes.sql.catalog import Catalog, TableName
from auto_migrate.changes.sql.column_definitions import column_added, is_null
from auto_migrate.changes.sql.constraint_definitions import constraint_added, constraint_dropped, dropped, not_null
from auto_migrate.changes.sql.nodes import dotted, kind, written, written_type
from auto_migrate.changes.verbs import ObjectKind, Rewrite
from auto_migrate.databases.lock_modes import LockMode

Rule = Callable[[Any, TableName, Catalog], Iterator[Change]]


def alter_table(statement: Any, known: Catalog) -> Iterator[Change]:
    """Return what each command of the statement does; views, foreign tables, sequences and types hold no rows."""
    place = known.place(statement.relation)
    for command in statement.cmds:
        name = command.subtype.name
        if name == "AT_ChangeOwner":
            yield objects.owner_changed(place["table"])
        elif statement.objtype.name == "OBJECT_TABLE":
            yield from COMMANDS.get(name, unknown)(command, place, known)
        elif (rule := OF_OTHERS.get((statement.objtype.name.removeprefix("OBJECT_"), name))) is not None:
            yield from rule(command, place, known)


def add_column(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    yield column_added(command.def_, place, known, unsure=bool(command.missing_ok))


def drop_column(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    table, column = place["table"], command.name
    if command.behavior.name == "DROP_CASCADE":
        for own, key in known.keys_to(table, column):
            yield dropped(key, known.placed(own))
    binding = known.binding(table, column)
    yield DropColumn(
        **place,
        column=column,
        references=known.reference(table, column),
        required=binding is not None and binding.required,
        held=binding is not None and binding.held,
        cascades=command.behavior.name == "DROP_CASCADE",
    )


def add_part(command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    """Return a column that comes to what is no table of this database, or an attribute to a type."""
    name = f"{place['table']}.{command.def_.colname}"
    yield CreateObject(table=name, kind=ObjectKind.COLUMN, unsure=bool(command.missing_ok))


def drop_part(command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    """Return a column that goes of what is no table of this database, or an attribute of a type."""
    cascades = command.behavior.name == "DROP_CASCADE"
    yield DropObject(table=f"{place['table']}.{command.name}", kind=ObjectKind.COLUMN, cascades=cascades)


def alter_type(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    there = known.column(place["table"], command.name)
    collation = command.def_.collClause
    yield AlterType(
        **place,
        column=command.name,
        old=there.type if there else "",
        new=written_type(command.def_.typeName),
        old_collation=there.collation if there else "",
        new_collation=f'"{dotted(collation.collname)}"' if collation else "",
        using=computes(command.def_.raw_default, command.name),
        conversion=written(command.def_.raw_default) if command.def_.raw_default else "",
    )


def computes(expression: Any, column: str) -> bool:
    """Return whether `USING` says more than a cast of the column itself."""
    while kind(expression) == "TypeCast":
        expression = expression.arg
    if expression is None:
        return False
    return not (kind(expression) == "ColumnRef" and dotted(expression.fields).rpartition(".")[2] == column)


def column_default(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    if command.def_ is not None and not is_null(command.def_):
        yield SetDefault(**place, column=command.name)
        return
    there = known.column(place["table"], command.name)
    yield DropDefault(**place, column=command.name, null=there is not None and not there.not_null)


def no_longer_filled(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    """Return that the database fills a column no more, by numbers or from other columns."""
    there = known.column(place["table"], command.name)
    yield DropDefault(**place, column=command.name, null=there is not None and not there.not_null)


def set_not_null(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    yield not_null(place, command.name, known)


def drop_not_null(command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    yield DropNotNull(**place, column=command.name)


def add_constraint(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    return constraint_added(command.def_, place, known)


def validate_constraint(command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    yield ValidateConstraint(**place, name=command.name)


def drop_constraint(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    yield constraint_dropped(command.name, place, known)


def attach_partition(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    yield LockTable(**place, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, reason="ATTACH PARTITION")
    partition = known.place(command.def_.name)
    yield LockTable(**partition, mode=LockMode.ACCESS_EXCLUSIVE, reason="ATTACH PARTITION")


def detach_partition(command: Any, place: TableName, known: Catalog) -> Iterator[Change]:
    alone = bool(command.def_.concurrent)
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE if alone else LockMode.ACCESS_EXCLUSIVE
    reason = "DETACH PARTITION CONCURRENTLY" if alone else "DETACH PARTITION"
    for table in (place, known.place(command.def_.name)):
        yield LockTable(**table, mode=mode, reason=reason, concurrently=alone)


def rewrites(command: Rewrite) -> Rule:
    """Return the rule of a command that writes the whole table anew."""

    def rule(_command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
        yield RewriteTable(**place, command=command)

    return rule


def force_policies(_command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    """Return that policies count for the owner as well, as which releases mostly connect."""
    yield LockTable(**place, mode=LockMode.ACCESS_EXCLUSIVE, reason="ROW LEVEL SECURITY")
    what = _("rows that no policy lets through")
    yield RevokePrivileges(table=place["table"], what=what, roles=(_("its owner"),))


def locks(mode: LockMode, reason: str) -> Rule:
    """Return the rule of a command that is over at once, and still needs a lock."""

    def rule(_command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
        yield LockTable(**place, mode=mode, reason=reason)

    return rule


def nothing(_command: Any, _place: TableName, _known: Catalog) -> Iterator[Change]:
    return iter(())


def unknown(command: Any, place: TableName, _known: Catalog) -> Iterator[Change]:
    reason = _("no rule tells what this command of ALTER TABLE does: {name}").format(name=command.subtype.name)
    yield OpaqueChange(table="", text=f"ALTER TABLE {place['table']} …", reason=reason)


TRIGGERS = (
    "DisableTrig", "DisableTrigAll", "DisableTrigUser", "EnableAlwaysTrig", "EnableReplicaTrig", "EnableTrig",
    "EnableTrigAll", "EnableTrigUser",
)  # fmt: skip
RULES = ("DisableRule", "EnableAlwaysRule", "EnableReplicaRule", "EnableRule")
SECURITY = ("DisableRowSecurity", "EnableRowSecurity", "NoForceRowSecurity")
BRIEF = (
    "AlterConstraint", "ClusterOn", "DropCluster", "DropOids", "ReplaceRelOptions",
    "ReplicaIdentity", "ResetOptions", "ResetRelOptions", "SetCompression", "SetIdentity", "SetOptions",
    "SetRelOptions", "SetStatistics", "SetStorage",
)  # fmt: skip

COMMANDS: dict[str, Rule] = {
    "AT_AddColumn": add_column,
    "AT_AddConstraint": add_constraint,
    "AT_AddIdentity": lambda command, place, _known: iter([SetDefault(**place, column=command.name)]),
    "AT_AlterColumnType": alter_type,
    "AT_AttachPartition": attach_partition,
    "AT_ColumnDefault": column_default,
    "AT_DetachPartition": detach_partition,
    "AT_DetachPartitionFinalize": locks(LockMode.SHARE_UPDATE_EXCLUSIVE, "DETACH PARTITION FINALIZE"),
    "AT_DropColumn": drop_column,
    "AT_DropConstraint": drop_constraint,
    "AT_DropExpression": no_longer_filled,
    "AT_DropIdentity": no_longer_filled,
    "AT_DropNotNull": drop_not_null,
    "AT_ForceRowSecurity": force_policies,
    "AT_SetAccessMethod": rewrites(Rewrite.SET_ACCESS_METHOD),
    "AT_SetExpression": rewrites(Rewrite.SET_EXPRESSION),
    "AT_SetLogged": rewrites(Rewrite.SET_LOGGED),
    "AT_SetNotNull": set_not_null,
    "AT_SetTableSpace": rewrites(Rewrite.SET_TABLESPACE),
    "AT_SetUnLogged": rewrites(Rewrite.SET_UNLOGGED),
    "AT_ValidateConstraint": validate_constraint,
    **{f"AT_{name}": locks(LockMode.ACCESS_EXCLUSIVE, "INHERIT") for name in ("AddInherit", "DropInherit")},
    **{f"AT_{name}": locks(LockMode.ACCESS_EXCLUSIVE, "OF") for name in ("AddOf", "DropOf")},
    **{f"AT_{name}": locks(LockMode.SHARE_ROW_EXCLUSIVE, "TRIGGER") for name in TRIGGERS},
    **{f"AT_{name}": locks(LockMode.ACCESS_EXCLUSIVE, "RULE") for name in RULES},
    **{f"AT_{name}": locks(LockMode.ACCESS_EXCLUSIVE, "ROW LEVEL SECURITY") for name in SECURITY},
    **{f"AT_{name}": nothing for name in BRIEF},
}
# Of what is no table: what it is (`ObjectType` of parsenodes.h), and the command.
OF_OTHERS: dict[tuple[str, str], Rule] = {
    ("FOREIGN_TABLE", "AT_AddColumn"): add_part,
    ("FOREIGN_TABLE", "AT_ColumnDefault"): column_default,
    ("FOREIGN_TABLE", "AT_DropColumn"): drop_part,
    ("INDEX", "AT_SetTableSpace"): rewrites(Rewrite.SET_TABLESPACE),
    ("MATVIEW", "AT_SetAccessMethod"): rewrites(Rewrite.SET_ACCESS_METHOD),
    ("MATVIEW", "AT_SetTableSpace"): rewrites(Rewrite.SET_TABLESPACE),
    ("TYPE", "AT_AddColumn"): add_part,
    ("TYPE", "AT_DropColumn"): drop_part,
    ("VIEW", "AT_ColumnDefault"): column_default,
}
