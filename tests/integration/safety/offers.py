"""The code that findings offer, as migrations, and what there is in a database after them."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from typing import Any

from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration

from tests.hazards import APP as SHOP

# Everything that was made, without the names of what may be called as one likes.
SCHEMA = """
    SELECT 'column', class.oid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
           attgenerated, pg_get_expr(adbin, adrelid), nullif(attcollation, typcollation)::text
    FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid JOIN pg_type AS type ON type.oid = atttypid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE class.oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace AND relkind IN ('r', 'p')
      AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, contype::text, pg_get_constraintdef(pg_constraint.oid),
           convalidated, '', '', NULL, NULL
    FROM pg_constraint WHERE conrelid >= 16384 AND contype <> 'n'
    UNION ALL
    SELECT 'index', indrelid::regclass::text, '',
           regexp_replace(pg_get_indexdef(indexrelid), ' INDEX ("[^"]+"|\\S+) ON ', ' ON '), indisvalid,
           '', '', NULL, NULL
    FROM pg_index JOIN pg_class AS class ON class.oid = indexrelid
    WHERE indrelid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
"""


def migrations_of(code: str, label: str = SHOP) -> Iterator[Migration]:
    """Run the code as if it stood in the project's migrations, one for each list of operations."""
    names: dict[str, Any] = {"migrations": migrations, "models": models, "__name__": label}
    # The source of functions is read.
    file = f"<instead of {hash(code)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    for number, node in enumerate(ast.parse(code).body, start=2):
        exec(compile(ast.Module([node], []), file, "exec"), names)
        if isinstance(node, ast.Assign):
            kind = type("Migration", (Migration,), {"operations": names["operations"]})
        elif isinstance(node, ast.ClassDef):
            kind = names["Migration"]
        else:
            continue
        yield kind(f"{number:04}_instead", label)


def schema_of(connection: BaseDatabaseWrapper) -> list[str]:
    """Return what there is in a database."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return sorted(map(repr, cursor.fetchall()))
