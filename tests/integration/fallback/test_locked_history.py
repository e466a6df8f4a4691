"""Somebody keeps the history locked: who it is is told, and a run ends as one that has waited for too long."""

from __future__ import annotations

import psycopg

from tests.integration.fallback.project import ID, Project

ITEM = f'migrations.CreateModel("Item", [{ID}])'
SOON = {"AUTO_MIGRATE_LOCK_PATIENCE": "0.3"}


def test_a_run_tells_who_keeps_its_history_locked_and_ends(on_postgresql: Project) -> None:
    project = on_postgresql
    project.app("shop")
    project.migration("shop", "0001_initial", ITEM, head="initial = True")
    assert project.run("auto_migrate").code == 0
    project.migration(
        "shop", "0002_b", 'migrations.AddField("item", "b", models.IntegerField(null=True))', after="0001_initial"
    )
    with psycopg.connect(project.url, application_name="somebody") as other:
        other.execute("LOCK TABLE auto_migrate_run")
        said = project.run("auto_migrate", "--max-retries", "2", **SOON)
        assert said.code == 5, said.text
        assert "somebody" in said.output, said.text
        assert f"pid {other.info.backend_pid}" in said.errors, said.text
        assert "pg_terminate_backend" in said.errors
        assert project.recorded == ["shop.0001_initial"]
        # Django's own command waits for nobody of whom Django knows nothing.
        done = project.run("migrate", **SOON)
        assert done.code == 0, done.text
        assert "somebody keeps a table of the history" in done.text + done.notes
    assert project.recorded == ["shop.0001_initial", "shop.0002_b"]
