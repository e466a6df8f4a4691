"""Names as PostgreSQL writes them: in quotes where it must, as `quote_ident` does."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.databases.identifiers import quoted

PLAIN = _lazy_re_compile(r"[a-z_][a-z0-9_]*")
# All keywords but those that may be any name (the categories R, C and T of `pg_get_keywords()`, PostgreSQL 18).
KEYWORDS = frozenset(
    {
        "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between",
        "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce",
        "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
        "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec",
        "decimal", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "extract",
        "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group",
        "grouping", "having", "ilike", "in", "initially", "inner", "inout", "int", "integer", "intersect", "interval",
        "into", "is", "isnull", "join", "json", "json_array", "json_arrayagg", "json_exists", "json_object",
        "json_objectagg", "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral",
        "leading", "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action", "national",
        "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif", "numeric", "offset", "on",
        "only", "or", "order", "out", "outer", "overlaps", "overlay", "placing", "position", "precision", "primary",
        "real", "references", "returning", "right", "row", "select", "session_user", "setof", "similar", "smallint",
        "some", "substring", "symmetric", "system_user", "table", "tablesample", "then", "time", "timestamp", "to",
        "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values", "varchar", "variadic",
        "verbose", "when", "where", "window", "with", "xmlattributes", "xmlconcat", "xmlelement", "xmlexists",
        "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable",
    }
)  # fmt: skip


def quoted_name(name: str) -> str:
    """Write one name, as that of a column, a constraint or an index."""
    if PLAIN.fullmatch(name) and name not in KEYWORDS:
        return name
    return quoted(name)


def parts_of(table: str) -> list[str]:
    """Return the schema, if there is one, and the name of a table: `sales.invoice`, or Django's `sales"."invoice`."""
    separator = '"."' if '"."' in table else "."
    return table.split(separator)


def djangos_name(parts: Iterable[str]) -> str:
    """Write those parts as Django does, which puts quotes around a whole."""
    return '"."'.join(parts)


def quoted_table(table: str) -> str:
    """Write the name of a table, with its schema if it has one."""
    return ".".join(map(quoted_name, parts_of(table)))
