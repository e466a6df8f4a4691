"""What is read of a part of the state is what is read of all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from auto_migrate.changes.operations import changes_of_schema
from auto_migrate.changes.reading import read_plan
from auto_migrate.changes.state_slices import djangos_own, sliced
from auto_migrate.databases.offline import offline
from auto_migrate.phases.divide import applied
from auto_migrate.safety.plan_assessment import states_before_unapplied

Step = tuple[Operation, ProjectState, ProjectState]


def key() -> tuple[str, models.Field[Any, Any]]:
    """Return a primary key."""
    return "id", models.AutoField(primary_key=True)


def to(model: str, **options: Any) -> models.ForeignKey[Any, Any]:
    """Return a foreign key."""
    return models.ForeignKey(model, models.CASCADE, **options)


OPERATIONS: list[Operation] = [
    migrations.CreateModel("Person", [key(), ("code", models.CharField(max_length=9, unique=True))]),
    migrations.CreateModel("Shop", [key(), ("owner", to("app.Person"))]),
    migrations.CreateModel("Visit", [key(), ("shop", to("app.Shop")), ("by", to("app.Person", to_field="code"))]),
    migrations.CreateModel("Chain", [("shop_ptr", models.OneToOneField("app.Shop", models.CASCADE, primary_key=True,
                                      parent_link=True, auto_created=True))], bases=("app.shop",)),
    migrations.CreateModel("Lonely", [key()]),
    migrations.AddField("Shop", "friends", models.ManyToManyField("app.Person", related_name="+")),
    migrations.CreateModel("Proxy", [], bases=("app.person",), options={"proxy": True}),
    migrations.AddField("Lonely", "above", to("self", null=True)),
    migrations.AddField("Visit", "guest", to("app.Proxy", null=True)),
    migrations.AlterUniqueTogether("Visit", {("shop", "by")}),
    migrations.AddIndex("Visit", models.Index(fields=["shop", "by"], name="visit_idx")),
    migrations.AddConstraint("Visit", models.CheckConstraint(condition=models.Q(shop__gt=0), name="visit_shop")),
    migrations.AlterField("Person", "id", models.BigAutoField(primary_key=True)),
    migrations.AlterField("Person", "code", models.CharField(max_length=20, unique=True)),
    migrations.AlterField("Shop", "id", models.BigAutoField(primary_key=True)),
    migrations.RenameField("Person", "code", "number"),
    migrations.CreateModel("Note", [key(), ("visit", to("app.Visit"))]),
    # A model that others extend cannot be renamed: Django does not mend their bases.
    migrations.RenameModel("Visit", "Call"),
    migrations.AlterModelTable("Shop", "shops"),
    migrations.RemoveField("Shop", "friends"),
    migrations.AlterUniqueTogether("Call", set()),
    migrations.RemoveField("Call", "guest"),
    migrations.DeleteModel("Lonely"),
    migrations.DeleteModel("Note"),
    migrations.DeleteModel("Call"),
]  # fmt: skip


@pytest.fixture
def connection() -> BaseDatabaseWrapper:
    """Return a connection that never connects."""
    return offline("default")


def migration_of(operations: Sequence[Operation]) -> Migration:
    """Return a migration of some operations."""
    kind: type[Migration] = type("Migration", (Migration,), {"operations": operations})
    return kind("0001_all", "app")


def steps(plan: list[Migration]) -> Iterator[Step]:
    """Return every operation with the states around it, none of which was ever rendered."""
    state = ProjectState()
    for migration in plan:
        for operation in migration.operations:
            before = state.clone()
            operation.state_forwards(migration.app_label, state)
            yield operation, before, state.clone()


def told(value: Any) -> Any:
    """Return a change so that it can be compared: Django's fields are equal only to themselves."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: told(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return type(value), parts
    if isinstance(value, type):
        return value.__qualname__
    return str(value.deconstruct()) if hasattr(value, "deconstruct") else value


def read(operation: Operation, app_label: str, connection: BaseDatabaseWrapper, *states: ProjectState) -> list[Any]:
    """Read an operation of Django's."""
    return [told(change) for change in changes_of_schema(operation, app_label, connection, *states, backwards=False)]


def test_every_operation_reads_alike_among_models_that_refer_to_each_other(connection: BaseDatabaseWrapper) -> None:
    migration = migration_of(OPERATIONS)
    seen = 0
    for operation, before, after in steps([migration]):
        part = read(operation, "app", connection, *sliced(operation, "app", before, after))
        assert part == read(operation, "app", connection, before, after), operation.describe()
        seen += len(part)
    assert seen > len(OPERATIONS)


def test_the_migrations_of_django_and_the_service_read_alike(connection: BaseDatabaseWrapper) -> None:
    loader, full = MigrationLoader(None), dict[tuple[str, str], None]()
    for leaf in loader.graph.leaf_nodes():
        full.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    plan = [loader.graph.nodes[node] for node in full]
    labels = [migration.app_label for migration in plan for _operation in migration.operations]
    for app_label, (operation, before, after) in zip(labels, steps(plan), strict=True):
        if not isinstance(operation, migrations.RunPython | migrations.RunSQL):
            part = read(operation, app_label, connection, *sliced(operation, app_label, before, after))
            assert part == read(operation, app_label, connection, before, after), operation.describe()


def test_what_is_unapplied_reads_alike_from_states_that_share_what_none_changes(
    connection: BaseDatabaseWrapper,
) -> None:
    loader: Any = MigrationLoader(None)
    loader.applied_migrations = dict(loader.graph.nodes)
    standing = list(applied(loader))
    plan = [(migration, True) for migration in reversed(standing)]
    lazy = states_before_unapplied(cast("Any", SimpleNamespace(loader=loader, whole=plan)))
    own = {key: djangos_own(state) for key, state in lazy.items()}
    assert len(own) == len(standing)
    kept = {id(model) for state in lazy.values() for model in state.models.values()}
    assert len(kept) < 3 * sum(len(migration.operations) for migration in standing)
    reads = [read_plan(connection, plan, ProjectState(), before=before) for before in (lazy, own)]
    on_demand, in_full = ([told(change) for read in found for _operation, change in read.changes()] for found in reads)
    assert on_demand == in_full
    # What is rendered for each goes with it.
    assert not lazy


def test_a_model_is_read_without_those_that_only_refer_to_it() -> None:
    migration = migration_of([*OPERATIONS[:5], migrations.AddField("Shop", "name", models.TextField())])
    *_others, (operation, before, after) = steps([migration])
    _before, part = sliced(operation, "app", before, after)
    assert set(part.models) == {("app", "shop"), ("app", "person")}


def test_a_model_that_others_extend_is_read_under_its_new_name(connection: BaseDatabaseWrapper) -> None:
    operations = [
        migrations.CreateModel("Person", [key()]),
        migrations.CreateModel("Proxy", [], bases=("app.person",), options={"proxy": True}),
        migrations.RenameModel("Person", "Human"),
        migrations.AddField("Human", "name", models.TextField(null=True)),
    ]
    *_created, rename, add = steps([migration_of(operations)])
    changes = [read(step[0], "app", connection, *sliced(step[0], "app", *step[1:])) for step in (rename, add)]
    assert [[kind.__name__ for kind, _parts in told] for told in changes] == [["RenameTable"], ["AddColumn"]]


def test_what_names_no_model_is_read_with_all_of_them() -> None:
    state = ProjectState()
    assert sliced(migrations.RunSQL("SELECT 1"), "app", state, state) == (state, state)
