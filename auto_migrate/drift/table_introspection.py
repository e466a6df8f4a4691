"""The reader of PostgreSQL's catalogue: tables as they are, with their columns, constraints and indexes.

The catalogue alone is read; no table is locked and no row is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.applying.online.catalogue import rest_of
from auto_migrate.drift.table_shape import ALWAYS, BY_DEFAULT, Column, TableConstraint, TableShape

NAMED = """
    SELECT wanted.name, class.oid, relkind::text, coalesce(obj_description(class.oid, 'pg_class'), ''),
           relpersistence <> 'u'
    FROM unnest(%s::text[], %s::text[]) AS wanted(name, quoted)
    JOIN pg_class AS class ON class.oid = to_regclass(wanted.quoted)
"""
# The sequence of an identity, and that of a default, be it the column's own or not.
USED_SEQUENCES = """
    SELECT objid AS oid FROM pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
      AND refobjid = attrelid AND refobjsubid = attnum AND deptype = 'i'
    UNION SELECT refobjid FROM pg_depend JOIN pg_attrdef AS given ON given.oid = objid
    WHERE classid = 'pg_attrdef'::regclass AND refclassid = 'pg_class'::regclass
      AND given.adrelid = attrelid AND given.adnum = attnum
"""
COLUMNS = f"""
    SELECT attrelid, attname::text, format_type(atttypid, atttypmod), attnotnull,
           coalesce(pg_get_expr(adbin, adrelid), ''), attidentity::text, attgenerated::text,
           CASE WHEN attcollation <> typcollation THEN collname::text ELSE '' END,
           coalesce(col_description(attrelid, attnum), ''),
           coalesce((SELECT format_type(seqtypid, NULL)
                     FROM ({USED_SEQUENCES}) AS used JOIN pg_sequence ON seqrelid = used.oid
                     JOIN pg_type AS counter ON counter.oid = seqtypid
                     WHERE counter.typlen < pg_type.typlen LIMIT 1), ''),
           NOT EXISTS (SELECT FROM pg_constraint AS proof WHERE proof.conrelid = attrelid AND proof.contype = 'n'
                       AND proof.conkey = ARRAY[attnum] AND NOT proof.convalidated)
    FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    WHERE attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""  # noqa: S608 # a constant
# A foreign key to a partitioned table has one more to each partition, which are its own and go with it.
# A restore that was cut leaves triggers disabled, and with them what they would enforce; one of replicas never fires.
# `confrelid` is told as the model calls it; of a table that is none's, without its schema, if it is found without.
CONSTRAINTS = """
    SELECT conrelid, contype::text, conname::text,
           pg_get_constraintdef(pg_constraint.oid)
               || CASE WHEN EXISTS (SELECT FROM pg_trigger
                                    WHERE tgconstraint = pg_constraint.oid AND tgenabled IN ('D', 'R'))
                       THEN ', whose trigger is disabled' ELSE '' END,
           convalidated,
           ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS key(number, place)
                 JOIN pg_attribute ON attrelid = conrelid AND attnum = key.number ORDER BY place),
           CASE WHEN target.oid IS NULL OR pg_table_is_visible(target.oid) THEN coalesce(target.relname::text, '')
                ELSE nspname || '.' || target.relname END, target.oid
    FROM pg_constraint LEFT JOIN pg_class AS target ON target.oid = confrelid
    LEFT JOIN pg_namespace ON pg_namespace.oid = target.relnamespace
    WHERE conrelid = ANY(%s) AND contype IN ('p', 'u', 'c', 'f', 'x')
      AND NOT EXISTS (SELECT FROM pg_constraint AS whole
                      WHERE whole.oid = pg_constraint.conparentid AND whole.conrelid = pg_constraint.conrelid)
    ORDER BY conname
"""
INDEXES = """
    SELECT indrelid, relname::text, pg_get_indexdef(indexrelid), indisvalid AND indisready,
           ARRAY(SELECT attname::text FROM unnest(indkey) WITH ORDINALITY AS key(number, place)
                 JOIN pg_attribute ON attrelid = indrelid AND attnum = key.number ORDER BY place)
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = ANY(%s)
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
    ORDER BY relname
"""
# `pg_attribute.attgenerated`.
STORAGE = {"s": "STORED", "v": "VIRTUAL"}
TARGET = "\0"
NOT_VALID = re.compile(r" NOT VALID$")
REFERENCED = re.compile(r" REFERENCES (?:[^(\"]|\"(?:[^\"]|\"\")+\")+\(")


def read_tables(connection: BaseDatabaseWrapper, names: Mapping[str, str]) -> dict[str, TableShape]:
    """Return those of the tables that are there; `names` maps what each is called here to its quoted name."""
    with connection.cursor() as cursor:
        cursor.execute(NAMED, [list(names), list(names.values())])
        named = {oid: (name, *told) for name, oid, *told in cursor.fetchall()}
        columns: dict[int, dict[str, Column]] = {oid: {} for oid in named}
        rules: dict[int, list[TableConstraint]] = {oid: [] for oid in named}
        if named:
            for oid, column in _columns(cursor, list(named)):
                columns[oid][column.name] = column
            called = {oid: name for oid, (name, *_told) in named.items()}
            for oid, rule in (*_constraints(cursor, called), *_indexes(cursor, list(named))):
                rules[oid].append(rule)
    return {
        name: TableShape(name, columns[oid], tuple(rules[oid]), kind, comment, is_logged)
        for oid, (name, kind, comment, is_logged) in named.items()
    }


def _columns(cursor: Any, oids: list[int]) -> Iterable[tuple[int, Column]]:
    cursor.execute(COLUMNS, [oids])
    for oid, name, kind, not_null, expression, identity, generated, collation, comment, narrow, is_proven in cursor:
        size = f" (AS {narrow})" if narrow else ""
        yield (
            oid,
            Column(
                name,
                kind,
                not_null,
                default="" if generated else expression,
                identity=(ALWAYS if identity == "a" else BY_DEFAULT) + size if identity else "",
                serial=BY_DEFAULT + size if expression.startswith("nextval(") else "",
                generated=f"({expression}) {STORAGE[generated]}" if generated else "",
                collation=collation,
                comment=comment,
                is_proven=is_proven,
            ),
        )


def _constraints(cursor: Any, called: Mapping[int, str]) -> Iterable[tuple[int, TableConstraint]]:
    cursor.execute(CONSTRAINTS, [list(called)])
    for oid, kind, name, text, is_valid, columns, told, target in cursor.fetchall():
        definition = NOT_VALID.sub("", text)
        if kind == "f":
            before, _sign, keys = REFERENCED.sub(TARGET, definition, count=1).partition(TARGET)
            definition = f"{before} REFERENCES {called.get(target, told)}({keys}"
        yield oid, TableConstraint(kind, name, definition, tuple(columns), is_valid)


def _indexes(cursor: Any, oids: list[int]) -> Iterable[tuple[int, TableConstraint]]:
    cursor.execute(INDEXES, [oids])
    for oid, name, definition, is_valid, columns in cursor.fetchall():
        yield oid, TableConstraint("i", name, rest_of(definition), tuple(columns), is_valid)
