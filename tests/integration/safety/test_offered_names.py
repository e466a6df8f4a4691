"""Whatever tables and columns are called, what is offered runs, leads to the same schema and is not found again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.test import override_settings

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import read_plan
from auto_migrate.changes.sql.quoting import quoted_name, quoted_table
from auto_migrate.phases.classify import PhaseClassifier, classify_plan
from auto_migrate.safety.acknowledgements import of_migration
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.integration.safety.offers import migrations_of, schema_of
from tests.integration.safety.pairs import on_one_server

# All of it is `make sweep`.
pytestmark = [on_one_server, pytest.mark.sampled(13)]

APP = "shop"
# By nature these keep the old column or table, or make another beside it.
ELSEWHERE = {"AM102", "AM303", "AM401", "AM402", "AM403", "AM408"}
WITHOUT_PHASES = {"AM404", "AM405", "AM407", "AM411"}
# What somebody has to fill in.
GAP = re.compile(r"\.\.\.|…")


class Names(NamedTuple):
    """What a table and its columns are called."""

    table: str
    word: str
    number: str


NAMES = {
    "plain": Names("shop_item", "word", "number"),
    "reserved": Names("order", "user", "group"),
    "mixed case": Names("Shop Old", "unitPrice", "Total Sum"),
    "unicode": Names("città", "straße", "größe"),
    "schema": Names('sales"."invoice', "word", "order"),
    "60 letters": Names("t" * 60, "w" * 60, "n" * 60),
}


def models_of(names: Names) -> list[Operation]:
    """Return what makes a parent, and items with the columns that operations are about."""
    key = models.BigAutoField(primary_key=True)
    row = f"INSERT INTO {quoted_table(names.table)} ({quoted_name(names.word)}, {quoted_name(names.number)}, known)"
    return [
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS sales", migrations.RunSQL.noop),
        migrations.CreateModel("Parent", [("id", key)]),
        migrations.CreateModel(
            "Item",
            [
                ("id", key),
                ("word", models.CharField(max_length=50, db_column=names.word)),
                ("number", models.IntegerField(null=True, db_column=names.number)),
                ("known", models.CharField(max_length=20, db_index=True, default="")),
                ("sized", models.IntegerField(db_default=3)),
                ("parent", models.ForeignKey("shop.Parent", models.CASCADE, null=True)),
                (
                    "free",
                    models.ForeignKey("shop.Parent", models.CASCADE, null=True, db_constraint=False, related_name="+"),
                ),
            ],
            options={"db_table": names.table, "indexes": [models.Index(fields=["sized"], name="by size")]},
        ),
        # A row, so that what goes through rows does something.
        migrations.RunSQL(f"{row} VALUES ('a', 7, '')", migrations.RunSQL.noop),
    ]


def text(**options: Any) -> models.Field[Any, Any]:
    return models.CharField(**{"max_length": 50, **options})


def positive(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(number__gt=0), name=name)


Case = Callable[[Names], Sequence[Operation]]


def by_sql(*statements: str) -> Case:
    """Return operations of SQL; `{t}`, `{w}` and `{n}` are the table and its columns."""

    def operations(names: Names) -> list[Operation]:
        words = {"t": quoted_table(names.table), "w": quoted_name(names.word), "n": quoted_name(names.number)}
        return [migrations.RunSQL(sql.format(**words), migrations.RunSQL.noop) for sql in statements]

    return operations


CASES: dict[str, tuple[str, Case]] = {
    "uuid": (
        "AM101",
        lambda _: [migrations.AddField("item", "u", models.UUIDField(db_default=RandomUUID(), null=True))],
    ),
    "bigint": (
        "AM102",
        lambda n: [migrations.AlterField("item", "number", models.BigIntegerField(null=True, db_column=n.number))],
    ),
    "not null": ("AM104", lambda n: [migrations.AlterField("item", "number", models.IntegerField(db_column=n.number))]),
    "check": ("AM105", lambda _: [migrations.AddConstraint("item", positive("a check"))]),
    "positive": ("AM105", lambda _: [migrations.AddField("item", "p", models.PositiveIntegerField(null=True))]),
    "key": (
        "AM106",
        lambda _: [
            migrations.AlterField(
                "item", "free", models.ForeignKey("shop.Parent", models.CASCADE, null=True, related_name="+")
            )
        ],
    ),
    "unique": (
        "AM107",
        lambda n: [
            migrations.AlterField("item", "number", models.IntegerField(null=True, unique=True, db_column=n.number))
        ],
    ),
    "unique if": (
        "AM107",
        lambda _: [
            migrations.AddConstraint(
                "item", models.UniqueConstraint(fields=["word"], condition=models.Q(number=1), name="only one")
            )
        ],
    ),
    "unique by": (
        "AM107",
        lambda _: [
            migrations.AddConstraint(
                "item",
                models.UniqueConstraint(models.functions.Lower("word"), name="lower"),
            )
        ],
    ),
    "together": ("AM107", lambda _: [migrations.AlterUniqueTogether("item", {("word", "number")})]),
    "new unique": (
        "AM107",
        lambda n: [
            migrations.AddField("item", "v", models.IntegerField(null=True, unique=True, db_column=f"{n.word[:50]} v"))
        ],
    ),
    "index": ("AM109", lambda _: [migrations.AddIndex("item", models.Index(fields=["word"], name="by word"))]),
    "indexed": (
        "AM109",
        lambda n: [
            migrations.AlterField("item", "number", models.IntegerField(null=True, db_index=True, db_column=n.number))
        ],
    ),
    "index gone": ("AM110", lambda _: [migrations.RemoveIndex("item", "by size")]),
    "not indexed": (
        "AM110",
        lambda _: [migrations.AlterField("item", "known", models.CharField(max_length=20, default=""))],
    ),
    "validated": (
        "AM112",
        lambda _: [AddConstraintNotValid("item", positive("positive n")), ValidateConstraint("item", "positive n")],
    ),
    "another index": (
        "AM202",
        lambda _: [
            migrations.RemoveIndex("item", "by size"),
            migrations.AddIndex("item", models.Index(fields=["sized", "number"], name="by both")),
        ],
    ),
    "column gone": ("AM301", lambda _: [migrations.RemoveField("item", "word")]),
    "key gone": ("AM301", lambda _: [migrations.RemoveField("item", "parent")]),
    "table gone": ("AM302", lambda _: [migrations.DeleteModel("item")]),
    "shorter": ("AM303", lambda n: [migrations.AlterField("item", "word", text(max_length=9, db_column=n.word))]),
    "smaller": (
        "AM303",
        lambda n: [migrations.AlterField("item", "number", models.SmallIntegerField(null=True, db_column=n.number))],
    ),
    "renamed": ("AM401", lambda _: [migrations.AlterField("item", "word", text(db_column="another"))]),
    "field renamed": ("AM401", lambda _: [migrations.RenameField("item", "known", "unknown")]),
    "table renamed": ("AM402", lambda _: [migrations.AlterModelTable("item", "another")]),
    "required": ("AM403", lambda _: [migrations.AddField("item", "r", models.IntegerField(default=1))]),
    "null refused": (
        "AM404",
        lambda n: [migrations.AlterField("item", "number", models.IntegerField(db_column=n.number))],
    ),
    "refusing": ("AM405", lambda _: [migrations.AddConstraint("item", positive("a check"))]),
    "sql refusing": ("AM405", by_sql('CREATE UNIQUE INDEX "A b" ON {t} ({w})')),
    "revoked": ("AM411", by_sql("REVOKE INSERT ON {t} FROM PUBLIC")),
    "default gone": ("AM407", lambda _: [migrations.AlterField("item", "sized", models.IntegerField())]),
    "as text": ("AM408", lambda n: [migrations.AlterField("item", "number", text(null=True, db_column=n.number))]),
    "waits": ("AM409", lambda _: [migrations.RemoveField("item", "word")]),
    "key waits": ("AM409", lambda _: [migrations.RemoveField("item", "parent")]),
    "table waits": ("AM409", lambda _: [migrations.DeleteModel("item")]),
    "sql not null": ("AM104", by_sql("ALTER TABLE {t} ALTER COLUMN {n} SET NOT NULL")),
    "sql check": ("AM105", by_sql('ALTER TABLE {t} ADD CONSTRAINT "A b" CHECK ({n} > 0 AND {w} <> $$it\'s$$)')),
    "sql unnamed check": ("AM105", by_sql("ALTER TABLE {t} ADD CHECK ({n} > 0)")),
    "sql key": (
        "AM106",
        by_sql("ALTER TABLE {t} ADD FOREIGN KEY (free_id) REFERENCES shop_parent (id) ON DELETE CASCADE"),
    ),
    "sql unique": ("AM107", by_sql('ALTER TABLE {t} ADD CONSTRAINT "A b" UNIQUE ({n}, {w})')),
    "sql index": ("AM109", by_sql("CREATE INDEX ON {t} (lower({w}), {n} DESC) INCLUDE (id) WHERE {n} > 0")),
    "sql unique index": ("AM109", by_sql('CREATE UNIQUE INDEX "A b" ON {t} ({w})')),
    "sql reindex": ("AM111", by_sql("REINDEX TABLE {t}")),
    "sql vacuum": ("AM103", by_sql("REFRESH MATERIALIZED VIEW {t}")),
    "sql validated": (
        "AM112",
        by_sql("ALTER TABLE {t} ADD CONSTRAINT k CHECK ({n} > 0) NOT VALID; ALTER TABLE {t} VALIDATE CONSTRAINT k"),
    ),
    "sql column gone": ("AM301", by_sql("ALTER TABLE {t} DROP COLUMN {w}")),
    "sql table gone": ("AM302", by_sql("DROP TABLE {t}")),
}
# Django finds no index of a field on a table in another schema, and leaves it there.
LEFT_BY_DJANGO = {("not indexed", "schema")}
COMBINED = [(case, names) for case in CASES for names in NAMES if (case, names) not in LEFT_BY_DJANGO]


def found(connection: BaseDatabaseWrapper, state: ProjectState, plan: Sequence[Migration]) -> Iterator[tuple[str, str]]:
    """Return the codes of what is found in a plan, each with what is offered instead."""
    graph = MigrationGraph()
    for before, migration in zip((None, *plan), plan, strict=False):
        graph.add_node((APP, migration.name), migration)
        if before is not None:
            graph.add_dependency(migration, (APP, migration.name), (APP, before.name))
    reads = read_plan(connection, [(one, False) for one in plan], state.clone())
    new = NewObjects()
    for read in classify_plan(reads, PhaseClassifier(graph)):
        said = {one.code for one in of_migration(read.migration)}
        for code, hazard in hazards().items():
            for one in hazard.look(read, ServerFacts("postgresql", (18,)), new):
                if code not in said:
                    yield code, one.instead
        for _operation, change in read.changes():
            new.follow(change)


def carried_out(connection: BaseDatabaseWrapper, plan: Sequence[Migration]) -> ProjectState:
    """Carry out migrations from an empty database, and return the state after."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS sales CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    state = ProjectState()
    for migration in plan:
        with connection.schema_editor(atomic=migration.atomic) as editor:
            state = migration.apply(state, editor)
    return state


