"""What the states that are rendered on demand cannot do, Django's own do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fallback.project import ID, Project

TAGS = f"""
    migrations.CreateModel("Tag", [{ID}]),
    migrations.CreateModel("A", [{ID}, ("tags", models.ManyToManyField("shop.Tag"))]),
"""
PROXY = """
    migrations.CreateModel(
        "ATags", [], options={"proxy": True, "indexes": [], "constraints": []}, bases=("shop.a_tags",)
    ),
"""
EVENTS = f"""
    migrations.CreateModel(
        "ATagsEvent", [{ID}, ("tracked", models.ForeignKey("shop.ATags", models.CASCADE, null=True))]
    ),
    migrations.AddField("A", "n", models.IntegerField(null=True)),
    migrations.RunPython(fill),
"""
FILL = """
def fill(apps, schema_editor):
    a = apps.get_model("shop", "A").objects.create(n=1)
    a.tags.add(apps.get_model("shop", "Tag").objects.create())
    row = apps.get_model("shop", "ATags").objects.get()
    apps.get_model("shop", "ATagsEvent").objects.create(tracked=row)
"""


@pytest.fixture
def tracked(anywhere: Project) -> Project:
    """Return a project with a proxy over an automatic table, as those that track many-to-many fields make it."""
    anywhere.app("shop")
    anywhere.migration("shop", "0001_initial", TAGS)
    anywhere.migration("shop", "0002_proxy", PROXY, after="0001_initial")
    anywhere.migration("shop", "0003_events", EVENTS, after="0002_proxy", before=FILL)
    return anywhere


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_a_proxy_over_an_automatic_table_is_migrated(tracked: Project, command: str) -> None:
    done = tracked.run(command)
    assert done.code == 0, done.text
    assert tracked.recorded == ["shop.0001_initial", "shop.0002_proxy", "shop.0003_events"]
    assert tracked.query("SELECT tracked_id FROM shop_atagsevent") == [(1,)]
    # Not by trying twice: the states know what such a model is made of.
    assert "Django's own" not in done.notes


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_it_is_migrated_from_where_the_proxy_is_recorded(tracked: Project, command: str) -> None:
    assert tracked.run(command, "shop", "0002").code == 0
    done = tracked.run(command)
    assert done.code == 0, done.text
    assert tracked.query("SELECT tracked_id FROM shop_atagsevent") == [(1,)]
    assert tracked.run(command).code == 0


def test_it_is_unapplied(tracked: Project) -> None:
    tracked.migration("shop", "0003_events", EVENTS.replace("migrations.RunPython(fill),", ""), after="0002_proxy")
    assert tracked.run("auto_migrate").code == 0
    done = tracked.run("auto_migrate", "shop", "zero")
    assert done.code == 0, done.text
    assert tracked.recorded == []


def test_nothing_false_is_said_of_it(tracked: Project) -> None:
    done = tracked.run("assess_migrations", "shop", "--format=json")
    assert done.code == 0, done.text
    assert "AM507" not in done.output


# A field that cannot be copied as often as the states that are rendered on demand copy it, and counts who makes models.
STUBBORN = """
from django.db import models
from django.db.migrations.state import StateApps


class Stubborn(models.IntegerField):
    # Refuses every registry but Django's own, as code that relies on how Django renders may.
    def contribute_to_class(self, cls, name, **options):
        apps = cls._meta.apps
        if type(apps) is not StateApps and apps.__class__.__module__.startswith("auto_migrate"):
            raise TypeError("only Django's own registry will do")
        super().contribute_to_class(cls, name, **options)
"""
MAKE = f'migrations.CreateModel("B", [{ID}, ("n", fields.Stubborn(default=3))]), migrations.RunPython(fill),'
FILL_B = """
from shop import fields

def fill(apps, schema_editor):
    apps.get_model("shop", "B").objects.create()
"""


@pytest.fixture
def stubborn(anywhere: Project) -> Project:
    """Return a project with a field that our states cannot render."""
    anywhere.app("shop")
    anywhere.file("shop/fields.py", STUBBORN)
    anywhere.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    anywhere.migration("shop", "0002_b", MAKE, after="0001_initial", before=FILL_B)
    anywhere.migration(
        "shop", "0003_more", 'migrations.AddField("B", "m", models.IntegerField(null=True)),', after="0002_b"
    )
    return anywhere


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_what_our_states_cannot_render_is_migrated_on_djangos(stubborn: Project, command: str) -> None:
    done = stubborn.run(command)
    assert done.code == 0, done.text
    assert stubborn.query("SELECT n, m FROM shop_b") == [(3, None)]
    assert stubborn.recorded == ["shop.0001_initial", "shop.0002_b", "shop.0003_more"]
    assert "Django's own state, after TypeError: only Django's own registry will do" in done.notes
    assert done.output.count("Applying shop.0002_b...") == 1
    assert stubborn.query("SELECT status FROM auto_migrate_step") == [("applied",)] * 3


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_a_state_that_cannot_even_be_begun_with_is_djangos(stubborn: Project, command: str) -> None:
    assert stubborn.run(command, "shop", "0002").code == 0
    done = stubborn.run(command)
    assert done.code == 0, done.text
    assert stubborn.recorded[-1] == "shop.0003_more"
    assert stubborn.run(command).code == 0


SABOTEUR = """
from django.apps import AppConfig


