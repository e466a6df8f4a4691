"""Whatever goes wrong in the fingerprint, the long way is taken, and nobody's run ends for it."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

BROKEN = """
from django.apps import AppConfig


class Broken:
    def __repr__(self):
        raise RuntimeError("nothing to show")


class Config(AppConfig):
    name = "shop"

    def ready(self):
        from django.conf import settings
        from django.db.models.signals import post_migrate

        from shop import receivers

        settings.ODD = Broken()
        post_migrate.connect(receivers.look)
"""
RECEIVERS = """
from django.conf import settings


def look(**_signal):
    assert settings.ODD
"""


@pytest.fixture
def broken(project: Project) -> Project:
    """Return a project of which no fingerprint can be had, for a reason that nobody foresaw."""
    project.app("shop")
    project.file("shop/apps.py", BROKEN)
    project.file("shop/receivers.py", RECEIVERS)
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    return project


def test_a_fingerprint_that_raises_ends_no_command(broken: Project) -> None:
    done = broken.run("auto_migrate")
    assert done.code == 0, done.text
    assert "There is no fingerprint: RuntimeError: nothing to show" in done.notes
    for command in (["auto_migrate"], ["auto_migrate", "--check"], ["wait_for_migrations", "--timeout=0"]):
        assert broken.run(*command).code == 0
    assert broken.get("/ready/") == (200, {"status": "ready"})
    assert broken.get("/debug/")[1]["databases"]["default"]["migrations"]["state"] == "up_to_date"


def test_helpers_in_a_folder_without_init_are_imported_by_migrations(project: Project) -> None:
    project.app("shop")
    project.file("shop/migrations/tasks/x.py", "def fill(apps, schema_editor): ...\n")
    operations = f'migrations.CreateModel("A", [{ID}]), migrations.RunPython(fill),'
    project.migration("shop", "0001_initial", operations, before="from .tasks.x import fill")
    done = project.run("auto_migrate")
    assert (done.code, done.notes) == (0, ""), done.text
    for command in (["auto_migrate"], ["auto_migrate", "--check"], ["wait_for_migrations", "--timeout=0"]):
        again = project.run(*command)
        assert (again.code, again.notes) == (0, ""), again.text


DECLARED = """
from shop import declarations


class A(models.Model):
    pass


VIEW = declarations.VIEW
"""
INSTALLING = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate


def install(using, **_signal):
    from django.apps import apps
    from django.db import connections

    # Whose declarations these are nobody can read here.
    declared = [config.models_module.VIEW for config in apps.get_app_configs() if config.label == "shop"]
    with connections[using].cursor() as cursor:
        cursor.execute("DROP VIEW IF EXISTS shop_view")
        cursor.execute(f"CREATE VIEW shop_view AS {declared[0]}")


class Config(AppConfig):
    name = "tools"

    def ready(self):
        post_migrate.connect(install, sender=self)
"""
SEEN = "SELECT * FROM shop_view"


@pytest.fixture
def declaring(project: Project) -> Project:
    """Return a project that declares a view beside its models, and knows no RELEASE."""
    project.app("shop", DECLARED)
    project.file("shop/declarations.py", "from outside.texts import ONE\n\nVIEW = f'SELECT {ONE}'\n")
    project.file("outside/texts.py", "ONE = 1\n")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    return project


def test_what_others_declare_in_the_project_is_installed_when_it_changes_and_only_then(declaring: Project) -> None:
    declaring.app("tools", migrated=False)
    declaring.file("tools/apps.py", INSTALLING)
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query(SEEN) == [(1,)]
    declaring.query("DROP VIEW shop_view")
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query("SELECT name FROM sqlite_master WHERE type = 'view'") == []
    declaring.file("shop/declarations.py", "VIEW = 'SELECT 2'\n")
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query(SEEN) == [(2,)]


def test_what_the_project_imports_from_elsewhere_counts_too(declaring: Project) -> None:
    declaring.app("tools", migrated=False)
    declaring.file("tools/apps.py", INSTALLING)
    assert declaring.run("auto_migrate").code == 0
    declaring.file("outside/texts.py", "ONE = 3\n")
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query(SEEN) == [(3,)]


READING = """
import os
from pathlib import Path

from django.conf import settings

env = os.environ.__getitem__
SQL = Path(__file__).with_name("NUMBER.SQL")
VIEW = ", ".join(["SELECT " + SQL.read_text(), settings.NUMBER, env("NUMBER")])
"""


