"""How many statements lock tables ahead: none on a new database, whose tables nobody uses, and all on one in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.fallback.project import Project
from tests.servers import PostgreSQL

KEY = "('id', models.BigAutoField(primary_key=True))"
COUNT = """
from django.apps import AppConfig
from django.db.backends.signals import connection_created


def tell(execute, sql, params, many, context):
    if "LOCK TABLE" in str(sql):
        print("locked ahead")
    return execute(sql, params, many, context)


def watch(connection, **kwargs):
    connection.execute_wrappers.append(tell)


class Config(AppConfig):
    name = "count"

    def ready(self):
        connection_created.connect(watch)
"""


@pytest.mark.parametrize(("first", "locked"), [("", 0), ("0001", 2)])
def test_tables_are_locked_ahead_where_somebody_may_use_them(
    tmp_path: Path, postgresql: PostgreSQL, database_url: str, first: str, locked: int
) -> None:
    project = Project(tmp_path, database_url)
    project.app("count", migrated=False)
    project.file("count/apps.py", COUNT)
    project.app("shop")
    project.migration("shop", "0001_initial", f"migrations.CreateModel('Item', [{KEY}])")
    for number in (2, 3):
        added = f"migrations.AddField('Item', 'field{number}', models.IntegerField(null=True))"
        project.migration("shop", f"000{number}_add", added, after=("0001_initial", "0002_add")[number - 2])
    if first:
        assert project.run("auto_migrate", "shop", first).code == 0
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert done.text.count("locked ahead") == locked
