"""What Django puts off to a migration's end, and the migration touches before that, ends as with Django."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fallback.project import Project
from tests.integration.online.shop import ALWAYS, Shop, steps
from tests.servers import PostgreSQL
from tests.snapshot import snapshot, unordered

HELPERS = """
Add, Alter, Rename = migrations.AddField, migrations.AlterField, migrations.RenameField
together = migrations.AlterUniqueTogether

def index(model, name):
    return migrations.AddIndex(model, models.Index(fields=["n"], name=name))

def key(to, **options):
    return models.ForeignKey(f"shop.{to}", models.CASCADE, **options)

def char(**options):
    return models.CharField(max_length=20, **options)

def model(name, *fields, **options):
    return migrations.CreateModel(name, [("id", models.AutoField(primary_key=True)), *fields], options=options)

def unique(name):
    return models.UniqueConstraint(fields=["n"], condition=models.Q(n__gt=0), name=name)

NUMBER = ("n", models.IntegerField())
INDEXED = ("n", models.IntegerField(db_index=True))
"""
# `Old` has a number and a name and is there before, `New` is not; each has tables of its own for each of these.
SEQUENCES = (
    'model("New", INDEXED), Alter("New", *NUMBER)',
    'model("New", NUMBER), Alter("New", *INDEXED), Alter("New", *NUMBER)',
    'model("New", INDEXED), Rename("New", "n", "m")',
    'model("New", INDEXED), migrations.RenameModel("New", "NewNamed")',
    'model("New", INDEXED), migrations.AlterModelTable("New", "New_table")',
    'model("New", INDEXED), migrations.DeleteModel("New")',
    'model("New", ("c", char(unique=True))), Alter("New", "c", char())',
    'model("New", ("c", char(db_index=True))), Alter("New", "c", models.TextField(db_index=True))',
    'model("New", ("old", key("Old"))), Alter("New", "old", key("Old", null=True))',
    'model("New", ("old", key("Old"))), Alter("New", "old", key("Old", db_constraint=False))',
    'model("New", ("old", key("Old", db_constraint=False))), Alter("New", "old", key("Old"))',
    'model("New", ("old", key("Old"))), Alter("New", "old", key("Other"))',
    'model("New", ("old", key("Old"))), Alter("New", "old", models.OneToOneField("shop.Old", models.CASCADE))',
    'model("New", ("old", models.OneToOneField("shop.Old", models.CASCADE))), Alter("New", "old", key("Old"))',
    'model("New", ("old", key("Old"))), migrations.RenameModel("Old", "OldNamed")',
    'model("New", ("old", key("Old"))), Alter("Old", "id", models.BigAutoField(primary_key=True))',
    'model("New", ("me", key("New", null=True))), migrations.RenameModel("New", "NewNamed")',
    'model("New", ("olds", models.ManyToManyField("shop.Old"))), migrations.RenameModel("New", "NewNamed")',
    'model("New"), Add("New", "olds", models.ManyToManyField("shop.Old")), migrations.AlterModelTable("New", "New_t")',
    'model("New", NUMBER, ("c", char()), unique_together={("n", "c")}), Rename("New", "c", "d")',
    'model("New", NUMBER, ("c", char())), together("New", {("n", "c")}), together("New", set())',
    'model("New", NUMBER, constraints=[unique("New_u")]), migrations.RemoveConstraint("New", "New_u")',
    'model("New", NUMBER, indexes=[models.Index(fields=["n"], name="New_i")]), migrations.RemoveIndex("New", "New_i")',
    'model("New", NUMBER, indexes=[models.Index(fields=["n"], name="New_i")]), Rename("New", "n", "m")',
    'model("New", NUMBER), index("New", "New_i"), migrations.RenameIndex("New", "New_j", old_name="New_i")',
    'migrations.SeparateDatabaseAndState([model("New", INDEXED)], [model("New", INDEXED)]), Alter("New", *NUMBER)',
    'Add("Old", "m", models.IntegerField(null=True, db_index=True)), Alter("Old", "m", models.IntegerField(null=True))',
    'Add("Old", "m", models.IntegerField(null=True, db_index=True)), Rename("Old", "m", "o")',
    'Add("Old", "m", models.IntegerField(null=True, db_index=True)), migrations.RemoveField("Old", "m")',
    'Add("Old", "m", models.IntegerField(null=True, db_index=True)), migrations.RenameModel("Old", "OldNamed")',
    'Add("Old", "d", char(null=True, unique=True)), Alter("Old", "d", char(null=True))',
    'Add("Old", "other", key("Other", null=True)), Alter("Old", "other", key("Other"))',
    'Add("Old", "other", key("Other", null=True)), Rename("Old", "other", "another")',
    'Alter("Old", *INDEXED), Alter("Old", *NUMBER)',
    'Alter("Old", "c", char(unique=True)), Rename("Old", "c", "d")',
)
STOCK: dict[str, Any] = {"INSTALLED_APPS": ["shop"]}
OURS: dict[str, Any] = {"INSTALLED_APPS": ["auto_migrate", "shop"]}
WAYS = {
    "always": {**OURS, "AUTO_MIGRATE": ALWAYS},
    "never": {**OURS, "AUTO_MIGRATE": {**ALWAYS, "ONLINE": "never"}},
}


def written(folder: Path) -> Project:
    """Write a migration for each of the sequences, in which another table is changed online besides."""
    project = Project(folder)
    project.app("shop")
    olds = "".join(f'model("Old{number}", NUMBER, ("c", char())), ' for number in range(len(SEQUENCES)))
    project.migration("shop", "0001", f'{olds} model("Other", NUMBER)', before=HELPERS)
    for number, sequence in enumerate(SEQUENCES):
        own = sequence.replace("New", f"New{number}").replace("Old", f"Old{number}")
        name, after = f"{number + 2:04}", f"{number + 1:04}"
        project.migration("shop", name, f'index("Other", "other_{number}"), {own}', after=after, before=HELPERS)
    return project


def test_what_is_put_off_and_touched_before_ends_as_with_django(tmp_path: Path, postgresql: PostgreSQL) -> None:
    project, ends = written(tmp_path), {}
    for way, settings in {"stock": STOCK, **WAYS}.items():
        name = f"test_{uuid.uuid4().hex[:12]}"
        project.databases["default"] = postgresql.create_database(name)
        project.settings(**settings)
        done = project.run("migrate" if way == "stock" else "auto_migrate")
        assert done.code == 0, done.text
        ends[way] = unordered(snapshot(postgresql, name))
        postgresql.drop_database(name)
    assert {way: ends["stock"].difference(ends[way]) for way in WAYS} == dict.fromkeys(WAYS, "")


# What teams write: a column, its values, and then that it must have one.
FILLED = """
    Add("item", "m", models.IntegerField(null=True, db_index=True)),
    migrations.RunSQL("UPDATE shop_item SET m = 1"),
    Alter("item", "m", models.IntegerField(db_index=True)),
"""
TOUCHED = """
    Add("item", "kind", key("Kind", null=True)),
    Alter("item", "kind", key("Kind", null=True, db_index=False)),
"""


@pytest.mark.parametrize(("operations", "is_online"), [(FILLED, True), (TOUCHED, False)])
def test_only_what_touches_it_is_carried_out_in_one_transaction(shop: Shop, operations: str, is_online: bool) -> None:
    shop.second(operations, before=HELPERS)
    assert any(steps(shop)) is is_online
    shop.deploy()
