"""A plan that unapplies tells what it does, is refused where that loses data, and not begun where it cannot end."""

from __future__ import annotations

import json

import pytest

from tests.integration.fallback.project import ID, Project

ITEM = f'migrations.CreateModel("Item", [{ID}, ("n", models.IntegerField())])'
NOTE = 'migrations.AddField("Item", "note", models.CharField(max_length=20, default="x"))'
BILL = f'migrations.CreateModel("Bill", [{ID}, ("item", models.ForeignKey("shop.Item", models.CASCADE))])'
NOOP = "migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop)"
FOREVER = "migrations.RunPython(migrations.RunPython.noop)"
OWN = """
class Own(migrations.operations.base.Operation):
    def state_forwards(self, app_label, state):
        pass
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        pass
"""


def shop(project: Project, second: str = NOTE, **more: str) -> Project:
    """Apply a shop of two migrations, with an item in it, and bills of another app that need the second."""
    project.app("shop")
    project.app("bills")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    project.migration("shop", "0002_note", second, after="0001_initial", **more)
    project.migration("shop", "0003_rest", NOOP, after="0002_note")
    project.migration("bills", "0001_initial", BILL, head="initial = True")
    depending = project.folder / "code/bills/migrations/0001_initial.py"
    depending.write_text(depending.read_text().replace("dependencies = []", 'dependencies = [("shop", "0002_note")]'))
    assert project.run("auto_migrate").code == 0
    extra = ", note" if "AddField" in second else ""
    project.query(f"INSERT INTO shop_item (n{extra}) VALUES (1{', 1' if extra else ''})")
    return project


def test_the_plan_of_an_unapply_shows_what_is_done_and_what_is_lost(anywhere: Project) -> None:
    shop(anywhere)
    said = anywhere.run("auto_migrate", "shop", "0001", "--plan")
    assert said.code == 6
    assert "Nothing stops this plan" not in said.text
    assert 'DROP TABLE "bills_bill"' in said.output
    assert 'ALTER TABLE "shop_item" DROP COLUMN "note"' in said.output
    assert "AM301 shop.0002_note:1" in said.output
    assert "Instead:" not in said.output
    assert "Write the migration" not in said.errors
    assert "manage.py auto_migrate shop 0001 --acknowledge AM301:shop.0002_note\n" in said.errors
    assert 'DROP COLUMN "note"' in anywhere.run("auto_migrate", "shop", "0001", "--sql").output


def test_what_loses_data_is_unapplied_when_it_is_acknowledged(project: Project) -> None:
    shop(project)
    refused = project.run("auto_migrate", "shop", "0001")
    assert refused.code == 6
    assert project.recorded == ["shop.0001_initial", "shop.0002_note", "bills.0001_initial", "shop.0003_rest"]
    # The table of bills is empty.
    done = project.run("auto_migrate", "shop", "0001", "--acknowledge", "AM301:shop.0002_note")
    assert done.code == 0, done.text
    assert project.recorded == ["shop.0001_initial"]
    assert project.query("SELECT n FROM shop_item") == [(1,)]


def test_zero_says_that_the_table_goes(project: Project) -> None:
    shop(project)
    said = project.run("auto_migrate", "shop", "zero", "--plan", "--format", "json")
    events = [json.loads(line) for line in said.output.splitlines()]
    [assessed] = [event for event in events if event["event"] == "plan_assessed"]
    assert [(found["code"], found["migration"]) for found in assessed["blocking"]] == [
        ("AM301", "shop.0002_note"),
        ("AM302", "shop.0001_initial"),
    ]


def test_what_a_migration_acknowledges_of_itself_is_meant_of_applying_it(project: Project) -> None:
    head = 'known = __import__("auto_migrate").acknowledge("AM301", reason="another column")'
    shop(project, head=head)
    assert project.run("auto_migrate", "shop", "0001").code == 6


@pytest.mark.parametrize(
    ("second", "place"),
    [
        (f"{NOTE}, {FOREVER}", "shop.0002_note:2 (Raw Python operation)"),
        (f'{NOTE}, migrations.RunSQL("SELECT 1")', "shop.0002_note:2 (Raw SQL operation)"),
        (f"{NOTE}, migrations.SeparateDatabaseAndState([{FOREVER}])", "shop.0002_note:2"),
        (f"{NOTE}, Own()", "shop.0002_note:2"),
    ],
    ids=["python", "sql", "within", "own"],
)
def test_what_has_no_reverse_is_known_before_anything_is_unapplied(project: Project, second: str, place: str) -> None:
    shop(project, second, before=OWN)
    before = project.recorded
    for options in (("--plan",), ("--acknowledge", "AM301:shop.0002_note")):
        said = project.run("auto_migrate", "shop", "0001", *options)
        assert said.code == 6, said.text
        assert f"{place}" in said.errors
        assert "has no reverse and cannot be unapplied. Nothing was changed." in said.errors
        # What can be unapplied is, by the command that it names.
        assert "manage.py auto_migrate shop 0002_note\n" in said.errors
        assert "Nothing stops this plan" not in said.text
    assert project.recorded == before
    assert project.run("auto_migrate", "shop", "0002_note").code == 0
    assert project.recorded == ["shop.0001_initial", "shop.0002_note", "bills.0001_initial"]


