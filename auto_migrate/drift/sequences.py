"""Sequences that stand behind the rows which they number, as a copied table or an import with keys leaves them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic

from auto_migrate.databases.faults import first_line
from auto_migrate.drift.differences import Difference, DifferenceKind, ObjectType
from auto_migrate.drift.table_introspection import USED_SEQUENCES
from auto_migrate.drift.table_shape import TableShape

# What a column takes its numbers from. The role may lack the right to look at one.
SEQUENCES = f"""
    SELECT wanted.name, wanted.quoted, attname::text, quote_ident(attname),
           sequence.oid::regclass::text, quote_ident(nspname) || '.' || quote_ident(sequence.relname)
    FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted(name, quoted, columns)
    JOIN pg_attribute ON attrelid = to_regclass(wanted.quoted) AND attname = wanted.columns AND NOT attisdropped
    CROSS JOIN LATERAL ({USED_SEQUENCES}) AS used
    JOIN pg_class AS sequence ON sequence.oid = used.oid AND sequence.relkind = 'S'
    JOIN pg_namespace ON pg_namespace.oid = sequence.relnamespace
    JOIN pg_sequence ON seqrelid = sequence.oid AND seqincrement > 0
    WHERE CASE WHEN sequence.relkind = 'S' THEN has_sequence_privilege(sequence.oid, 'SELECT') END
      AND has_column_privilege(attrelid, attnum, 'SELECT')
"""  # noqa: S608 # a constant
IMPATIENT = "SELECT set_config('lock_timeout', '1s', true)"
# `last_value` is what comes next as long as nobody has asked.
NEXT = """
    SELECT last_value + CASE WHEN is_called THEN seqincrement ELSE 0 END, (SELECT max({column}) FROM {table})
    FROM {sequence}, pg_sequence WHERE seqrelid = '{sequence_text}'::regclass
"""


def sequences_behind(
    connection: BaseDatabaseWrapper, shapes: Iterable[TableShape], names: Mapping[str, str]
) -> Iterator[Difference]:
    """Return the sequences that will give a number which a row has; reads the highest key of each table."""
    columns = [(shape.name, column) for shape in shapes for column in shape.columns.values()]
    numbered = [(table, column.name) for table, column in columns if column.identity or column.serial]
    with connection.cursor() as cursor:
        tables = [name for name, _column in numbered]
        cursor.execute(SEQUENCES, [tables, [names[name] for name in tables], [column for _name, column in numbered]])
        for name, quoted, column, quoted_column, told, sequence in cursor.fetchall():
            text = sequence.replace("'", "''")
            question = NEXT.format(column=quoted_column, table=quoted, sequence=sequence, sequence_text=text)
            try:
                # A lock on one table must not outlast the look at it, nor a queue behind others begin here.
                with atomic(using=connection.alias):
                    cursor.execute(IMPATIENT)
                    cursor.execute(question, None)
                    following, highest = cursor.fetchone()
            except DatabaseError as error:
                yield Difference(
                    name,
                    ObjectType.SEQUENCE,
                    DifferenceKind.UNKNOWN,
                    told,
                    expected=first_line(error),
                    columns=(column,),
                )
                continue
            if highest is not None and following <= highest:
                yield Difference(
                    name, ObjectType.SEQUENCE, DifferenceKind.BEHIND, told, str(highest), str(following), (column,)
                )
