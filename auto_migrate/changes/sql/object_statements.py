"""Views, functions, types and the like: made, dropped, renamed and moved, and who may use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change
from auto_migrate.changes.object_change import CreateObject, DropObject, RenameObject, RevokePrivileges
from auto_migrate.changes.sql.catalog import Catalog
from auto_migrate.changes.sql.nodes import dotted, kind, name_of, written_type
from auto_migrate.changes.verbs import ObjectKind

Rule = Callable[[Any, Catalog], Iterator[Change]]

# What PostgreSQL's parser calls them (`ObjectType` of parsenodes.h).
KINDS = {
    "AGGREGATE": ObjectKind.AGGREGATE,
    "COLLATION": ObjectKind.COLLATION,
    "DOMAIN": ObjectKind.DOMAIN,
    "EXTENSION": ObjectKind.EXTENSION,
    "FOREIGN_TABLE": ObjectKind.FOREIGN_TABLE,
    "FUNCTION": ObjectKind.FUNCTION,
    "MATVIEW": ObjectKind.MATERIALIZED_VIEW,
    "OPERATOR": ObjectKind.OPERATOR,
    "PROCEDURE": ObjectKind.PROCEDURE,
    "ROUTINE": ObjectKind.ROUTINE,
    "SCHEMA": ObjectKind.SCHEMA,
    "SEQUENCE": ObjectKind.SEQUENCE,
    "TSCONFIGURATION": ObjectKind.TEXT_SEARCH_CONFIGURATION,
    "TYPE": ObjectKind.TYPE,
    "VIEW": ObjectKind.VIEW,
}
RELATIONS = frozenset({"TABLE", "VIEW", "MATVIEW", "FOREIGN_TABLE", "SEQUENCE"})


def kind_of(type_: Any) -> ObjectKind | None:
    """Return the kind of what a statement is about, None for what queries do not use by name."""
    return KINDS.get(type_.name.removeprefix("OBJECT_"))


def named(node: Any) -> str:
    """Name what a statement is about, without the arguments of a function."""
    if kind(node) == "TypeName":
        return written_type(node)
    if kind(node) == "ObjectWithArgs":
        return dotted(node.objname)
    return dotted(node if isinstance(node, tuple) else (node,))


def renamed(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return another name of something; of what is in a schema, its own alone changes."""
    what = kind_of(statement.renameType)
    if what is None:
        return
    old = statement.subname if what is ObjectKind.SCHEMA else _subject(statement)
    schema, dot, _name = old.rpartition(".")
    yield RenameObject(table=old, kind=what, to=f"{schema}{dot}{statement.newname}")


def column_renamed(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return another name of a column of a view, or of an attribute of a type."""
    view = name_of(statement.relation)
    yield RenameObject(table=f"{view}.{statement.subname}", kind=ObjectKind.COLUMN, to=f"{view}.{statement.newname}")


def _subject(statement: Any) -> str:
    return name_of(statement.relation) if statement.relation else named(statement.object)


def moved(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return something that goes into another schema."""
    if (what := kind_of(statement.objectType)) is not None:
        old = _subject(statement)
        yield RenameObject(table=old, kind=what, to=f"{statement.newschema}.{old.rpartition('.')[2]}")


def dropped(type_: Any, node: Any, *, cascades: bool) -> Iterator[Change]:
    """Return something that goes."""
    if (what := kind_of(type_)) is not None and what is not ObjectKind.SCHEMA:
        yield DropObject(table=named(node), kind=what, cascades=cascades)


def made(what: ObjectKind, name: Callable[[Any], str], *, perhaps: str = "") -> Rule:
    """Return the rule of a statement that makes something; `perhaps` is the attribute by which it may be there."""

    def rule(statement: Any, _known: Catalog) -> Iterator[Change]:
        unsure = bool(perhaps and getattr(statement, perhaps, False))
        yield CreateObject(table=name(statement), kind=what, unsure=unsure)

    return rule


def defined(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return an aggregate, an operator, a type or a collation that is made."""
    if (what := kind_of(statement.kind)) is not None:
        unsure = bool(statement.if_not_exists or statement.replace)
        yield CreateObject(table=dotted(statement.defnames), kind=what, unsure=unsure)


def granted(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return what somebody may do no more."""
    if statement.is_grant:
        return
    roles = tuple(_role(role) for role in statement.grantees or ())
    rights = ", ".join(privilege.priv_name.upper() for privilege in statement.privileges or () if privilege.priv_name)
    if statement.targtype.name != "ACL_TARGET_OBJECT":
        schemas = ", ".join(named(schema) for schema in statement.objects)
        yield RevokePrivileges(table=f"{schemas}.*", what=rights or "ALL", roles=roles)
        return
    for subject in statement.objects:
        name = name_of(subject) if kind(subject) == "RangeVar" else named(subject)
        yield RevokePrivileges(table=name, what=rights or "ALL", roles=roles)


def membership(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return a role that somebody is in no more, and what it may do with it."""
    if not statement.is_grant:
        rights = ", ".join(privilege.priv_name for privilege in statement.granted_roles)
        yield RevokePrivileges(table="", what=rights, roles=tuple(map(_role, statement.grantee_roles)))


def owner_changed(name: str) -> RevokePrivileges:
    """Return that the owner until now may do only what he is granted."""
    return RevokePrivileges(table=name, what="ALL", roles=(_("its owner until now"),))


def owned(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return a function or the like that goes to another owner; a schema mostly does when it is made."""
    if kind_of(statement.objectType) not in {None, ObjectKind.SCHEMA}:
        yield owner_changed(named(statement.object))


def role_altered(statement: Any, _known: Catalog) -> Iterator[Change]:
    """Return a role that may not connect any more."""
    if any(option.defname == "canlogin" and not option.arg.boolval for option in statement.options or ()):
        yield RevokePrivileges(table="", what="LOGIN", roles=(_role(statement.role),))


def roles_dropped(statement: Any, _known: Catalog) -> Iterator[Change]:
    yield RevokePrivileges(table="", what="LOGIN", roles=tuple(map(_role, statement.roles)))


def _role(role: Any) -> str:
    return str(role.rolename or role.roletype.name.removeprefix("ROLESPEC_"))