def test_what_a_declaration_reads_counts(declaring: Project) -> None:
    declaring.app("tools", migrated=False)
    declaring.file("tools/apps.py", INSTALLING)
    declaring.file("shop/declarations.py", READING)
    said = {"sql": 1, "setting": 1, "variable": 1}
    for what in ("", "sql", "setting", "variable"):
        said[what] = 2
        declaring.file("shop/NUMBER.SQL", f"{said['sql']} AS a")
        declaring.settings(NUMBER=f"{said['setting']} AS b")
        done = declaring.run("auto_migrate", NUMBER=f"{said['variable']} AS c")
        assert done.code == 0, done.text
        assert declaring.query(SEEN) == [(said["sql"], said["setting"], said["variable"])]


def test_where_nobody_else_listens_the_projects_code_does_not_count(declaring: Project) -> None:
    assert declaring.run("auto_migrate").code == 0
    declaring.file("shop/declarations.py", "VIEW = 'SELECT 2'\n")
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query("SELECT count(*) FROM auto_migrate_run") == [(1,)]


# What looks like Django's, and does what the project says.
WRAPPING = """
@functools.wraps(create_permissions)
def receiver(using, **_signal):
    install(using)
"""
INHERITED = """
class Views(Command):
    def handle(self, *_arguments, using="default", **_options):
        install(using)


receiver = functools.partial(Views().execute, force_color=False, no_color=False, skip_checks=True)
"""
RECEIVER = """
import functools

from django.contrib.auth.management import create_permissions
from django.core.management.base import BaseCommand as Command
from django.db import connections

VIEW = "SELECT 1"


def install(using):
    with connections[using].cursor() as cursor:
        cursor.execute("DROP VIEW IF EXISTS shop_view")
        cursor.execute(f"CREATE VIEW shop_view AS {VIEW}")
"""
CONNECTING = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Config(AppConfig):
    name = "tools"

    def ready(self):
        from outside.receivers import receiver

        post_migrate.connect(receiver, sender=self, weak=False)
"""


@pytest.mark.parametrize("shape", [WRAPPING, INHERITED])
def test_a_receiver_that_looks_like_djangos_is_the_projects(project: Project, shape: str) -> None:
    project.app("tools", "class A(models.Model):\n    class Meta:\n        managed = False\n", migrated=False)
    project.file("tools/apps.py", CONNECTING)
    project.file("outside/receivers.py", RECEIVER + shape)
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.query(SEEN) == [(1,)]
    project.file("outside/receivers.py", RECEIVER.replace("SELECT 1", "SELECT 2") + shape)
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert project.query(SEEN) == [(2,)]


PATH = "import sys\nfrom pathlib import Path\n\nsys.path.append(str(Path(__file__).parents[1] / 'site-packages'))\n"


def test_a_new_version_of_an_installed_package_is_heard_of(project: Project) -> None:
    project.app("tools", "class A(models.Model):\n    class Meta:\n        managed = False\n", migrated=False)
    project.file("tools/__init__.py", PATH)
    project.file("tools/apps.py", CONNECTING.replace("outside", "declared"))
    project.file("site-packages/declared/__init__.py")
    receiver = RECEIVER.replace('VIEW = "SELECT 1"', "from declared.views import VIEW") + WRAPPING
    project.file("site-packages/declared/receivers.py", receiver)
    project.file("site-packages/declared/views.py", "VIEW = 'SELECT 1'\n")
    version = project.file("site-packages/declared-1.0.dist-info/RECORD", "declared/views.py,sha256=one,1\n").parent
    assert project.run("auto_migrate").code == 0
    project.file("site-packages/declared/views.py", "VIEW = 'SELECT 2'\n")
    version.rename(version.with_name("declared-1.1.dist-info"))
    assert project.run("auto_migrate").code == 0
    assert project.query(SEEN) == [(2,)]
    # Installed from a file, and without a version of its own for each content.
    project.file("site-packages/declared-1.1.dist-info/direct_url.json", "{}")
    assert project.run("auto_migrate").code == 0
    project.file("site-packages/declared/views.py", "VIEW = 'SELECT 3'\n")
    project.file("site-packages/declared-1.1.dist-info/RECORD", "declared/views.py,sha256=two,1\n")
    assert project.run("auto_migrate").code == 0
    assert project.query(SEEN) == [(3,)]


def test_fixtures_that_a_receiver_may_read_count(declaring: Project) -> None:
    declaring.app("tools", migrated=False)
    declaring.file("tools/apps.py", INSTALLING)
    declaring.file("shop/fixtures/initial.xml", "<django-objects version='1.0'/>")
    assert declaring.run("auto_migrate").code == 0
    declaring.query("DROP VIEW shop_view")
    declaring.file("shop/fixtures/initial.xml", "<django-objects version='2.0'/>")
    assert declaring.run("auto_migrate").code == 0
    assert declaring.query(SEEN) == [(1,)]
