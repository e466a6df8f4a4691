"""Random chains of operations make the same models and send the same SQL as with Django's own states."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, models
from django.db import migrations as m
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.utils import ConnectionHandler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker

from auto_migrate.applying.operation_loop import apply_operation
from auto_migrate.applying.states.lazy_state import LazyState, foresee, state_for
from tests.unit.applying.portraits import portrait, portraits

APPS = ("one", "two")
Choose = Callable[[int], int]
# Other chains each time; each takes a third of a second.
CHAINS = 200 if "SWEEP" in os.environ else 5


class Named(models.BigIntegerField):  # type: ignore[type-arg] # the stubs alone make it generic
    """A field of a project's own that names its column after what the database otherwise never sees."""

    def get_attname_column(self) -> tuple[str, str]:
        attname, column = super().get_attname_column()
        return attname, f"{column}_{len(str(self.verbose_name or ''))}"


class Project:
    """What a chain has made so far, as far as it takes to go on: apps, model names, and fields by kind."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = iter(numbers)
        self.count = 0
        self.plain: dict[tuple[str, str], list[str]] = {}
        self.keys: dict[tuple[str, str], list[str]] = {}
        self.fixed: set[tuple[str, str]] = set()

    def choose(self, options: Any) -> Any:
        """Choose one of the options by the next number."""
        options = list(options)
        return options[next(self.numbers) % len(options)]

    def name(self, prefix: str) -> str:
        """Return a name that nothing has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def step(self) -> tuple[str, Operation]:
        """Return the next operation and its app."""
        kinds = [self.create] if len(self.plain) < 2 else [
            self.create, self.child, self.proxy, self.add, self.add_key, self.add_many, self.alter, self.alter_key,
            self.alter_primary, self.rename, self.rename_model, self.remove_key, self.index, self.together,
            self.options, self.table, self.separate, self.delete,
        ]  # fmt: skip
        return self.choose(kinds)()  # type: ignore[no-any-return]

    def _new(self, app: str, fields: list[Any], **options: Any) -> tuple[str, Operation]:
        name = self.name("Model")
        self.plain[app, name] = [field for field, _ in fields if field.startswith("plain")]
        self.keys[app, name] = [field for field, _ in fields if field.startswith("key")]
        return app, m.CreateModel(name, fields, **options)

    def _key(self, kind: Any = models.ForeignKey, **options: Any) -> models.Field[Any, Any]:
        app, name = self.choose(self.plain)
        self.fixed.add((app, name))
        related = self.name("back")
        return kind(f"{app}.{name}", models.CASCADE, null=True, related_name=related, **options)  # type: ignore[no-any-return]

    def create(self) -> tuple[str, Operation]:
        fields: list[Any] = [("id", models.BigAutoField(primary_key=True)), ("plain0", models.IntegerField(default=1))]
        if self.plain and self.choose([True, False]):
            fields.append(("key0", self._key()))
        return self._new(self.choose(APPS), fields)

    def child(self) -> tuple[str, Operation]:
        app, name = self.choose(self.plain)
        self.fixed.add((app, name))
        link = models.OneToOneField(
            f"{app}.{name}", models.CASCADE, parent_link=True, auto_created=True, primary_key=True, serialize=False,
            related_name=self.name("child"),
        )  # fmt: skip
        made = self._new(self.choose(APPS), [(self.name("link"), link)], bases=(f"{app}.{name.lower()}",))
        self.fixed.add((made[0], made[1].name))  # type: ignore[attr-defined]
        return made

    def proxy(self) -> tuple[str, Operation]:
        app, name = self.choose(self.plain)
        self.fixed.add((app, name))
        return app, m.CreateModel(self.name("Proxy"), [], options={"proxy": True}, bases=(f"{app}.{name.lower()}",))

    def add(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        self.plain[app, model].append(name := self.name("plain"))
        field = self.choose([models.IntegerField(default=3), models.CharField(max_length=9, null=True, unique=True)])
        return app, m.AddField(model, name, field, preserve_default=self.choose([True, False]))

    def add_key(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        self.keys[app, model].append(name := self.name("key"))
        return app, m.AddField(model, name, self._key())

    def add_many(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        target = self.choose(self.plain)
        self.fixed |= {(app, model), target}
        field: Any = models.ManyToManyField(".".join(target), related_name=self.name("many"))
        return app, m.AddField(model, self.name("many"), field)

    def alter(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        if not self.plain[app, model]:
            return self.add()
        same = models.BigIntegerField
        field = self.choose(
            [
                same(default=2), same("A label", default=2, help_text="Some help.", choices=[(1, "one"), (2, "two")]),
                same(default=2, db_column=self.name("column")), same(db_default=2), same(db_default=models.Value(2)),
                same(default=2, unique=True), models.TextField(null=True, db_index=True), Named(default=2),
            ]
        )  # fmt: skip
        return app, m.AlterField(model, self.choose(self.plain[app, model]), field)

    def alter_key(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        if not self.keys[app, model]:
            return self.add_key()
        return app, m.AlterField(model, self.choose(self.keys[app, model]), self._key(models.OneToOneField))

    def alter_primary(self) -> tuple[str, Operation]:
        app, model = self.choose([key for key, plain in self.plain.items() if "plain0" in plain] or self.plain)
        if "plain0" not in self.plain[app, model]:
            return self.add()
        return app, m.AlterField(model, "id", self.choose([models.AutoField, models.BigAutoField])(primary_key=True))

    def rename(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        if not self.keys[app, model]:
            return self.add_key()
        old = self.keys[app, model].pop()
        self.keys[app, model].append(new := self.name("key"))
        return app, m.RenameField(model, old, new)

    def rename_model(self) -> tuple[str, Operation]:
        # Django leaves bases behind that name the model.
        free = [key for key in self.plain if key not in self.fixed]
        if not free:
            return self.add()
        app, old = self.choose(free)
        new = self.name("Renamed")
        self.plain[app, new], self.keys[app, new] = self.plain.pop((app, old)), self.keys.pop((app, old))
        return app, m.RenameModel(old, new)

    def remove_key(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        if not self.keys[app, model]:
            return self.add_key()
        return app, m.RemoveField(model, self.keys[app, model].pop())

    def index(self) -> tuple[str, Operation]:
        app, model = self.choose([key for key, plain in self.plain.items() if "plain0" in plain])
        return app, m.AddIndex(model, models.Index(fields=["plain0"], name=self.name("index")))

    def together(self) -> tuple[str, Operation]:
        app, model = self.choose([key for key, plain in self.plain.items() if "plain0" in plain])
        return app, m.AlterUniqueTogether(model, {("id", "plain0")})

    def options(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        return app, m.AlterModelOptions(model, {"verbose_name": self.name("name"), "ordering": ["pk"]})

    def table(self) -> tuple[str, Operation]:
        app, model = self.choose(self.plain)
        return app, m.AlterModelTable(model, self.name("table"))

    def separate(self) -> tuple[str, Operation]:
        app, operation = self.add_key()
        return app, m.SeparateDatabaseAndState([operation], [copy.deepcopy(operation)])

    def delete(self) -> tuple[str, Operation]:
        free = [key for key in self.plain if key not in self.fixed]
        if not free or len(self.plain) < 4:
            return self.add()
        app, model = self.choose(free)
        del self.plain[app, model], self.keys[app, model]
        return app, m.DeleteModel(model)


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def connection(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[BaseDatabaseWrapper]:
    """Return a connection of each vendor, on which operations find no table."""
    # Django closes no connection to a database in memory.
    own = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path_factory.mktemp("fast") / "db.sqlite3")}
    handler = ConnectionHandler({"default": own}) if request.param == "sqlite" else connections
    with django_db_blocker.unblock():
        yield handler["default"]
        handler["default"].close()


def django_does(
    connection: BaseDatabaseWrapper, state: ProjectState, app_label: str, operation: Operation
) -> tuple[ProjectState, list[str]]:
    """Carry an operation out as `Migration.apply` does, but send nothing; give the state after it, and the SQL."""
    _ = state.apps
    before = state.clone()
    operation.state_forwards(app_label, state)
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(app_label, editor, before, state)
    return state, sorted(map(str, editor.collected_sql))


def we_do(
    connection: BaseDatabaseWrapper, state: ProjectState, app_label: str, operation: Operation
) -> tuple[ProjectState, list[str]]:
    """Do the same in our way."""
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        state = apply_operation(Migration("some", app_label), operation, state, editor)
    return state, sorted(map(str, editor.collected_sql))


def explorable(state: ProjectState) -> StateApps:
    """Return the registry that `RunPython` gets."""
    seen = state.clone()
    seen.clear_delayed_apps_cache()
    return seen.apps


@settings(max_examples=CHAINS, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 10_000), min_size=60, max_size=120))
def test_any_chain_of_operations_gives_djangos_models_and_djangos_sql(
    connection: BaseDatabaseWrapper, numbers: list[int]
) -> None:
    project = Project([*numbers, *range(40)])
    django: ProjectState = ProjectState()
    ours: ProjectState = LazyState()
    for number in numbers[::5]:
        app_label, operation = project.step()
        same = copy.deepcopy(operation)
        assert state_for(same, ours) is ours
        if number % 2 and connection.vendor == "postgresql":
            # As those do who want to know the locks of a whole run of operations before the first; SQLite has none.
            portraits(foresee(ours, app_label, [same]).apps)
        django, expected = django_does(connection, django, app_label, operation)
        ours, found = we_do(connection, ours, app_label, same)
        assert found == expected, operation
        label = project.choose(sorted(model._meta.label for model in StateApps([], django.models).get_models()))
        # Only this one is asked for, as a data migration would.
        assert portrait(explorable(ours).get_model(label)) == portrait(StateApps([], django.models).get_model(label))
    assert portraits(explorable(ours)) == portraits(StateApps([], django.models))