class Config(AppConfig):
    name = "saboteur"

    def ready(self):
        from auto_migrate.applying.states import registry

        def broken(*_asked, **_more):
            raise KeyError("sabotage")

        setattr(registry.LazyApps, "{name}", property(broken) if "{name}" == "order" else broken)
"""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
@pytest.mark.parametrize("name", ["__init__", "order", "_closure", "ties", "relations_to"])
def test_whatever_is_wrong_with_our_states_djangos_do(on_postgresql: Project, name: str, command: str) -> None:
    on_postgresql.app("saboteur", migrated=False)
    on_postgresql.file("saboteur/apps.py", SABOTEUR.format(name=name))
    on_postgresql.app("shop")
    on_postgresql.migration("shop", "0001_initial", TAGS)
    on_postgresql.migration("shop", "0002_proxy", PROXY, after="0001_initial")
    on_postgresql.migration("shop", "0003_events", EVENTS, after="0002_proxy", before=FILL)
    last = "migrations.RemoveField('A', 'n'), migrations.RenameModel('Tag', 'Label'),"
    on_postgresql.migration("shop", "0004_last", last, after="0003_events")
    done = on_postgresql.run(command)
    assert done.code == 0, done.text
    assert on_postgresql.query("SELECT tracked_id FROM shop_atagsevent") == [(1,)]
    assert on_postgresql.query("SELECT count(*) FROM shop_label") == [(1,)]
    assert on_postgresql.recorded[-1] == "shop.0004_last"


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_where_nothing_can_be_rolled_back_an_operation_that_sent_nothing_is_done_on_djangos_state(
    tmp_path: Path, mariadb_url: str, command: str
) -> None:
    project = Project(tmp_path, mariadb_url)
    project.app("saboteur", migrated=False)
    project.file("saboteur/apps.py", SABOTEUR.format(name="_closure"))
    project.app("shop")
    project.migration("shop", "0001_initial", TAGS)
    project.migration("shop", "0002_proxy", PROXY, after="0001_initial")
    project.migration("shop", "0003_events", EVENTS, after="0002_proxy", before=FILL)
    done = project.run(command)
    assert done.code == 0, done.text
    assert "is carried out on Django's own state" in done.notes
    assert project.run("auto_migrate", "--check").code == 0


MADE_WITH_ANOTHER = """
from django.db import models


class Many(models.IntegerField):
    # Makes a model beside its own, as fields for sorted relations and translations do.
    def contribute_to_class(self, cls, name, **options):
        super().contribute_to_class(cls, name, **options)
        meta = type("Meta", (), {"app_label": cls._meta.app_label, "apps": cls._meta.apps, "managed": False})
        type(f"Row{cls.__name__}", (models.Model,), {"__module__": cls.__module__, "Meta": meta})
"""


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
def test_a_model_can_extend_what_a_field_of_the_project_makes(anywhere: Project, command: str) -> None:
    anywhere.app("shop")
    anywhere.file("shop/fields.py", MADE_WITH_ANOTHER)
    imports = "from shop import fields"
    anywhere.migration(
        "shop", "0001_initial", f'migrations.CreateModel("A", [{ID}, ("n", fields.Many(default=1))]),', before=imports
    )
    proxy = 'migrations.CreateModel("P", [], options={"proxy": True}, bases=("shop.rowa",)),'
    anywhere.migration("shop", "0002_proxy", proxy, after="0001_initial")
    anywhere.migration("shop", "0003_b", f'migrations.CreateModel("B", [{ID}]),', after="0002_proxy")
    done = anywhere.run(command)
    assert done.code == 0, done.text
    assert anywhere.recorded == ["shop.0001_initial", "shop.0002_proxy", "shop.0003_b"]
    assert "AM507" not in anywhere.run("assess_migrations", "shop", "--format=json").output


COUNTING = """
import pathlib

def note(apps, schema_editor):
    apps.get_model("shop", "A").objects.create()
    with open(pathlib.Path(__file__).parent / "tries", "a") as file:
        file.write("x")
    {end}
