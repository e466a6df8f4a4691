"""Our `migrate` is built on the one that Django would take without us."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

DETECTOR = """
from django.db.migrations.autodetector import MigrationAutodetector


class Detector(MigrationAutodetector):
    pass
"""
COMMAND = """
from django.core.management.commands.{name} import Command as Parent

from views.detector import Detector


class Command(Parent):
    autodetector = Detector
"""
WRAPPING = """
from django.core.management.commands.migrate import Command as Parent


class Command(Parent):
    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--loud", action="store_true")

    def handle(self, *args, **options):
        self.stdout.write(f"before {options['loud']}")
        super().handle(*args, **options)
        self.stdout.write("after")
"""
ANOTHER = """
from django.core.management.base import BaseCommand
from django.core.management.commands.migrate import Command as Djangos
from django.db.migrations.autodetector import MigrationAutodetector


class Command(BaseCommand):
    # No kind of Django's, as those that migrate many schemas are.
    autodetector = MigrationAutodetector
    help = "Migrates everywhere."

    def add_arguments(self, parser):
        parser.add_argument("--everywhere", action="store_true")

    def handle(self, *args, **options):
        self.stdout.write(f"everywhere {options['everywhere']}")
        Djangos(stdout=self.stdout).execute(
            app_label=None, migration_name=None, database="default", verbosity=1, interactive=False, skip_checks=True,
            fake=False, fake_initial=False, plan=False, run_syncdb=False, check_unapplied=False, prune=False,
            force_color=False, no_color=True, stdout=None, stderr=None, traceback=False,
        )
"""
BUILT_ON_OURS = """
from auto_migrate.management.commands.migrate import Command as Parent


class Command(Parent):
    pass
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """Return a project with one migration."""
    project.app("shop")
    project.migration("shop", "0001_initial", f'migrations.CreateModel("A", [{ID}]),')
    return project


def commands(project: Project, app: str, **texts: str) -> None:
    """Write an app with commands."""
    project.app(app, migrated=False)
    project.file(f"{app}/management/__init__.py")
    project.file(f"{app}/management/commands/__init__.py")
    for name, text in texts.items():
        project.file(f"{app}/management/commands/{name}.py", text)


def orders(names: list[str]) -> list[list[str]]:
    """Return every place that one of the apps may stand at, the others in order."""
    return [names, [*names[1:], names[0]], [names[1], names[0], *names[2:]]]


@pytest.mark.parametrize("order", orders(["auto_migrate", "shop", "views"]), ids=" ".join)
def test_makemigrations_and_migrate_of_another_app_agree(shop: Project, order: list[str]) -> None:
    shop.file("views/detector.py", DETECTOR)
    commands(shop, "views", **{name: COMMAND.format(name=name) for name in ("migrate", "makemigrations")})
    shop.file(
        "shop/models.py",
        "from django.db import models\n\n\nclass A(models.Model):\n    id = models.BigAutoField(primary_key=True)\n",
    )
    created = 'migrations.CreateModel("A", [("id", models.BigAutoField(primary_key=True, serialize=False))]),'
    shop.migration("shop", "0001_initial", created)
    shop.settings(INSTALLED_APPS=order)
    for command in (["check"], ["makemigrations", "--check"], ["migrate"], ["auto_migrate"]):
        done = shop.run(*command)
        assert done.code == 0, done.text
    assert shop.recorded == ["shop.0001_initial"]
    if order.index("auto_migrate") < order.index("views"):
        assert ("migrate",) in shop.query("SELECT requested_by FROM auto_migrate_run")


def test_what_the_next_command_does_around_djangos_is_done(shop: Project) -> None:
    commands(shop, "around", migrate=WRAPPING)
    done = shop.run("migrate", "--loud")
    assert done.code == 0, done.text
    lines = done.output.splitlines()
    assert (lines[0], lines[-1]) == ("before True", "after")
    assert "  Applying shop.0001_initial... OK" in lines
    assert shop.query("SELECT requested_by, status, total FROM auto_migrate_run") == [("migrate", "succeeded", 1)]
    assert shop.query("SELECT name, status FROM auto_migrate_step") == [("0001_initial", "applied")]


def test_one_that_is_no_kind_of_djangos_is_carried_out_under_the_lock(shop: Project) -> None:
    commands(shop, "schemas", migrate=ANOTHER)
    done = shop.run("migrate", "--everywhere")
    assert done.code == 0, done.text
    assert "everywhere True" in done.output
    assert "Migrates everywhere." in shop.run("migrate", "--help").output
    assert shop.recorded == ["shop.0001_initial"]
    assert shop.query("SELECT requested_by, status FROM auto_migrate_run") == [("migrate", "succeeded")]


def test_one_that_is_built_on_ours_is_not_its_own_parent(shop: Project) -> None:
    commands(shop, "after", migrate=BUILT_ON_OURS)
    done = shop.run("migrate")
    assert done.code == 0, done.text
    installed = shop.read_settings()["INSTALLED_APPS"]
    shop.settings(INSTALLED_APPS=["after", *installed[:-1]])
    assert shop.run("migrate").code == 0


def test_one_that_cannot_be_imported_says_why(shop: Project) -> None:
    commands(shop, "broken", migrate="import nowhere_to_be_found\n")
    done = shop.run("migrate")
    assert done.code == 1
    assert "nowhere_to_be_found" in done.errors
