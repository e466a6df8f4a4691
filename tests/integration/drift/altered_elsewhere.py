"""How the same project's tables are altered by hand on SQLite and on MariaDB, and what is told of them then."""

from __future__ import annotations

import os
from collections.abc import Mapping

Alterations = Mapping[str, tuple[str, set[tuple[str, str]]]]


def rewritten(old: str, new: str, table: str = "item") -> str:
    """Return the statements by which SQLite, which alters little, reads one text for another in what it keeps."""
    quoted = ["'{}'".format(text.replace("'", "''")) for text in (old, new)]
    where = f"name = '{{app}}_{table}' AND instr(sql, {quoted[0]})"
    # An overflow if nothing was found to be rewritten.
    update = f"UPDATE sqlite_master SET sql = replace(sql, {quoted[0]}, {quoted[1]}) WHERE {where}"
    return f"PRAGMA writable_schema = 1; {update}; SELECT abs((changes() = 0) << 63); PRAGMA writable_schema = RESET"


INDEX_OTHER = "DROP INDEX {app}_price; CREATE INDEX {app}_price ON {app}_item (price DESC)"
COLUMN_RENAMED = (
    "ALTER TABLE {app}_item RENAME COLUMN note TO remark",
    {("column", "missing"), ("column", "extra")},
)
TABLE_RENAMED = ("ALTER TABLE {app}_item_near RENAME TO {app}_old_near", {("table", "missing")})
VIEW = (
    TABLE_RENAMED[0] + "; CREATE VIEW {app}_item_near AS SELECT * FROM {app}_old_near",
    {("table", "different")},
)
# What no migration knows says nothing about which of them were applied.
UNKNOWN = {
    "untouched": ("SELECT 1", set()),
    "legacy": ("ALTER TABLE {app}_item ADD COLUMN legacy integer", {("column", "extra")}),
    "analyst": ("CREATE INDEX {app}_analyst ON {app}_item (stock)", {("index", "extra")}),
}
SQLITE_UNTOUCHED: Alterations = {
    **UNKNOWN,
    "respelled": (rewritten('"price" decimal NOT NULL', "[price]  Decimal /* 10, 2 */ not null"), set()),
    "respelled_check": (rewritten("\"name\" IN ('a'", "Name in('a'"), set()),
    "defaulted": (rewritten('"price" decimal NOT NULL', '"price" decimal DEFAULT 0 NOT NULL'), {("default", "extra")}),
}
SQLITE_ALTERED: Alterations = {
    "column_gone": ("ALTER TABLE {app}_item DROP COLUMN note", {("column", "missing")}),
    "column_back": ("ALTER TABLE {app}_item ADD COLUMN old integer", {("column", "extra")}),
    "column_renamed": COLUMN_RENAMED,
    "narrow": (rewritten("varchar(9)", "varchar(8)", "shelf"), {("column", "different")}),
    "nullable": (rewritten('"price" decimal NOT NULL', '"price" decimal'), {("column", "different")}),
    "unnumbered": (rewritten(" AUTOINCREMENT", "", "shelf"), {("column", "different")}),
    "check_gone": (rewritten("CONSTRAINT \"{app}_known_name\" CHECK (\"name\" IN ('a', 'b', 'c'))", "CHECK (1)"), {
        ("constraint", "missing"), ("constraint", "extra"),
    }),
    "check_other": (rewritten("('a', 'b', 'c')", "('a', 'B', 'c')"), {("constraint", "different")}),
    "positive_gone": (rewritten('CHECK ("stock" >= 0)', ""), {("constraint", "missing")}),
    "key_gone": (rewritten('REFERENCES "{app}_shelf" ("id") DEFERRABLE INITIALLY DEFERRED', ""), {
        ("constraint", "missing"),
    }),
    "key_at_once": (rewritten("DEFERRABLE INITIALLY DEFERRED", ""), {("constraint", "different")}),
    "unique_gone": (
        rewritten("NOT NULL UNIQUE", "NOT NULL").replace(
            "PRAGMA writable_schema = RESET",
            "DELETE FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_{app}_item_1'; PRAGMA writable_schema = RESET",
        ),
        {("constraint", "missing")},
    ),
    "of_numbers": (rewritten('"note" text NULL', '"note" integer NULL'), {("column", "different")}),
    "index_gone": ("DROP INDEX {app}_price", {("index", "missing")}),
    "index_other": (INDEX_OTHER, {("index", "different")}),
    "index_whole": (
        "DROP INDEX {app}_once; CREATE UNIQUE INDEX {app}_once ON {app}_item (price)",
        {("index", "different")},
    ),
    "table_renamed": TABLE_RENAMED,
    "view": VIEW,
}  # fmt: skip

