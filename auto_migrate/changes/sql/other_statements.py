"""Types, triggers, explicit locks, and all that holds nobody up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from auto_migrate.changes.change import (
    AddConstraint,
    AlterEnum,
    Change,
    DropConstraint,
    EndTransaction,
    LockTable,
    ValidateConstraint,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.nodes import dotted
from auto_migrate.changes.verbs import Ending, EnumVerb
from auto_migrate.databases.lock_modes import LockMode

# LOCK TABLE's numbers (lockdefs.h). The modes below let all reads and writes pass; EXCLUSIVE lets only reads.
MODES = {
    4: LockMode.SHARE_UPDATE_EXCLUSIVE,
    5: LockMode.SHARE,
    6: LockMode.SHARE_ROW_EXCLUSIVE,
    7: LockMode.SHARE_ROW_EXCLUSIVE,
}
MODES[8] = LockMode.ACCESS_EXCLUSIVE


def lock(statement: Any, known: Catalog) -> Iterator[Change]:
    if (mode := MODES.get(statement.mode)) is not None:
        for relation in statement.relations:
            yield LockTable(**known.place(relation), mode=mode, reason="LOCK TABLE")


def locks(mode: LockMode, reason: str, relation: str) -> Callable[[Any, Catalog], Iterator[Change]]:
    """Return the rule of a statement that is over at once, and still needs a lock on what an attribute names."""

    def rule(statement: Any, known: Catalog) -> Iterator[Change]:
        yield LockTable(**known.place(getattr(statement, relation)), mode=mode, reason=reason)

    return rule


def alter_enum(statement: Any, _known: Catalog) -> Iterator[Change]:
    renamed = statement.oldVal
    verb = EnumVerb.RENAME_VALUE if renamed else EnumVerb.ADD_VALUE
    yield AlterEnum(table=dotted(statement.typeName), verb=verb, value=renamed or statement.newVal)


# The kinds of TransactionStmt that leave the transaction (parsenodes.h); to a savepoint is back within it.
ENDS = {2: Ending.COMMIT, 3: Ending.ROLLBACK, 7: Ending.PREPARE}


def transaction(statement: Any, _known: Catalog) -> Iterator[Change]:
    if (ends := ENDS.get(statement.kind)) is not None:
        yield EndTransaction(table="", statement=ends)


def alter_domain(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return the constraint to which all columns of the domain are held, or are no more.

    The domain's name stands for its tables'.
    """
    domain = dotted(statement.typeName)
    if statement.subtype == "C":
        name, valid = statement.def_.conname or f"{domain}_check", not statement.def_.skip_validation
        yield AddConstraint(table=domain, name=name, kind=ConstraintKind.CHECK, valid=valid)
    elif statement.subtype == "O":
        yield AddConstraint(table=domain, name=f"{domain}_not_null", kind=ConstraintKind.CHECK)
    elif statement.subtype == "X":
        yield DropConstraint(table=domain, name=statement.name)
    elif statement.subtype == "N":
        yield DropConstraint(table=domain, name=f"{domain}_not_null")
    elif statement.subtype == "V":
        yield ValidateConstraint(table=domain, name=statement.name)


NOTHING = frozenset(
    {
        "AlterCollationStmt", "AlterDatabaseSetStmt", "AlterDefaultPrivilegesStmt", "AlterEventTrigStmt",
        "AlterExtensionContentsStmt", "AlterExtensionStmt", "AlterFdwStmt", "AlterForeignServerStmt",
        "AlterFunctionStmt", "AlterObjectDependsStmt", "AlterOpFamilyStmt", "AlterOperatorStmt",
        "AlterPublicationStmt", "AlterRoleSetStmt", "AlterSeqStmt", "AlterStatsStmt",
        "AlterSubscriptionStmt", "AlterTSConfigurationStmt", "AlterTSDictionaryStmt", "AlterTypeStmt",
        "AlterUserMappingStmt", "CheckPointStmt", "CommentStmt", "ConstraintsSetStmt",
        "CreateAmStmt", "CreateCastStmt", "CreateConversionStmt",
        "CreateEventTrigStmt", "CreateFdwStmt", "CreateForeignServerStmt",
        "CreateOpClassStmt", "CreateOpFamilyStmt", "CreatePLangStmt", "CreatePublicationStmt",
        "CreateRoleStmt", "CreateStatsStmt", "CreateSubscriptionStmt",
        "CreateTransformStmt", "CreateUserMappingStmt", "DeallocateStmt", "DeclareCursorStmt",
        "DiscardStmt", "DropUserMappingStmt", "FetchStmt", "ListenStmt",
        "NotifyStmt", "PrepareStmt", "SecLabelStmt", "UnlistenStmt", "VariableSetStmt",
        "VariableShowStmt",
    }
)  # fmt: skip
