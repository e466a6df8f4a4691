"""The statements by which bridges are raised and taken down; see `auto_migrate.values.BridgeKind`."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.applying.row_trigger import row_trigger
from auto_migrate.changes.bridgeable import FILL_TRIGGER
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.present_columns import plain_heirs
from auto_migrate.values import Bridge, BridgeKind

# The CHECK by which NOT NULL is proven, and that goes again.
HELPER = "auto_migrate_restored"
FILL = """
BEGIN
    NEW.{column} := {value};
    RETURN NEW;
END
"""


def send(connection: BaseDatabaseWrapper, sql: str) -> None:
    """Carry out one statement as it stands."""
    with connection.cursor() as cursor:
        cursor.execute(sql)


def set_default(connection: BaseDatabaseWrapper, bridge: Bridge, value: str) -> None:
    """Set the default of a bridge's column, an expression of SQL."""
    send(
        connection,
        f"ALTER TABLE {_table(connection, bridge)} ALTER COLUMN {_column(connection, bridge)} SET DEFAULT {value}",
    )


def drop_default(connection: BaseDatabaseWrapper, bridge: Bridge) -> None:
    """Take the default of a bridge's column away."""
    send(
        connection, f"ALTER TABLE {_table(connection, bridge)} ALTER COLUMN {_column(connection, bridge)} DROP DEFAULT"
    )


def drop_not_null(connection: BaseDatabaseWrapper, bridge: Bridge) -> None:
    """Let a bridge's column take NULL."""
    send(
        connection,
        f"ALTER TABLE {_table(connection, bridge)} ALTER COLUMN {_column(connection, bridge)} DROP NOT NULL",
    )


def make_fill(connection: BaseDatabaseWrapper, bridge: Bridge, value: str) -> None:
    """Make the trigger that puts a value, an expression of SQL, where NULL would be written, or make it anew."""
    quote, column = connection.ops.quote_name, _column(connection, bridge)
    name = quote(bridge.name)
    body = dollar_quoted(FILL.format(column=column, value=value))
    # Whoever replicates rows has no search path, and the value may be of a type of the project's own.
    how = "RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT"
    send(connection, f"CREATE OR REPLACE FUNCTION {name}() {how} AS {body}")
    for table in (_table(connection, bridge), *plain_heirs(connection, bridge.table)):
        for statement in row_trigger(name, table, name, when=f"NEW.{column} IS NULL"):
            send(connection, statement)


def fill_name(table: str, column: str, taken: Collection[str]) -> str:
    """Return a name for the trigger of a column that is none of those `taken`."""
    parts = ([table, column, *["again"] * times] for times in itertools.count())
    written = ("\0".join(some).encode("utf-8", "surrogatepass") for some in parts)
    names = (f"{FILL_TRIGGER}{hashlib.blake2b(text, digest_size=8).hexdigest()}" for text in written)
    return next(name for name in names if name not in taken)


def drop_fill(connection: BaseDatabaseWrapper, bridge: Bridge) -> None:
    """Drop the function of that trigger, if it is there, and the trigger along, whatever its table is called by now."""
    send(connection, f"DROP FUNCTION IF EXISTS {connection.ops.quote_name(bridge.name)}() CASCADE")


def drop_foreign_key(connection: BaseDatabaseWrapper, table: str, name: str) -> None:
    """Drop the constraint of a foreign key."""
    kind = "CONSTRAINT" if connection.vendor == "postgresql" else "FOREIGN KEY"
    send(connection, f"ALTER TABLE {connection.ops.quote_name(table)} DROP {kind} {own_name(connection, name)}")


def add_constraint(connection: BaseDatabaseWrapper, bridge: Bridge) -> None:
    """Add a constraint that was loosened as it was, for new rows."""
    is_not_null = bridge.kind is BridgeKind.NOT_NULL
    definition = f"NOT NULL {_column(connection, bridge)}" if is_not_null else bridge.definition
    add = f"ADD CONSTRAINT {own_name(connection, bridge.name)} {definition} NOT VALID"
    send(connection, f"ALTER TABLE {_table(connection, bridge)} {add}")


def stand_in(connection: BaseDatabaseWrapper, bridge: Bridge) -> None:
    """Let a constraint that was loosened be found by its name, by one that goes with its column and holds nothing."""
    name, column = own_name(connection, bridge.name), _column(connection, bridge)
    add = f"ADD CONSTRAINT {name} CHECK ({column} IS NULL OR TRUE) NOT VALID"
    send(connection, f"ALTER TABLE {_table(connection, bridge)} {add}")


def drop_constraint(connection: BaseDatabaseWrapper, bridge: Bridge, name: str) -> None:
    """Drop a constraint of a bridge's table."""
    send(connection, f"ALTER TABLE {_table(connection, bridge)} DROP CONSTRAINT {own_name(connection, name)}")


def drop_if_exists(connection: BaseDatabaseWrapper, table: str, name: str) -> None:
    """Drop a constraint of a table, if it is there."""
    what = f"DROP CONSTRAINT IF EXISTS {own_name(connection, name)}"
    send(connection, f"ALTER TABLE {connection.ops.quote_name(table)} {what}")


def dollar_quoted(body: str) -> str:
    """Write a body of PL/pgSQL as a string."""
    mark = "$fill$"
    while mark in body:
        mark = f"{mark[:-1]}_$"
    return f"{mark}{body}{mark}"


def own_name(connection: BaseDatabaseWrapper, name: str) -> str:
    """Write the name of a column or constraint, which SQL may have given a quote; Django doubles none."""
    if connection.vendor == "postgresql" and not name.startswith('"'):
        return quoted(name)
    return str(connection.ops.quote_name(name))


def _table(connection: BaseDatabaseWrapper, bridge: Bridge) -> str:
    return str(connection.ops.quote_name(bridge.table))


def _column(connection: BaseDatabaseWrapper, bridge: Bridge) -> str:
    return own_name(connection, bridge.column)