"""


@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
@pytest.mark.parametrize(
    ("end", "tries"),
    [
        # It may be the state, and nothing of it was kept.
        ("raise ValueError('no')", 2),
        # The database said so.
        ("schema_editor.execute('SELECT * FROM nowhere')", 1),
        # What was committed would be done twice.
        ("schema_editor.execute('COMMIT'); raise ValueError('no')", 1),
    ],
)
def test_a_migration_that_fails_on_djangos_states_too_fails(
    on_postgresql: Project, command: str, end: str, tries: int
) -> None:
    on_postgresql.app("shop")
    create = f'migrations.CreateModel("A", [{ID}]),'
    on_postgresql.migration("shop", "0001_initial", create)
    before = COUNTING.format(end=end)
    on_postgresql.migration("shop", "0002_note", "migrations.RunPython(note),", after="0001_initial", before=before)
    done = on_postgresql.run(command)
    assert done.code == 1, done.text
    assert done.output.count("Applying shop.0002_note...") == 1
    assert (on_postgresql.folder / "code/shop/migrations/tries").read_text() == "x" * tries
    assert on_postgresql.recorded == ["shop.0001_initial"]
    if tries == 2:
        assert on_postgresql.query("SELECT * FROM shop_a") == []
        assert "ValueError: no" in done.errors


REMEMBERS = """
import pathlib

LEFT = iter("abc")
MARKER = pathlib.Path(__file__).parent / "marker"

def fill(apps, schema_editor):
    {body}
"""
CREATE = "apps.get_model('shop', 'A').objects.create(n={n})"
OF_A_GENERATOR = f"""for n in LEFT:
        {CREATE.format(n="n")}
        if n == "b" and not MARKER.exists():
            MARKER.touch()
            raise {{error}}
"""
OF_A_MARKER = f"""done, _ = MARKER.exists(), MARKER.touch()
    if not done:
        {CREATE.format(n="'a'")}
        raise {{error}}
"""
OF_A_MARKER_AT_LAST = f"""done, _ = MARKER.exists(), MARKER.touch()
    if not done:
        {CREATE.format(n="'a'")}
        {CREATE.format(n="'b'")}
        raise {{error}}
    {CREATE.format(n="'b'")}
"""


@pytest.mark.sampled(5)
@pytest.mark.parametrize("command", ["auto_migrate", "migrate"])
@pytest.mark.parametrize("error", ["ConnectionResetError('no')", "AssertionError('no')", "ValueError('no')"])
@pytest.mark.parametrize("body", [OF_A_GENERATOR, OF_A_MARKER, OF_A_MARKER_AT_LAST])
def test_a_function_that_remembers_its_first_call_leaves_no_row_out(
    anywhere: Project, command: str, body: str, error: str
) -> None:
    anywhere.app("shop")
    create = f'migrations.CreateModel("A", [{ID}, ("n", models.CharField(max_length=1))]),'
    anywhere.migration("shop", "0001_initial", create)
    before = REMEMBERS.format(body=body.format(error=error))
    anywhere.migration("shop", "0002_fill", "migrations.RunPython(fill),", after="0001_initial", before=before)
    done = anywhere.run(command)
    assert done.code == 1, done.text
    assert error.partition("(")[0] in done.errors
    assert anywhere.recorded == ["shop.0001_initial"]
    assert anywhere.query("SELECT * FROM shop_a") == []


def test_what_had_been_raised_at_first_is_told_too(on_postgresql: Project) -> None:
    on_postgresql.app("shop")
    on_postgresql.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    body = "MARKER.exists() and 1 / 0; MARKER.touch(); raise ValueError('the reason')"
    before = REMEMBERS.format(body=body)
    on_postgresql.migration("shop", "0002_fill", "migrations.RunPython(fill),", after="0001_initial", before=before)
    done = on_postgresql.run("auto_migrate")
    assert done.code == 1, done.text
    assert "ZeroDivisionError" in done.errors
    assert "It was tried twice; the first time it had raised ValueError: the reason." in done.errors


def test_a_migration_that_wrote_to_another_database_is_not_tried_twice(project: Project) -> None:
    project.databases["other"] = f"sqlite:///{project.folder}/other.sqlite3"
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    assert project.run("migrate", "--database=other").code == 0
    end = "apps.get_model('shop', 'A').objects.using('other').create(); raise ValueError('no')"
    before = COUNTING.format(end=end)
    project.migration("shop", "0002_note", "migrations.RunPython(note),", after="0001_initial", before=before)
    assert project.run("auto_migrate").code == 1
    assert project.query("SELECT count(*) FROM shop_a", database="other") == [(1,)]


def test_an_operation_outside_transactions_that_sent_nothing_is_done_on_djangos_state(stubborn: Project) -> None:
    stubborn.migration("shop", "0002_b", MAKE, after="0001_initial", before=FILL_B, head="atomic = False")
    done = stubborn.run("auto_migrate")
    assert done.code == 0, done.text
    assert stubborn.query("SELECT n, m FROM shop_b") == [(3, None)]