def migration(name: str, operations: Sequence[Operation], **attributes: Any) -> Any:
    return type("Migration", (Migration,), {"operations": list(operations), **attributes})(name, APP)


def offered(code: str) -> list[Migration]:
    """Return the migrations that an offer is, of Python or of SQL; none of a line for the model."""
    if code.startswith("class Meta") or re.match(r"\w+ = models\.", code):
        compile(code, "<offered>", "exec")
        return []
    if "migrations." in code or "Migration" in code:
        return list(migrations_of(code, APP))
    statements = [line.partition("  --")[0].rstrip(";") for line in code.splitlines() if not line.startswith("--")]
    # Each by itself, as what is concurrent has to be.
    return [
        migration(f"{number:04}_offered", [migrations.RunSQL(sql, migrations.RunSQL.noop)], atomic=False)
        for number, sql in enumerate(statements, start=2)
    ]


@pytest.mark.parametrize(("case", "called"), COMBINED, ids=[f"{case}-{called}" for case, called in COMBINED])
def test_what_is_offered_runs_and_ends_alike(shop: BaseDatabaseWrapper, case: str, called: str) -> None:
    names, (code, hazardous) = NAMES[called], CASES[case]
    before = migration("0001_before", models_of(names), initial=True)
    attributes = {"phase": "post_deploy"} if code == "AM409" else {}
    hazard = migration("0002_hazard", hazardous(names), **attributes)
    # What waits by itself where phases are on is no hazard there.
    with override_settings(AUTO_MIGRATE={"PHASES": code not in WITHOUT_PHASES}):
        state = carried_out(shop, [before])
        offers = [offer for found_code, offer in found(shop, state, [hazard]) if found_code == code]
        assert offers
        given = [offer.replace('reason="..."', 'reason="The old code is gone."') for offer in offers]
        offers = [offer for offer in given if offer and not (code == "AM103" or GAP.search(offer))]
        plans = list(filter(None, map(offered, dict.fromkeys(offers))))
        for plan in plans:
            assert code not in {again for again, _offer in found(shop, state, plan)}, offers
    if plans and code not in ELSEWHERE:
        carried_out(shop, [before, hazard])
        wanted = schema_of(shop)
    for plan in plans:
        carried_out(shop, [before, *plan])
        assert code in ELSEWHERE or schema_of(shop) == wanted, offers
