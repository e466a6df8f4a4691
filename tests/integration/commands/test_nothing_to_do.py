"""`migrate` with nothing to do: as Django's own to whoever listens or reads, and nothing built that nobody looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fallback.project import Project

EARS = """
import sys

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate, pre_migrate


def hear(sender, signal, plan, apps, verbosity, using, stdout, **kwargs):
    name = {id(pre_migrate): "pre", id(post_migrate): "post"}[id(signal)]
    stdout.write(f"{name} {sender.label} {plan} {verbosity} {using}")


def hear_last(sender, apps, stdout, **kwargs):
    from django.conf import settings

    if settings.LOOKS:
        found = sorted(f"{model.__module__} {model._meta.label}" for model in apps.get_models())
        stdout.write(f"{found}")
        stdout.write(f"{[field.name for field in apps.get_model('shop', 'Item')._meta.fields]}")


def tell_imports(sender, stdout, **kwargs):
    if sender.label == "ears" and "QUIET" not in __import__("os").environ:
        found = sorted(name for name in sys.modules if ".migrations.0" in name)
        stdout.write(f"imported: {' '.join(found)}")


class Config(AppConfig):
    name = "ears"

    def ready(self):
        for signal in (pre_migrate, post_migrate):
            signal.connect(hear)
            signal.connect(hear_last, dispatch_uid="ears.last")
        post_migrate.connect(tell_imports)
"""
ITEM = """
class Item(models.Model):
    id = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length={length})
"""
KEY = "('id', models.BigAutoField(primary_key=True, serialize=False))"
CREATE = f"migrations.CreateModel('Item', [{KEY}, ('title', models.CharField(max_length=50))])"
CHANGES = "Your models in app(s): 'shop' have changes that are not yet reflected"


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Return a project whose migrations are applied, and in which somebody listens."""
    project = Project(tmp_path)
    project.settings(INSTALLED_APPS=["auto_migrate", "django.contrib.contenttypes", "django.contrib.auth"], LOOKS=False)
    project.app("shop", ITEM.format(length=50))
    project.migration("shop", "0001_initial", CREATE, head="initial = True")
    project.app("ears", migrated=False)
    project.file("ears/apps.py", EARS)
    assert project.run("migrate", "-v0").code == 0
    # Django looks for differences where there is nothing to apply.
    assert CHANGES not in project.run("migrate").output
    return project


def stock(project: Project, *arguments: str, **env: str) -> str:
    """Return what Django's own command writes."""
    installed = project.read_settings()["INSTALLED_APPS"]
    project.settings(INSTALLED_APPS=[label for label in installed if label != "auto_migrate"])
    try:
        return project.run("migrate", *arguments, **env).output
    finally:
        project.settings(INSTALLED_APPS=installed)


@pytest.mark.parametrize(("verbosity", "looks"), [("-v0", True), ("-v1", False), ("-v2", True)])
def test_receivers_and_readers_get_what_django_gives_them(shop: Project, verbosity: str, looks: bool) -> None:
    shop.settings(LOOKS=looks)
    ours = shop.run("migrate", verbosity, QUIET="1")
    assert ours.code == 0
    assert "post shop [] " in ours.output
    assert ours.output == stock(shop, verbosity, QUIET="1")


def test_nothing_is_built_that_nobody_looks_at(shop: Project) -> None:
    assert "imported: \n" in shop.run("migrate").output
    shop.settings(LOOKS=True)
    assert "shop.migrations.0001_initial" in shop.run("migrate").output


def test_changes_without_a_migration_are_told_every_time(shop: Project) -> None:
    shop.file("shop/models.py", f"from django.db import models\n{ITEM.format(length=60)}")
    for _time in range(2):
        told = shop.run("migrate")
        assert CHANGES in told.output
        assert "shop.migrations.0001_initial" in told.output
    shop.file("shop/models.py", f"from django.db import models\n{ITEM.format(length=50)}")
    assert CHANGES not in shop.run("migrate").output
    assert "imported: \n" in shop.run("migrate").output


def test_what_auto_migrate_leaves_in_between_changes_nothing(shop: Project) -> None:
    assert shop.run("auto_migrate", AUTO_MIGRATE_RELEASE="2").code == 0
    assert "imported: \n" in shop.run("migrate").output


def test_rows_that_django_would_make_again_are_made_again(shop: Project) -> None:
    count = "from django.contrib.auth.models import Permission as P; print(P.objects.count())"
    before = shop.run("shell", "-v0", "-c", count).output
    shop.run("shell", "-c", "from django.contrib.contenttypes.models import ContentType as C; C.objects.all().delete()")
    assert shop.run("shell", "-v0", "-c", count).output != before
    assert "imported: \n" in shop.run("migrate").output
    assert shop.run("shell", "-v0", "-c", count).output == before


def test_what_a_receiver_puts_into_the_plan_is_carried_out(shop: Project) -> None:
    shop.file(
        "ears/more.py",
        """
        from django.db.migrations.loader import MigrationLoader

        def add(sender, plan, **kwargs):
            if not plan:
                plan.append((MigrationLoader(None).get_migration("shop", "0001_initial"), True))
        """,
    )
    shop.file("ears/apps.py", f"{EARS}        from ears.more import add\n        pre_migrate.connect(add)\n")
    told = shop.run("migrate")
    assert "Unapplying shop.0001_initial... OK" in told.output
    assert "post shop [(<Migration shop.0001_initial>, True)]" in told.output


def test_a_part_of_the_migrations_is_djangos_business(shop: Project) -> None:
    assert "Target specific migration: 0001_initial, from shop" in shop.run("migrate", "shop", "0001").output
    assert "Synchronize unmigrated apps: " in shop.run("migrate", "--run-syncdb").output
