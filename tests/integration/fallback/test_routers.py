"""A router may decide by the model, and an alias is left out only where it refuses every one."""

from __future__ import annotations

import pytest

from tests.integration.fallback.project import ID, Project

BY_MODEL = """
class Router:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return (db == "analytics") == (model_name == "visit")
"""
# Cannot be asked without a model.
STRICT = """
class Router:
    def allow_migrate(self, db, app_label, model_name, **hints):
        return (db == "analytics") == (model_name == "visit")
"""
NOWHERE = """
class Router:
    def allow_migrate(self, db, app_label, model_name=None, **hints):
        return db == "default"
"""
MODELS = "class A(models.Model):\n    pass\n\n\nclass Visit(models.Model):\n    pass\n"
OPERATIONS = f'migrations.CreateModel("A", [{ID}]), migrations.CreateModel("Visit", [{ID}]),'
TABLES = "SELECT name FROM sqlite_master WHERE name LIKE 'shop_%'"


@pytest.fixture
def routed(project: Project) -> Project:
    """Return a project with two databases and a router."""
    project.app("shop", MODELS)
    project.migration("shop", "0001_initial", OPERATIONS)
    project.databases["analytics"] = f"sqlite:///{project.folder}/analytics.sqlite3"
    project.settings(DATABASE_ROUTERS=["routers.Router"])
    return project


@pytest.mark.parametrize("router", [BY_MODEL, STRICT], ids=["by model", "not without a model"])
def test_a_database_of_one_model_is_migrated_with_all_databases(routed: Project, router: str) -> None:
    routed.file("routers.py", router)
    done = routed.run("auto_migrate", "--all-databases")
    assert done.code == 0, done.text
    assert routed.query(TABLES) == [("shop_a",)]
    assert routed.query(TABLES, database="analytics") == [("shop_visit",)]
    assert routed.run("auto_migrate", "--all-databases", "--check").code == 0


def test_a_database_that_no_model_may_be_in_is_left_alone(routed: Project) -> None:
    routed.file("routers.py", NOWHERE)
    assert routed.run("auto_migrate", "--all-databases").code == 0
    assert routed.query(TABLES) == [("shop_a",), ("shop_visit",)]
    assert not (routed.folder / "analytics.sqlite3").exists()


def test_a_router_that_raises_is_told(routed: Project) -> None:
    routed.file("routers.py", NOWHERE.replace('return db == "default"', '{}["nothing"]'))
    done = routed.run("auto_migrate", "--all-databases")
    assert done.code == 2, done.text
    assert "A router of DATABASE_ROUTERS raised KeyError: 'nothing'" in done.errors
    assert "Traceback" not in done.text
