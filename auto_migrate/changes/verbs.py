"""The verbs of SQL, spelled once: readers write them into changes, phases and hazards look for them."""

from __future__ import annotations

import enum


class DataVerb(enum.StrEnum):
    """How SQL writes rows."""

    COPY = "COPY"
    DELETE = "DELETE"
    INSERT = "INSERT"
    LOCK = "SELECT … FOR UPDATE"
    """Or `FOR SHARE`, and their kin: nothing of a row changes, but others wait as if it did."""
    MERGE = "MERGE"
    TRUNCATE = "TRUNCATE"
    UPDATE = "UPDATE"


class EnumVerb(enum.StrEnum):
    """What `ALTER TYPE` does to a value of an enum type; PostgreSQL cannot take one away."""

    ADD_VALUE = "ADD VALUE"
    RENAME_VALUE = "RENAME VALUE"


class Rewrite(enum.StrEnum):
    """What writes a whole table anew."""

    CLUSTER = "CLUSTER"
    REFRESH = "REFRESH MATERIALIZED VIEW"
    SET_ACCESS_METHOD = "SET ACCESS METHOD"
    SET_EXPRESSION = "SET EXPRESSION"
    SET_LOGGED = "SET LOGGED"
    SET_TABLESPACE = "SET TABLESPACE"
    SET_UNLOGGED = "SET UNLOGGED"
    VACUUM_FULL = "VACUUM FULL"


class ObjectKind(enum.StrEnum):
    """What has a name and holds no rows of its own that anybody could lose.

    Policies, publications, rules and triggers are told where they go along with something else.
    """

    AGGREGATE = "AGGREGATE"
    COLLATION = "COLLATION"
    COLUMN = "COLUMN"
    """Of a view or a composite type."""
    DOMAIN = "DOMAIN"
    EXTENSION = "EXTENSION"
    FOREIGN_TABLE = "FOREIGN TABLE"
    FUNCTION = "FUNCTION"
    MATERIALIZED_VIEW = "MATERIALIZED VIEW"
    OPERATOR = "OPERATOR"
    POLICY = "POLICY"
    PROCEDURE = "PROCEDURE"
    PUBLICATION = "PUBLICATION"
    ROUTINE = "ROUTINE"
    RULE = "RULE"
    SCHEMA = "SCHEMA"
    SEQUENCE = "SEQUENCE"
    TEXT_SEARCH_CONFIGURATION = "TEXT SEARCH CONFIGURATION"
    TRIGGER = "TRIGGER"
    TYPE = "TYPE"
    VIEW = "VIEW"


class Ending(enum.StrEnum):
    """What ends the transaction in which it stands."""

    COMMIT = "COMMIT"
    PREPARE = "PREPARE TRANSACTION"
    ROLLBACK = "ROLLBACK"
