"""A synthetic project: several apps whose models are made, changed and filled by any number of migrations.

The same numbers always give the same project. One migration in ten computes in Python: it makes rows, follows foreign
keys both ways, filters, updates and deletes, as data migrations do.
"""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

APPS = 10
USER = "settings.AUTH_USER_MODEL"

SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "django.contrib.contenttypes", "django.contrib.auth", {apps}]
if "STOCK" in os.environ:
    INSTALLED_APPS.remove("auto_migrate")
"""

MIGRATION = """
from django.conf import settings
from django.db import migrations, models
{before}

class Migration(migrations.Migration):
    dependencies = [{dependencies}]
    operations = [{operation}]
"""

# What a data migration does: PARENT has a foreign key to it from CHILD.
WORK = """
def work(apps, schema_editor):
    Parent = apps.get_model({parent_app!r}, {parent!r})
    Child = apps.get_model({child_app!r}, {child!r})
    parents = Parent.objects.bulk_create([Parent(title=f"{number} {{i}}") for i in range(20)])
    Child.objects.bulk_create([Child(title=f"of {{parent.title}}", {field}=parent) for parent in parents])
    Parent.objects.filter({query}__title__startswith="of {number} 1").update(title="changed {number}")
    for child in Child.objects.select_related({field!r}).filter({field}__in=parents, title__endswith="5"):
        child.title = child.{field}.title.upper()
        child.save()
    assert parents[0].{accessor}.count() == 1
    Child.objects.filter({field}=parents[1]).delete()
"""

FIELDS = (
    "models.CharField(max_length={small}, blank=True, default='')",
    "models.IntegerField(default={small})",
    "models.TextField(default='', blank=True)",
    "models.BooleanField(default=False)",
    "models.DateTimeField(null=True)",
    "models.DecimalField(max_digits=10, decimal_places=2, null=True)",
)
ALTERED = (
    "models.CharField(max_length={large}, null=True)",
    "models.CharField(max_length={large}, default='x')",
)


@dataclasses.dataclass
class Model:
    """A model as the migrations so far have made it."""

    app: str
    name: str
    texts: list[str]
    columns: list[str]
    # Of each foreign key to a model of this project: its name and where it points to.
    keys: list[tuple[str, Model]]
    made_by: tuple[str, str]
    # Nullable in all but its title, so that any row can be made.


class Mixture:
    """Writes the project into a folder."""

    def __init__(self, folder: Path, migrations: int, *, seed: int = 4) -> None:
        self.folder = folder
        self.count = migrations
        self.random = random.Random(seed)
        self.labels = [f"app{number:02}" for number in range(APPS)]
        self.last: dict[str, str] = {}
        self.models: list[Model] = []

    def write(self) -> None:
        """Write settings and apps."""
        for label in self.labels:
            package = self.folder / label / "migrations"
            package.mkdir(parents=True)
            for file in (package / "__init__.py", package.parent / "__init__.py", package.parent / "models.py"):
                file.touch()
        names = ", ".join(map(repr, self.labels))
        (self.folder / "applied_settings.py").write_text(SETTINGS.format(apps=names))
        for number in range(self.count):
            self._migration(number)

    def _migration(self, number: int) -> None:
        kinds = {self._create: 25, self._add: 20, self._add_key: 10, self._alter: 20, self._index: 15, self._python: 10}
        kind = self._create if number < 20 else self.random.choices(list(kinds), list(kinds.values()))[0]
        kind(number)

    def _create(self, number: int) -> None:
        app = self.labels[number % APPS]
        model = Model(app, f"Model{number}", ["title"], ["title"], [], (app, f"{number:04}_create"))
        fields = ["('id', models.BigAutoField(primary_key=True))", "('title', models.CharField(max_length=100))"]
        for index in range(self.random.randint(3, 7)):
            fields.append(f"('field{index}', {self._field(index)})")
            model.columns.append(f"field{index}")
        needs: list[tuple[str, str]] = []
        keys = range(min(self.random.randint(1, 2), len(self.models)))
        fields += [f"('key{index}', {self._key(model, f'key{index}', needs)})" for index in keys]
        self.models.append(model)
        operation = f"migrations.CreateModel(name={model.name!r}, fields=[{', '.join(fields)}])"
        self._write(model.app, model.made_by[1], operation, needs)

    def _add(self, number: int) -> None:
        model = self.random.choice(self.models)
        name = f"added{number}"
        model.columns.append(name)
        text = f"migrations.AddField({model.name!r}, {name!r}, {self._field(number)})"
        self._write(model.app, f"{number:04}_add", text, [])

    def _add_key(self, number: int) -> None:
        model = self.random.choice(self.models)
        needs: list[tuple[str, str]] = []
        text = f"migrations.AddField({model.name!r}, 'key{number}', {self._key(model, f'key{number}', needs)})"
        self._write(model.app, f"{number:04}_add_key", text, needs)

    def _alter(self, number: int) -> None:
        model = self.random.choice(self.models)
        field = self.random.choice(ALTERED).format(large=100 + number)
        text = f"migrations.AlterField({model.name!r}, 'title', {field})"
        self._write(model.app, f"{number:04}_alter", text, [])

    def _index(self, number: int) -> None:
        model = self.random.choice(self.models)
        fields = [self.random.choice(model.columns), "id"]
        text = f"migrations.AddIndex({model.name!r}, models.Index(fields={fields!r}, name='index{number}'))"
        self._write(model.app, f"{number:04}_index", text, [])

    def _python(self, number: int) -> None:
        child = self.random.choice([model for model in self.models if model.keys])
        field, parent = self.random.choice(child.keys)
        relation = f"{child.name.lower()}_{field}"
        work = WORK.format(
            number=number,
            parent_app=parent.app, parent=parent.name,
            child_app=child.app, child=child.name,
            field=field, query=relation, accessor=relation,
        )  # fmt: skip
        needs = [(parent.app, self.last[parent.app]), (child.app, self.last[child.app])]
        operation = "migrations.RunPython(work, migrations.RunPython.noop)"
        self._write(child.app, f"{number:04}_python", operation, needs, before=work)

    def _field(self, index: int) -> str:
        return FIELDS[index % len(FIELDS)].format(small=self.random.randint(10, 99))

    def _key(self, model: Model, name: str, needs: list[tuple[str, str]]) -> str:
        related = f"related_name='{model.name.lower()}_{name}'"
        if self.random.random() < 0.2:
            needs.append(("auth", "0001_initial"))
            return f"models.ForeignKey({USER}, models.SET_NULL, null=True, {related})"
        target = self.random.choice([other for other in self.models if other is not model])
        model.keys.append((name, target))
        needs.append(target.made_by)
        return f"models.ForeignKey('{target.app}.{target.name}', models.CASCADE, null=True, {related})"

    def _write(self, app: str, name: str, operation: str, needs: list[tuple[str, str]], *, before: str = "") -> None:
        dependencies = [(app, self.last[app])] if app in self.last else []
        dependencies += [need for need in dict.fromkeys(needs) if need not in dependencies]
        text = MIGRATION.format(before=before, operation=operation, dependencies=", ".join(map(repr, dependencies)))
        (self.folder / app / "migrations" / f"{name}.py").write_text(text)
        self.last[app] = name