def test_a_squash_is_unapplied_as_what_it_replaced(project: Project) -> None:
    shop(project)
    head = 'replaces = [("shop", "0001_initial"), ("shop", "0002_note")]; initial = True'
    project.migration("shop", "0001_squashed_0002", f"{ITEM}, {NOTE}", head=head)
    assert project.run("auto_migrate").code == 0
    said = project.run("auto_migrate", "shop", "zero", "--plan")
    assert said.code == 6
    assert "AM301 shop.0001_squashed_0002:2" in said.output
    assert "AM302 shop.0001_squashed_0002:1" in said.output


def test_an_unapply_that_fails_says_what_stays_and_what_to_type(project: Project) -> None:
    boom = "migrations.RunPython(migrations.RunPython.noop, lambda apps, editor: 1 / 0)"
    shop(project, f"{NOTE}, {boom}")
    said = project.run("auto_migrate", "shop", "zero", AUTO_MIGRATE_BLOCK="never")
    assert said.code == 1
    assert "Nothing of it was taken back; what was unapplied before it stays unapplied." in said.errors
    assert "Still applied: shop.0002_note, shop.0001_initial." in said.errors
    assert "go on: manage.py auto_migrate shop zero;" in said.errors
    assert "deploy again" not in said.errors
    assert project.recorded == ["shop.0001_initial", "shop.0002_note"]


def test_asking_about_one_migration_is_answered_about_it(project: Project) -> None:
    shop(project)
    for target in ("0003", "0003_rest"):
        assert project.run("auto_migrate", "shop", target, "--check").code == 0
    said = project.run("auto_migrate", "shop", "0001", "--check")
    assert said.code == 9
    assert set(said.output.split()) == {"bills.0001_initial", "shop.0002_note", "shop.0003_rest"}
    assert "manage.py auto_migrate shop 0001" in said.errors
    assert project.run("auto_migrate", "nothing", "--check").code == 2


def test_an_unapply_is_told_whole_with_phases_too(project: Project) -> None:
    shop(project)
    project.settings(AUTO_MIGRATE={"PHASES": True})
    said = project.run("auto_migrate", "shop", "0001", "--plan")
    assert said.code == 6
    assert 'DROP COLUMN "note"' in said.output


EXPLORING = """
def back(apps, schema_editor):
    Item = apps.get_model("shop", "Item")
    # Which nothing has asked for yet.
    assert Item.bill_set.rel.related_model.__name__ == "Bill"
    item = Item.objects.get()
    assert (item.note, item.bill_set.count()) == ("1", 0)
    assert not hasattr(Item, "late")
    assert {"Item", "Bill"} <= {model.__name__ for model in apps.get_models()}
    Item.objects.update(n=7)
"""
PICKY = """
def back(apps, schema_editor):
    apps.get_model("shop", "Item").objects.update(n=7)
    if type(apps).__module__.startswith("auto_migrate"):
        raise TypeError("not Django's own")
"""


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
@pytest.mark.parametrize("back", [EXPLORING, PICKY], ids=["exploring", "picky"])
def test_reverse_code_finds_the_models_that_django_gives_it(anywhere: Project, back: str, command: str) -> None:
    shop(anywhere)
    operation = "migrations.RunPython(migrations.RunPython.noop, back)"
    anywhere.migration("shop", "0004_code", operation, after="0003_rest", before=back)
    late = 'migrations.AddField("Item", "late", models.IntegerField(null=True))'
    anywhere.migration("shop", "0005_late", late, after="0004_code")
    assert anywhere.run("auto_migrate").code == 0
    done = anywhere.run(command, "shop", "0003", AUTO_MIGRATE_BLOCK="never")
    assert done.code == 0, done.text
    # What our states cannot give it is tried once more on Django's own, and noted.
    assert ("Error: " in done.notes) is (back == PICKY), done.notes
    assert anywhere.query("SELECT n, note FROM shop_item") == [(7, "1")]
    assert anywhere.recorded[-1] == "shop.0003_rest"
