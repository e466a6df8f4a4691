"""A project of many apps that are alike, each altered by hand in its own way, so that one run meets all of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.integration.fallback.project import ID, Project

FIRST = """
    migrations.CreateModel("Shelf", [ID, ("size", models.CharField(max_length=9, null=True))]),
    migrations.CreateModel("Item", [
        ID,
        ("name", models.CharField(max_length=50, unique=True)),
        ("price", models.DecimalField(max_digits=10, decimal_places=2)),
        ("old", models.IntegerField(null=True)),
        ("stock", models.PositiveIntegerField(default=0)),
        ("shelf", models.ForeignKey("{app}.Shelf", models.CASCADE)),
        ("near", models.ManyToManyField("{app}.Shelf", related_name="+")),
    ]),
"""
SECOND = """
    migrations.AddField("item", "note", models.TextField(null=True)),
    migrations.AddIndex("item", models.Index(fields=["price"], name="{app}_price")),
"""
THIRD = """
    migrations.RemoveField("item", "old"),
    migrations.AddConstraint("item", models.CheckConstraint(
        condition=models.Q(name__in=["a", "b", "c"]), name="{app}_known_name")),
    migrations.AddConstraint("item", models.UniqueConstraint(
        fields=["price"], condition=models.Q(name__in=["a", "b"]), name="{app}_once")),
"""
# What changes nothing of the schema.
FOURTH = 'migrations.AlterField("shelf", "size", models.CharField(max_length=9, null=True, choices=[("s", "S")])),'
NAMES = ("0001_initial", "0002_note", "0003_names", "0004_choices")
MODELS = """
class Shelf(models.Model):
    size = models.CharField(max_length=9, null=True, choices=[("s", "S")])
"""

RESTORED = """
    DO $$ DECLARE told text; BEGIN
        SELECT pg_get_constraintdef(oid) INTO told FROM pg_constraint WHERE conname = '{app}_known_name';
        ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name;
        EXECUTE 'ALTER TABLE {app}_item ADD CONSTRAINT {app}_known_name ' || told;
        SELECT pg_get_indexdef('{app}_once'::regclass) INTO told;
        DROP INDEX {app}_once;
        EXECUTE told;
    END $$
"""
FOREIGN_KEY = """
    DO $$ BEGIN EXECUTE (
        SELECT 'ALTER TABLE {app}_item DROP CONSTRAINT ' || conname FROM pg_constraint
        WHERE conrelid = '{app}_item'::regclass AND contype = 'f'
    ); END $$
"""
# The keys of a table come from a sequence that is nobody's, made by hand.
NUMBERED_BY_HAND = """
    ALTER TABLE {app}_shelf ALTER COLUMN id DROP IDENTITY;
    CREATE SEQUENCE {app}_numbers{more};
    ALTER TABLE {app}_shelf ALTER COLUMN id SET DEFAULT nextval('{app}_numbers')
"""
REPLICAS_ONLY = """
    DO $$ DECLARE told text; BEGIN
        FOR told IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{app}_item'::regclass LOOP
            EXECUTE 'ALTER TABLE {app}_item ENABLE REPLICA TRIGGER ' || quote_ident(told);
        END LOOP;
    END $$
