"""What other tools warn of, rule by rule, as statements and operations of our own, and what is found in them here.

`found` are the codes of ours; where there are none, `purpose` says why that is meant so, or `missed` what is lacking.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

LINTER, SAFE, SQUAWK, STRONG, EUGENE = (
    "django-migration-linter",
    "django-safe-migrations",
    "squawk",
    "strong_migrations",
    "eugene",
)
STYLE = "a matter of style, which harms no deploy"
TESTED = "about code that is yet to be tested with the new schema, not about the release that runs"
LOOSENS = "it only loosens; phases see to it that it comes before the deploy"


@dataclasses.dataclass(frozen=True)
class Labelled:
    """One rule of a tool, with what it warns of."""

    tool: str
    rule: str
    plan: tuple[str | Operation, ...] = ()
    found: tuple[str, ...] = ()
    purpose: str = ""
    missed: str = ""
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def row(self) -> str:
        """Its row of the overview."""
        ours = ", ".join(f"[{code}]({code}.md)" for code in self.found)
        told = ours or (f"on purpose: {self.purpose}" if self.purpose else f"missed: {self.missed}")
        return f"| {self.tool} | {self.rule} | {told} |"


def fill(apps: Any, _editor: Any) -> None:
    apps.get_model("shop", "Order").objects.all().update(number=0)


def fill_each(apps: Any, _editor: Any) -> None:
    for order in apps.get_model("shop", "Order").objects.all():
        order.number = 0
        order.save()


def required(**options: Any) -> Operation:
    return migrations.AddField("order", "more", models.IntegerField(**options))


def python(code: Any = fill, *reverse: Any) -> Operation:
    return migrations.RunPython(code, *reverse)


INDEX = models.Index(fields=["word"], name="by_word")
ONCE = models.UniqueConstraint(fields=["word"], name="once")
CHECK = models.CheckConstraint(condition=models.Q(number__gt=0), name="positive")
KEY = models.ForeignKey("shop.Customer", models.CASCADE, null=True)
MORE_ROOM = migrations.AlterField("order", "word", models.CharField(max_length=90))
LESS_ROOM = migrations.AlterField("order", "word", models.CharField(max_length=9))
NOT_NULL = migrations.AlterField("order", "number", models.IntegerField())
UNIQUE = migrations.AlterField("order", "number", models.IntegerField(null=True, unique=True))
TOGETHER = migrations.AlterUniqueTogether("order", {("word", "number")})
RENAME, RETABLE = migrations.RenameField("order", "word", "text"), migrations.RenameModel("Order", "Purchase")
CONCURRENTLY = "CREATE INDEX CONCURRENTLY i ON t (c)"

LABELLED = [
    Labelled(LINTER, "NOT_NULL", (required(default=0),), ("AM403",)),
    Labelled(LINTER, "NOT_NULL (`db_default=None`)", (required(db_default=None),), ("AM403",)),
    Labelled(LINTER, "NOT_NULL (of a column that is there)", (NOT_NULL,), ("AM104", "AM404")),
    Labelled(LINTER, "DROP_COLUMN", (migrations.RemoveField("order", "word"),), ("AM301",)),
    Labelled(LINTER, "DROP_TABLE", (migrations.DeleteModel("Order"),), ("AM302",)),
    Labelled(LINTER, "RENAME_COLUMN", (RENAME,), ("AM401",)),
    Labelled(LINTER, "RENAME_TABLE", (RETABLE,), ("AM402",)),
    Labelled(LINTER, "ALTER_COLUMN", (LESS_ROOM,), ("AM102", "AM303")),
    Labelled(LINTER, "ALTER_COLUMN (more room)", (MORE_ROOM,), purpose="the values stay as they are, and old ones fit"),
    Labelled(LINTER, "ADD_UNIQUE", (TOGETHER,), ("AM107", "AM405")),
    Labelled(LINTER, "CREATE_INDEX", (migrations.AddIndex("order", INDEX),), ("AM109",)),
    Labelled(LINTER, "CREATE_INDEX_EXCLUSIVE", (required(null=True), migrations.AddIndex("order", INDEX)), ("AM109",)),
    Labelled(LINTER, "DROP_INDEX", ("DROP INDEX i",), ("AM110",)),
    Labelled(LINTER, "REINDEX", ("REINDEX TABLE t",), ("AM111",)),
    Labelled(LINTER, "RUNPYTHON_REVERSIBLE", (python(),), ("AM504",)),
    Labelled(LINTER, "RUNSQL_REVERSIBLE", (migrations.RunSQL("UPDATE t SET c = 1 WHERE id = 1"),), ("AM504",)),
    Labelled(LINTER, "DATA_MIGRATION_MIXED", (required(null=True), python()), ("AM501",)),
    Labelled(LINTER, "RUNPYTHON_MODEL_IMPORT", missed="models that are imported where `apps.get_model` is meant"),
    Labelled(LINTER, "RUNPYTHON_ARGS_NAMING_CONVENTION", purpose=STYLE),
    Labelled(LINTER, "RUNPYTHON_MODEL_VARIABLE_NAME", purpose=STYLE),
    Labelled(SAFE, "SM001 not_null_without_default", (required(default=0),), ("AM403",)),
    Labelled(SAFE, "SM002 drop_column_unsafe", (migrations.RemoveField("order", "word"),), ("AM301",)),
    Labelled(SAFE, "SM003 drop_table_unsafe", (migrations.DeleteModel("Order"),), ("AM302",)),
    Labelled(
        SAFE,
        "SM004 alter_column_type",
        (migrations.AlterField("order", "number", models.BigIntegerField(null=True)),),
        ("AM102",),
    ),
    Labelled(SAFE, "SM005 add_foreign_key_validates", (migrations.AlterField("order", "loose", KEY),), ("AM106",)),
    Labelled(SAFE, "SM006 rename_column", (RENAME,), ("AM401",)),
    Labelled(SAFE, "SM007 run_sql_unsafe", (migrations.RunSQL("SELECT 1"),), ("AM504",)),
    Labelled(SAFE, "SM008 large_data_migration", (python(),), ("AM502",)),
    Labelled(SAFE, "SM009 add_unique_constraint", (migrations.AddConstraint("order", ONCE),), ("AM107", "AM405")),
    Labelled(SAFE, "SM010 index_not_concurrent", (migrations.AddIndex("order", INDEX),), ("AM109",)),
    Labelled(SAFE, "SM011 unique_constraint_not_concurrent", (migrations.AddConstraint("order", ONCE),), ("AM107",)),
    Labelled(
        SAFE,
        "SM012 enum_add_value_transaction",
        ("ALTER TYPE e ADD VALUE 'v'",),
        purpose="PostgreSQL has taken it in a transaction since 12; only using the value there fails",
    ),
    Labelled(SAFE, "SM013 alter_varchar_length", (LESS_ROOM,), ("AM102", "AM303")),
    Labelled(SAFE, "SM014 rename_model", (RETABLE,), ("AM402",)),
    Labelled(SAFE, "SM015 alter_unique_together", (TOGETHER,), ("AM107",)),
    Labelled(SAFE, "SM016 run_python_no_reverse", (python(),), ("AM504",)),
    Labelled(SAFE, "SM017 add_check_constraint", (migrations.AddConstraint("order", CHECK),), ("AM105", "AM405")),
    Labelled(SAFE, "SM018 concurrent_in_atomic_migration", (CONCURRENTLY,), ("AM201",)),
    Labelled(SAFE, "SM019 reserved_keyword_column", purpose="Django and all that is offered here quote names"),
    Labelled(SAFE, "SM020 alter_field_null_false", (NOT_NULL,), ("AM104", "AM404")),
    Labelled(SAFE, "SM021 alter_field_unique", (UNIQUE,), ("AM107", "AM405")),
    Labelled(
        SAFE,
        "SM022 expensive_default_callable",
        (migrations.AddField("order", "at", models.DateTimeField(default=int)),),
        ("AM403",),
    ),
    Labelled(
        SAFE,
        "SM023 add_many_to_many",
        (migrations.AddField("order", "all", models.ManyToManyField("Customer")),),
        ("AM113",),
    ),
    Labelled(
        SAFE, "SM024 sql_injection_pattern", purpose="a migration's texts are its author's; nobody else writes in them"
    ),
    Labelled(
        SAFE, "SM025 fk_without_index", purpose="it slows down and stops nothing; Django makes the index unless told"
    ),
    Labelled(SAFE, "SM026 run_python_no_batching", (python(fill_each),), ("AM502",)),
    Labelled(SAFE, "SM027 missing_merge_migration", purpose="the run stops at it by itself (exit code 7)"),
    Labelled(SAFE, "SM028 prefer_bigint_over_int", purpose=STYLE),
    Labelled(
        SAFE,
        "SM029 drop_not_null",
        (migrations.AlterField("order", "word", models.CharField(max_length=50, null=True)),),
        purpose=LOOSENS,
    ),
    Labelled(
        SAFE, "SM030 require_concurrent_index_delete", (migrations.RemoveIndex("order", "by_number"),), ("AM110",)
    ),
    Labelled(SAFE, "SM031 prefer_text_over_varchar", purpose=STYLE),
    Labelled(SAFE, "SM032 prefer_timestamptz", purpose=STYLE),
    Labelled(SAFE, "SM033 adding_field_with_default", (required(default=0),), ("AM403",)),
    Labelled(SAFE, "SM034 prefer_identity", purpose=STYLE),
    Labelled(SAFE, "SM035 require_lock_timeout", purpose="every run sets its own, and queues nobody behind a lock"),
    Labelled(SAFE, "SM036 prefer_if_exists", purpose="what is done is recorded with it, so that nothing is done twice"),
    Labelled(SQUAWK, "adding-field-with-default", ("ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()",), ("AM101",)),
    Labelled(
        SQUAWK, "adding-foreign-key-constraint", ("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u (id)",), ("AM106",)
    ),
    Labelled(SQUAWK, "adding-not-nullable-field", ("ALTER TABLE t ALTER c SET NOT NULL",), ("AM104", "AM404")),
    Labelled(SQUAWK, "adding-required-field", ("ALTER TABLE t ADD c integer NOT NULL",), ("AM403",)),
    Labelled(SQUAWK, "adding-serial-primary-key-field", ("ALTER TABLE t ADD c serial PRIMARY KEY",), ("AM101",)),
    Labelled(SQUAWK, "ban-alter-domain-with-add-constraint", ("ALTER DOMAIN d ADD CHECK (value > 0)",), ("AM105",)),
    Labelled(SQUAWK, "ban-alter-generated-expression", ("ALTER TABLE t ALTER c SET EXPRESSION AS (d)",), ("AM103",)),
    Labelled(SQUAWK, "ban-alter-identity", missed="`SET GENERATED ALWAYS`, after which nobody may give a number"),
    Labelled(SQUAWK, "ban-char-field", purpose=STYLE),
    Labelled(SQUAWK, "ban-concurrent-index-creation-in-transaction", (CONCURRENTLY,), ("AM201",)),
    Labelled(
        SQUAWK,
        "ban-create-domain-with-constraint",
        purpose="nothing is of a new domain; that it is hard to change later is no harm to this deploy",
    ),
    Labelled(SQUAWK, "ban-disable-trigger", ("ALTER TABLE t DISABLE TRIGGER x",), ("AM115",)),
    Labelled(SQUAWK, "ban-drop-column", ("ALTER TABLE t DROP COLUMN c",), ("AM301",)),
    Labelled(SQUAWK, "ban-drop-constraint", ("ALTER TABLE t DROP CONSTRAINT k",), purpose=LOOSENS),
    Labelled(SQUAWK, "ban-drop-database", ("DROP DATABASE d",), ("AM302",)),
    Labelled(SQUAWK, "ban-drop-default", ("ALTER TABLE t ALTER c DROP DEFAULT",), ("AM407",)),
    Labelled(SQUAWK, "ban-drop-domain", ("DROP DOMAIN d",), ("AM410",)),
    Labelled(SQUAWK, "ban-drop-extension", ("DROP EXTENSION e",), ("AM410",)),
    Labelled(SQUAWK, "ban-drop-function", ("DROP FUNCTION f",), ("AM410",)),
    Labelled(SQUAWK, "ban-drop-generated-expression", ("ALTER TABLE t ALTER c DROP EXPRESSION",), ("AM407",)),
    Labelled(SQUAWK, "ban-drop-index", ("DROP INDEX i",), ("AM110",)),
    Labelled(SQUAWK, "ban-drop-not-null", ("ALTER TABLE t ALTER c DROP NOT NULL",), purpose=LOOSENS),
    Labelled(SQUAWK, "ban-drop-policy", ("DROP POLICY p ON t",), ("AM115",)),
    Labelled(SQUAWK, "ban-drop-schema", ("DROP SCHEMA s CASCADE",), ("AM302",)),
    Labelled(SQUAWK, "ban-drop-sequence", ("DROP SEQUENCE s",), ("AM410",)),
    Labelled(SQUAWK, "ban-drop-table", ("DROP TABLE t",), ("AM302",)),
    Labelled(SQUAWK, "ban-drop-trigger", ("DROP TRIGGER x ON t",), ("AM115",)),
    Labelled(SQUAWK, "ban-drop-type", ("DROP TYPE e",), ("AM410",)),
    Labelled(SQUAWK, "ban-drop-view", ("DROP VIEW v",), ("AM410",)),
    Labelled(
        SQUAWK, "ban-duplicate-column-assignments", missed="`UPDATE t SET c = 1, c = 2`, which the server refuses"
    ),
    Labelled(
        SQUAWK,
        "ban-replace-view-function",
        purpose="a view keeps its columns and a function its type; what they answer is the author's matter",
    ),
    Labelled(SQUAWK, "ban-replica-identity", purpose="it harms no release, only who replicates"),
    Labelled(SQUAWK, "ban-revoke", ("REVOKE SELECT ON t FROM web",), ("AM411",)),
    Labelled(SQUAWK, "ban-set-default", ("ALTER TABLE t ALTER c SET DEFAULT 1",), purpose=LOOSENS),
    Labelled(SQUAWK, "ban-set-schema", ("ALTER TABLE t SET SCHEMA s",), ("AM402",)),
    Labelled(SQUAWK, "ban-truncate-cascade", ("TRUNCATE t CASCADE",), ("AM304",)),
    Labelled(SQUAWK, "ban-uncommitted-transaction", ("BEGIN; UPDATE t SET c = 1 WHERE id = 1; COMMIT",), ("AM204",)),
    Labelled(SQUAWK, "changing-column-type", ("ALTER TABLE t ALTER c TYPE bigint",), ("AM102",)),
    Labelled(SQUAWK, "constraint-missing-not-valid", ("ALTER TABLE t ADD CHECK (c > 0)",), ("AM105",)),
    Labelled(SQUAWK, "disallowed-unique-constraint", ("ALTER TABLE t ADD UNIQUE (c)",), ("AM107", "AM405")),
    Labelled(SQUAWK, "identifier-too-long", (f"ALTER TABLE t ADD {'c' * 64} integer",), ("AM203",)),
    Labelled(SQUAWK, "prefer-* (types, identity, robust statements)", purpose=STYLE),
    Labelled(SQUAWK, "prefer-repack", ("VACUUM FULL t",), ("AM103", "AM201")),
    Labelled(SQUAWK, "renaming-column", ("ALTER TABLE t RENAME c TO d",), ("AM401",)),
    Labelled(SQUAWK, "renaming-object", ("ALTER FUNCTION f() RENAME TO g",), ("AM410",)),
    Labelled(SQUAWK, "renaming-table", ("ALTER TABLE t RENAME TO u",), ("AM402",)),
    Labelled(SQUAWK, "require-concurrent-index-creation", ("CREATE INDEX i ON t (c)",), ("AM109",)),
    Labelled(SQUAWK, "require-concurrent-index-deletion", ("DROP INDEX i",), ("AM110",)),
    Labelled(SQUAWK, "require-concurrent-partition-detach", ("ALTER TABLE t DETACH PARTITION p",), ("AM115",)),
    Labelled(SQUAWK, "require-concurrent-reindex", ("REINDEX INDEX i",), ("AM111",)),
    Labelled(SQUAWK, "require-enum-value-ordering", purpose=STYLE),
    Labelled(SQUAWK, "require-table-schema", purpose=STYLE),
    Labelled(SQUAWK, "require-timeout-settings", purpose="every run sets its own, and queues nobody behind a lock"),
    Labelled(SQUAWK, "transaction-nesting", ("COMMIT",), ("AM204",)),
    Labelled(STRONG, "removing a column", ("ALTER TABLE t DROP COLUMN c",), ("AM301",)),
    Labelled(STRONG, "changing the type of a column", ("ALTER TABLE t ALTER c TYPE bigint",), ("AM102",)),
    Labelled(STRONG, "renaming a column", ("ALTER TABLE t RENAME c TO d",), ("AM401",)),
    Labelled(STRONG, "renaming a table", ("ALTER TABLE t RENAME TO u",), ("AM402",)),
    Labelled(
        STRONG, "creating a table with the force option", ("DROP TABLE t; CREATE TABLE t (id integer)",), ("AM302",)
    ),
    Labelled(STRONG, "adding an auto-incrementing column", ("ALTER TABLE t ADD c bigserial",), ("AM101",)),
    Labelled(
        STRONG,
        "adding a stored generated column",
        ("ALTER TABLE t ADD c integer GENERATED ALWAYS AS (d) STORED",),
        ("AM101",),
    ),
    Labelled(STRONG, "adding a foreign key", ("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u",), ("AM106",)),
    Labelled(STRONG, "adding a check constraint", ("ALTER TABLE t ADD CHECK (c > 0)",), ("AM105",)),
    Labelled(STRONG, "executing SQL directly", ("SELECT 1",), purpose="the SQL is read, and told only if it cannot be"),
    Labelled(STRONG, "backfilling data", (python(),), ("AM502",)),
    Labelled(STRONG, "adding an index non-concurrently", ("CREATE INDEX i ON t (c)",), ("AM109",)),
    Labelled(STRONG, "adding a reference", (migrations.AddField("order", "customer", KEY),), ("AM109", "AM113")),
    Labelled(STRONG, "adding a unique constraint", ("ALTER TABLE t ADD UNIQUE (c)",), ("AM107",)),
    Labelled(STRONG, "adding an exclusion constraint", ("ALTER TABLE t ADD EXCLUDE (c WITH =)",), ("AM108",)),
    Labelled(STRONG, "adding a json column", ("ALTER TABLE t ADD c json",), purpose=TESTED),
    Labelled(
        STRONG,
        "adding a column with a volatile default value",
        ("ALTER TABLE t ADD c float DEFAULT random()",),
        ("AM101",),
    ),
    Labelled(STRONG, "setting NOT NULL on an existing column", ("ALTER TABLE t ALTER c SET NOT NULL",), ("AM104",)),
    Labelled(STRONG, "renaming an enum value", ("ALTER TYPE e RENAME VALUE 'a' TO 'b'",), ("AM406",)),
    Labelled(STRONG, "renaming a schema", ("ALTER SCHEMA s RENAME TO u",), ("AM410",)),
    Labelled(STRONG, "keeping non-unique indexes to three columns or less", purpose=STYLE),
    Labelled(STRONG, "removing an index non-concurrently", ("DROP INDEX i",), ("AM110",)),
    Labelled(EUGENE, "E1 validating a new constraint", ("ALTER TABLE t ADD CHECK (c IS NOT NULL)",), ("AM105",)),
    Labelled(EUGENE, "E2 setting NOT NULL", ("ALTER TABLE t ALTER c SET NOT NULL",), ("AM104",)),
    Labelled(EUGENE, "E3 a new JSON column", ("ALTER TABLE t ADD c json",), purpose=TESTED),
    Labelled(
        EUGENE,
        "E4 more statements after AccessExclusiveLock",
        ("ALTER TABLE t ADD c text", "UPDATE u SET d = 1"),
        ("AM501",),
    ),
    Labelled(EUGENE, "E5 a change of type with a rewrite", ("ALTER TABLE t ALTER c TYPE bigint",), ("AM102",)),
    Labelled(EUGENE, "E6 a new index on a table that is there", ("CREATE INDEX i ON t (c)",), ("AM109",)),
    Labelled(EUGENE, "E7 a new unique constraint", ("ALTER TABLE t ADD UNIQUE (c)",), ("AM107",)),
    Labelled(EUGENE, "E8 a new exclusion constraint", ("ALTER TABLE t ADD EXCLUDE (c WITH =)",), ("AM108",)),
    Labelled(
        EUGENE,
        "E9 a dangerous lock without a timeout",
        purpose="every run sets its own, and queues nobody behind a lock",
    ),
    Labelled(
        EUGENE,
        "E10 a rewrite under another dangerous lock",
        ("ALTER TABLE u ADD c text; ALTER TABLE t ALTER c TYPE bigint",),
        ("AM102",),
    ),
    Labelled(EUGENE, "E11 SERIAL or a stored generated column", ("ALTER TABLE t ADD c serial",), ("AM101",)),
    Labelled(
        EUGENE,
        "W12 several ALTER TABLE where one will do",
        purpose="in one transaction it makes no difference to who waits",
    ),
    Labelled(EUGENE, "W13 creating an enum", purpose=STYLE),
    Labelled(
        EUGENE,
        "W14 a primary key of an index with NULL",
        ("CREATE UNIQUE INDEX i ON t (c)", "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"),
        ("AM104",),
    ),
    Labelled(
        EUGENE,
        "E15 a foreign key without an index",
        purpose="it slows down and stops nothing; Django makes the index unless told",
    ),
]
