"""The search path of a connection that stays in one schema, set once where django-tenants sets it at every cursor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from auto_migrate.tenancy import DjangoTenants, Tenancy


@contextlib.contextmanager
def settled(tenancy: Tenancy) -> Iterator[None]:
    """Let the connection be where it is within a block in which no code of others may lead it elsewhere.

    Half of all round trips are django-tenants' `SET search_path`. What is set outside of a transaction no rollback
    takes back; whoever enters another schema, and a connection that is made anew, has it set at each cursor as ever.
    """
    own = tenancy.connection
    if not isinstance(tenancy, DjangoTenants) or own.in_atomic_block:
        yield
        return

    def unsettle(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection is own:
            tenancy.set_at_every_cursor(True)

    with own.cursor():
        # Which has set it.
        tenancy.set_at_every_cursor(False)
    connection_created.connect(unsettle, weak=False, dispatch_uid=id(unsettle))
    try:
        yield
    finally:
        connection_created.disconnect(dispatch_uid=id(unsettle))
        tenancy.set_at_every_cursor(True)