"""
# How an app's tables were altered, and the differences of its table that this makes.
UNTOUCHED: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "untouched": ("SELECT 1", set()),
    "restored": (RESTORED, set()),
    "sequence": (
        "INSERT INTO {app}_shelf (id) VALUES (7)",
        {("sequence", "behind")},
    ),
    # What no migration knows says nothing about which of them were applied.
    "legacy": ("ALTER TABLE {app}_item ADD COLUMN legacy integer", {("column", "extra")}),
    "analyst": ("CREATE INDEX {app}_analyst ON {app}_item (stock)", {("index", "extra")}),
    "defaulted": ("ALTER TABLE {app}_item ALTER COLUMN price SET DEFAULT 0", {("default", "extra")}),
    "collated": ('ALTER TABLE {app}_item ALTER COLUMN note TYPE text COLLATE "C"', {("collation", "extra")}),
    "default_counts": (
        "CREATE SEQUENCE {app}_own; ALTER TABLE {app}_item ALTER COLUMN stock SET DEFAULT nextval('{app}_own')",
        {("default", "extra")},
    ),
    "numbered_by_hand": (
        NUMBERED_BY_HAND.replace("{more}", "") + "; INSERT INTO {app}_shelf (id) VALUES (7)",
        {("sequence", "behind")},
    ),
}
ALTERED: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "column_gone": ("ALTER TABLE {app}_item DROP COLUMN note", {("column", "missing")}),
    "column_back": ("ALTER TABLE {app}_item ADD COLUMN old integer", {("column", "extra")}),
    "column_renamed": (
        "ALTER TABLE {app}_item RENAME COLUMN note TO remark",
        {("column", "missing"), ("column", "extra")},
    ),
    "narrow": ("ALTER TABLE {app}_shelf ALTER COLUMN size TYPE varchar(8)", {("column", "different")}),
    "nullable": ("ALTER TABLE {app}_item ALTER COLUMN price DROP NOT NULL", {("column", "different")}),
    "half_null": (
        """ALTER TABLE {app}_item ALTER COLUMN price DROP NOT NULL;
           ALTER TABLE {app}_item ADD CONSTRAINT {app}_n NOT NULL price NOT VALID""",
        {("column", "not_valid")},
    ),
    "unnumbered": ("ALTER TABLE {app}_shelf ALTER COLUMN id DROP IDENTITY", {("column", "different")}),
    "check_gone": ("ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name", {("constraint", "missing")}),
    "check_half": (
        """ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name; ALTER TABLE {app}_item ADD CONSTRAINT
           {app}_known_name CHECK (name IN ('a', 'b', 'c')) NOT VALID""",
        {("constraint", "not_valid")},
    ),
    "key_gone": (FOREIGN_KEY, {("constraint", "missing")}),
    "key_at_once": (
        FOREIGN_KEY + "; ALTER TABLE {app}_item ADD FOREIGN KEY (shelf_id) REFERENCES {app}_shelf ON DELETE CASCADE",
        {("constraint", "different")},
    ),
    "unique_gone": ("ALTER TABLE {app}_item DROP CONSTRAINT {app}_item_name_key", {("constraint", "missing")}),
    "index_gone": ("DROP INDEX {app}_price", {("index", "missing")}),
    "index_other": (
        "DROP INDEX {app}_price; CREATE INDEX {app}_price ON {app}_item (price DESC)",
        {("index", "different")},
    ),
    "index_renamed": ("ALTER INDEX {app}_price RENAME TO {app}_cost", {("index", "different")}),
    "index_invalid": (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{app}_price'::regclass",
        {("index", "invalid")},
    ),
    "table_renamed": ("ALTER TABLE {app}_item_near RENAME TO {app}_old_near", {("table", "missing")}),
    "view": (
        """ALTER TABLE {app}_item_near RENAME TO {app}_old_near;
           CREATE VIEW {app}_item_near AS SELECT * FROM {app}_old_near""",
        {("table", "different")},
    ),
    "unlogged": ("ALTER TABLE {app}_item_near SET UNLOGGED", {("table", "different")}),
    "replicas_only": (REPLICAS_ONLY, {("constraint", "different")}),
    "narrow_by_hand": (NUMBERED_BY_HAND.replace("{more}", " AS integer"), {("column", "different")}),
    "index_includes": (
        "DROP INDEX {app}_price; CREATE INDEX {app}_price ON {app}_item (price) INCLUDE (stock)",
        {("index", "different")},
    ),
    "index_nulls_first": (
        "DROP INDEX {app}_price; CREATE INDEX {app}_price ON {app}_item (price NULLS FIRST)",
        {("index", "different")},
    ),
    "check_unenforced": (
        """ALTER TABLE {app}_item DROP CONSTRAINT {app}_known_name; ALTER TABLE {app}_item ADD CONSTRAINT
           {app}_known_name CHECK (name IN ('a', 'b', 'c')) NOT ENFORCED""",
        {("constraint", "different")},
    ),
}  # fmt: skip


if "SWEEP" not in os.environ:
    UNTOUCHED = dict(list(UNTOUCHED.items())[::2])
    ALTERED = dict(list(ALTERED.items())[::3])


def write(folder: Path, url: str, apps: list[str]) -> Project:
    """Write the project."""
    project = Project(folder, url)
    for app in apps:
        project.app(app, MODELS)
        after = ""
        for name, operations in zip(NAMES, (FIRST, SECOND, THIRD, FOURTH), strict=True):
            head = f"initial = {not after}"
            project.migration(
                app,
                name,
                operations.format(app=app) if after else operations.replace("{app}", app).replace("ID,", f"{ID},"),
                after=after,
                head=head,
            )
            after = name
    return project


def alter(project: Project) -> None:
    """Alter every app in its own way."""
    for app, (statement, _told) in {**UNTOUCHED, **ALTERED}.items():
        project.query(statement.replace("{app}", app))


def events(output: str, kind: str) -> list[dict[str, Any]]:
    """Return the events of a kind that a command told."""
    told = [json.loads(line) for line in output.splitlines()]
    return [event for event in told if event["event"] == kind]