WITH_KEY = """
    SET @told = (SELECT constraint_name FROM information_schema.referential_constraints
                 WHERE constraint_schema = DATABASE() AND table_name = '{{app}}_item');
    SET @told = CONCAT('ALTER TABLE {{app}}_item DROP FOREIGN KEY ', @told{more});
    PREPARE told FROM @told; EXECUTE told
"""
CASCADES = ", ', ADD FOREIGN KEY (shelf_id) REFERENCES {app}_shelf (id) ON DELETE CASCADE'"
MARIADB_UNTOUCHED: Alterations = {
    **UNKNOWN,
    "defaulted": ("ALTER TABLE {app}_item ALTER COLUMN price SET DEFAULT 0", {("default", "extra")}),
    "collated": (
        "ALTER TABLE {app}_item MODIFY note longtext COLLATE utf8mb4_bin",
        {("collation", "extra")},
    ),
    # Unsigned says it already; so does `AlterField` leave it.
    "positive_gone": ("ALTER TABLE {app}_item MODIFY stock integer unsigned NOT NULL", set()),
    # The server then drops the index that it had made for the key.
    "served": ("CREATE INDEX {app}_served ON {app}_item (shelf_id)", set()),
}
MARIADB_ALTERED: Alterations = {
    "column_gone": ("ALTER TABLE {app}_item DROP COLUMN note", {("column", "missing")}),
    "column_back": ("ALTER TABLE {app}_item ADD COLUMN old integer", {("column", "extra")}),
    "column_renamed": COLUMN_RENAMED,
    "narrow": ("ALTER TABLE {app}_shelf MODIFY size varchar(8)", {("column", "different")}),
    "nullable": ("ALTER TABLE {app}_item MODIFY price decimal(10, 2)", {("column", "different")}),
    "signed": ("ALTER TABLE {app}_item MODIFY stock integer NOT NULL", {("column", "different")}),
    "unnumbered": (
        "SET foreign_key_checks = 0; ALTER TABLE {app}_shelf MODIFY id bigint NOT NULL",
        {("column", "different")},
    ),
    "check_gone": ("ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name", {("constraint", "missing")}),
    "check_other": (
        """ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name,
           ADD CONSTRAINT {app}_known_name CHECK (name IN ('a', 'B', 'c'))""",
        {("constraint", "different")},
    ),
    "key_gone": (WITH_KEY.format(more=""), {("constraint", "missing")}),
    "key_cascades": (WITH_KEY.format(more=CASCADES), {("constraint", "different")}),
    "unique_gone": ("ALTER TABLE {app}_item DROP INDEX name", {("constraint", "missing")}),
    "index_gone": ("DROP INDEX {app}_price ON {app}_item", {("index", "missing")}),
    "index_other": (
        "ALTER TABLE {app}_item DROP INDEX {app}_price, ADD INDEX {app}_price (price DESC)",
        {("index", "different")},
    ),
    "index_renamed": ("ALTER TABLE {app}_item RENAME INDEX {app}_price TO {app}_cost", {("index", "different")}),
    # The word of MariaDB, and that of MySQL.
    "index_ignored": (
        "ALTER TABLE {app}_item ALTER INDEX {app}_price /*M! IGNORED */ /*!80000 INVISIBLE */",
        {("index", "different")},
    ),
    "table_renamed": TABLE_RENAMED,
    "view": VIEW,
}
if "SWEEP" not in os.environ:
    SQLITE_UNTOUCHED = dict(list(SQLITE_UNTOUCHED.items())[1::3])
    MARIADB_UNTOUCHED = dict(list(MARIADB_UNTOUCHED.items())[1::3])
    SQLITE_ALTERED = dict(list(SQLITE_ALTERED.items())[3::6])
    MARIADB_ALTERED = dict(list(MARIADB_ALTERED.items())[3::6])
