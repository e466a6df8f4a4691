"""What is done to what holds no rows and is used by queries: views, functions, types, schemas, and who may use what."""

from __future__ import annotations

from auto_migrate.changes.change import Change
from auto_migrate.changes.verbs import ObjectKind


class CreateObject(Change, kw_only=True):
    """Something that holds no rows and is used by queries is made, or made anew (`table` is its name).

    `again` tells whether the same migration dropped it before.
    """

    kind: ObjectKind
    again: bool = False


class DropObject(Change, kw_only=True):
    """Something that queries use goes (`table` is its name).

    `along` says with what, where it is not dropped by its name; `again` whether the same migration makes it again.
    """

    kind: ObjectKind
    along: str = ""
    again: bool = False
    cascades: bool = False


class RenameObject(Change, kw_only=True):
    """Something that queries use gets another name or schema (`table` is its name)."""

    kind: ObjectKind
    to: str


class RevokePrivileges(Change, kw_only=True):
    """Somebody may do less than before (`table` is empty where it is about no relation)."""

    what: str
    roles: tuple[str, ...]
