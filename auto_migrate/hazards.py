"""What a project's own hazard is made of; the setting `HAZARDS` names it. The package's own are in `safety/hazards/`.

A subclass of `Hazard` looks at one change after the other and yields a `Found` for what would hurt. Changes are the
same values for Django's operations and for SQL; what each tells stands in its docstring.
"""

from __future__ import annotations

from auto_migrate.changes.change import (
    AddColumn,
    AddConstraint,
    AlterEnum,
    AlterType,
    Change,
    ColumnChange,
    CreateIndex,
    CreateTable,
    DataChange,
    Default,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    EndTransaction,
    LockTable,
    OpaqueChange,
    Refusal,
    Reindex,
    RenameColumn,
    RenameTable,
    RewriteTable,
    RunFunction,
    SetDefault,
    SetNotNull,
    ValidateConstraint,
    WriteInBatches,
)
from auto_migrate.changes.constraints import ConstraintKind
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.object_change import CreateObject, DropObject, RenameObject, RevokePrivileges
from auto_migrate.changes.verbs import DataVerb, Ending, EnumVerb, ObjectKind, Rewrite
from auto_migrate.findings import Level
from auto_migrate.safety.hazard import EVERYWHERE, POSTGRESQL, Found, Harm, Hazard, Site

__all__ = [
    "EVERYWHERE",
    "POSTGRESQL",
    "AddColumn",
    "AddConstraint",
    "AlterEnum",
    "AlterType",
    "Change",
    "ColumnChange",
    "ConstraintKind",
    "CreateIndex",
    "CreateObject",
    "CreateTable",
    "DataChange",
    "DataVerb",
    "Default",
    "DropColumn",
    "DropConstraint",
    "DropDefault",
    "DropIndex",
    "DropNotNull",
    "DropObject",
    "DropTable",
    "EndTransaction",
    "Ending",
    "EnumVerb",
    "Found",
    "Harm",
    "Hazard",
    "Level",
    "LockTable",
    "NewObjects",
    "ObjectKind",
    "OpaqueChange",
    "Refusal",
    "Reindex",
    "RenameColumn",
    "RenameObject",
    "RenameTable",
    "RevokePrivileges",
    "Rewrite",
    "RewriteTable",
    "RunFunction",
    "SetDefault",
    "SetNotNull",
    "Site",
    "ValidateConstraint",
    "WriteInBatches",
]
