"""Migrations are recorded where the schema proves that they were applied, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.integration.drift.altered import ALTERED, NAMES, UNTOUCHED, alter, events, write
from tests.integration.fallback.project import ID, Project

MARK = 'def fill(apps, editor):\n    editor.execute("INSERT INTO told_mark (n) VALUES (1)")'


def recorded(project: Project, app: str) -> list[str]:
    """Return the recorded migrations of an app."""
    return [name for (name,) in project.query(f"SELECT name FROM django_migrations WHERE app = '{app}' ORDER BY id")]


def test_nothing_is_recorded_that_is_not_so(tmp_path: Path, database_url: str) -> None:
    apps = [*UNTOUCHED, *ALTERED, "begun", "new"]
    project = write(tmp_path, database_url, apps)
    assert project.run("migrate").code == 0
    assert project.run("migrate", "begun", "0002").code == 0
    assert project.run("migrate", "new", "zero").code == 0
    alter(project)
    project.query("DELETE FROM django_migrations")
    seen = project.run("auto_migrate", "--adopt", "--plan", "--format", "json")
    assert seen.code == 7, seen.text
    assert project.query("SELECT count(*) FROM django_migrations") == [(0,)]
    said = project.run("auto_migrate", "--adopt", "--format", "json")
    assert said.code == 7, said.text
    reached = {**dict.fromkeys(UNTOUCHED, 4), **dict.fromkeys(ALTERED, 0), "begun": 2, "new": 0}
    assert {app: recorded(project, app) for app in apps} == {app: [*NAMES[:count]] for app, count in reached.items()}
    contradicted = events(said.output, "table_contradicted")
    assert {event["app_label"] for event in contradicted} == set(ALTERED)
    for event in contradicted:
        told = {(one["part"], one["kind"]) for one in event["differences"]}
        wanted = ALTERED[event["app_label"]][1]
        # That one column is there in the place of another says nothing, as long as no migration knows it.
        assert told == (wanted - {("column", "extra")} or wanted), event
    (examined,) = events(said.output, "adoption_examined")
    assert examined["pending"] == [f"begun.{name}" for name in NAMES[2:]] + [f"new.{name}" for name in NAMES]
    runs = "SELECT status, exit_code, total FROM auto_migrate_run WHERE requested_by = 'auto_migrate --adopt'"
    assert project.query(runs) == [("failed", 7, len(UNTOUCHED) * len(NAMES) + 2)]


def test_a_run_goes_on_where_the_adoption_ended(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, ["begun", "new", "whole"])
    assert project.run("migrate").code == 0
    assert project.run("migrate", "begun", "0002").code == 0
    assert project.run("migrate", "new", "zero").code == 0
    # A record with gaps, which Django itself takes for inconsistent.
    project.query("DELETE FROM django_migrations WHERE app = 'begun' OR name IN ('0001_initial', '0003_names')")
    assert project.run("auto_migrate").code == 7
    said = project.run("auto_migrate", "--adopt")
    assert said.code == 0, said.text
    assert "Recorded 4 migrations as applied." in said.output
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert [f"Applying {name}" in done.output for name in ("begun.0003", "new.0001", "whole", "begun.0002")] == [
        True, True, False, False,
    ]  # fmt: skip
    again = project.run("auto_migrate", "--adopt")
    assert (again.code, "There is nothing to be recorded." in again.output) == (0, True)
    assert project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift").code == 0


def test_what_no_schema_proves_is_asked(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    project.app("told")
    model = f'migrations.CreateModel("Mark", [{ID}, ("n", models.IntegerField())])'
    project.migration("told", "0001_initial", model, head="initial = True")
    project.migration("told", "0002_fill", "migrations.RunPython(fill)", after="0001_initial", before=MARK)
    field = 'migrations.AddField("mark", "m", models.IntegerField(null=True))'
    project.migration("told", "0003_m", field, after="0002_fill")
    project.migration("told", "0004_last", "migrations.RunPython(fill)", after="0003_m", before=MARK)
    assert project.run("migrate", "told", "0003").code == 0
    project.query("DELETE FROM django_migrations")
    asked = project.run("auto_migrate", "--adopt")
    assert asked.code == 7, asked.text
    assert recorded(project, "told") == []
    assert "--adopt --resolve told.0002_fill=done --resolve told.0004_last=done" in asked.errors
    unasked = project.run("auto_migrate", "--adopt", "--resolve", "told.0003_m=done")
    assert (unasked.code, "--resolve told.0003_m: no schema has to prove that." in unasked.errors) == (2, True)
    # What follows is there: it cannot be to do.
    denied = project.run("auto_migrate", "--adopt", "--resolve", "told.0002_fill=redo")
    assert denied.code == 7
    assert "⏸️  told builds on what is not proven: told.0002_fill" in denied.output
    assert recorded(project, "told") == []
    answers = ["--resolve", "told.0002_fill=done", "--resolve", "told.0004_last=redo"]
    assert project.run("auto_migrate", "--adopt", *answers).code == 0
    assert recorded(project, "told") == ["0001_initial", "0002_fill", "0003_m"]
    assert project.run("auto_migrate").code == 0
    # Once by `migrate`, once by the run after the adoption.
    assert project.query("SELECT count(*) FROM told_mark") == [(2,)]


def test_an_app_of_data_migrations_alone_is_asked_about(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, ["shop"])
    project.app("then")
    fill = MARK.replace("told_mark (n) VALUES (1)", "shop_shelf (size) VALUES (9)")
    project.migration("then", "0001_seed", "migrations.RunPython(fill)", before=fill)
    assert project.run("auto_migrate", "--adopt").code == 0
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations")
    # The second time the record of the other app is there, and this one knows no more than before.
    for _turn in range(2):
        asked = project.run("auto_migrate", "--adopt")
        assert (asked.code, "❓ then.0001_seed" in asked.output) == (7, True), asked.text
        assert (recorded(project, "shop"), recorded(project, "then")) == ([*NAMES], [])
    left = project.run("auto_migrate", "--adopt", "--plan", "--resolve", "then.0001_seed=redo")
    assert (left.code, "left to a run:\n    then: 0001_seed" in left.output) == (0, True), left.text
    assert project.run("auto_migrate", "--adopt", "--resolve", "then.0001_seed=done").code == 0
    assert recorded(project, "then") == ["0001_seed"]


def test_a_table_may_be_named_with_its_schema_and_found_without(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    project.app("shop")
    there = 'options={"db_table": \'sales"."item\'}'
    project.migration(
        "shop",
        "0001_initial",
        f'migrations.CreateModel("Item", [{ID}], {there}), '
        f'migrations.CreateModel("Line", [{ID}, ("item", models.ForeignKey("shop.Item", models.CASCADE))])',
    )
    project.query("CREATE SCHEMA sales")
    project.query(f"ALTER DATABASE {database_url.rpartition('/')[2]} SET search_path = public, sales")
    assert project.run("migrate").code == 0
    said = project.run("auto_migrate", "--plan", "--drift", "--fail-on-drift")
    assert (said.code, "No drift" in said.output, "📎" in said.output) == (0, True, False), said.text
    project.query("DELETE FROM django_migrations")
    assert project.run("auto_migrate", "--adopt").code == 0


def test_of_apps_that_build_on_each_other_the_table_that_lacks_is_told(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    for app in ("one", "two"):
        project.app(app)
    project.migration("one", "0001_initial", ITEM, head='run_before = [("two", "0001_initial")]')
    key = '("item", models.ForeignKey("one.Item", models.CASCADE))'
    project.migration(
        "two",
        "0001_initial",
        f'migrations.CreateModel("Line", [{ID}, {key}])',
        head='run_before = [("one", "0002_lines")]',
    )
    lines = 'migrations.AddField("item", "lines", models.ManyToManyField("two.Line", related_name="+"))'
    project.migration("one", "0002_lines", f"{ADDED}, {lines}", after="0001_initial")
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations; ALTER TABLE one_item_lines DROP COLUMN line_id")
    altered = project.run("auto_migrate", "--adopt")
    assert (altered.code, "column line_id is missing: bigint NOT NULL" in altered.output) == (7, True), altered.text
    project.query("DROP TABLE one_item_lines")
    gone = project.run("auto_migrate", "--adopt")
    assert (gone.code, "❌ one_item_lines (one)" in gone.output) == (7, True), gone.text
    assert recorded(project, "one") == recorded(project, "two") == []


def test_tables_without_an_extension_of_their_migration_are_not_recorded(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    extension = 'CreateExtension("citext")'
    head = "from django.contrib.postgres.operations import CreateExtension"
    beside = f"migrations.SeparateDatabaseAndState(database_operations=[{extension}])"
    for app, operations in (("one", f"{extension}, {ITEM}"), ("two", beside)):
        project.app(app)
        project.migration(app, "0001_initial", operations, head="initial = True", before=head)
    project.migration("two", "0002_item", ITEM, after="0001_initial")
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations; DROP EXTENSION citext")
    said = project.run("auto_migrate", "--adopt")
    assert said.code == 7, said.text
    assert "⏸️  one builds on what is not proven: one.0001_initial" in said.output
    assert "⏸️  two builds on what is not proven: two.0001_initial" in said.output
    assert "in these apps: one, two." in said.errors


def test_an_empty_database_has_nothing_to_adopt(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, ["shop"])
    said = project.run("auto_migrate", "--adopt")
    assert (said.code, "There is nothing to be recorded." in said.output) == (0, True), said.text
    assert project.run("auto_migrate").code == 0
    assert len(recorded(project, "shop")) == len(NAMES)


ITEM = f'migrations.CreateModel("Item", [{ID}, ("name", models.CharField(max_length=9))])'
COMMENTED = 'models.CharField(max_length=9, db_comment="Name")'
DOUBLE = 'models.GeneratedField(expression=models.F("id") * 2, output_field=models.BigIntegerField(), db_persist=True)'
ADDED = 'migrations.AddField("item", "n", models.IntegerField(null=True))'
# What a second migration does, how the tables are altered afterwards, and what is recorded then.
HALVES = {
    "commented": (
        f'migrations.AlterField("item", "name", {COMMENTED})',
        "COMMENT ON COLUMN {app}_item.name IS NULL",
        1,
    ),
    "told": ('migrations.AlterModelTableComment("item", "Told")', "COMMENT ON TABLE {app}_item IS 'Other'", 1),
    "beside": (
        f"migrations.SeparateDatabaseAndState(database_operations=[{ADDED}])",
        "ALTER TABLE {app}_item DROP COLUMN n",
        0,
    ),
    "both": (
        f"migrations.SeparateDatabaseAndState(database_operations=[{ADDED}], state_operations=[{ADDED}])",
        "SELECT 1",
        2,
    ),
    "disabled": (
        'migrations.AddField("item", "up", models.ForeignKey("disabled.Item", models.CASCADE, null=True))',
        "ALTER TABLE {app}_item DISABLE TRIGGER ALL",
        0,
    ),
    "virtual": (
        f'migrations.AddField("item", "double", {DOUBLE})',
        "ALTER TABLE {app}_item DROP COLUMN double, ADD COLUMN double bigint GENERATED ALWAYS AS (id * 2) VIRTUAL",
        0,
    ),
    "narrow": (
        'migrations.AlterField("item", "id", models.BigAutoField(primary_key=True, verbose_name="Number"))',
        "ALTER SEQUENCE {app}_item_id_seq AS integer",
        0,
    ),
}


def test_what_is_there_by_half_is_not_recorded(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    for app, (operations, _altered, _count) in HALVES.items():
        project.app(app)
        project.migration(app, "0001_initial", ITEM, head="initial = True")
        project.migration(app, "0002_more", operations, after="0001_initial")
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations")
    for app, (_operations, altered, _count) in HALVES.items():
        project.query(altered.replace("{app}", app))
    said = project.run("auto_migrate", "--adopt")
    assert {app: len(recorded(project, app)) for app in HALVES} == {app: row[2] for app, row in HALVES.items()}, (
        said.text
    )


def test_what_the_state_alone_has_lost_may_be_there_or_not(tmp_path: Path, database_url: str) -> None:
    project = Project(tmp_path, database_url)
    old = f'migrations.CreateModel("Old", [{ID}])'
    lost = 'migrations.RemoveField("item", "name"), migrations.DeleteModel("Old")'
    dropped = 'migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("item", "name")]),'
    for app, before in (("kept", ""), ("gone", ""), ("dropped", dropped), ("undone", dropped)):
        project.app(app)
        project.migration(app, "0001_initial", f"{ITEM}, {old}", head="initial = True")
        project.migration(
            app,
            "0002_lost",
            f"{before} migrations.SeparateDatabaseAndState(state_operations=[{lost}])",
            after="0001_initial",
        )
        project.migration(app, "0003_n", ADDED, after="0002_lost")
    assert project.run("migrate").code == 0
    project.query("DELETE FROM django_migrations; ALTER TABLE gone_item DROP COLUMN name; DROP TABLE gone_old")
    project.query("ALTER TABLE undone_item ADD COLUMN name varchar(9) NOT NULL")
    said = project.run("auto_migrate", "--adopt")
    counts = {app: len(recorded(project, app)) for app in ("kept", "gone", "dropped", "undone")}
    assert counts == {"kept": 3, "gone": 3, "dropped": 3, "undone": 0}, said.text


def test_a_table_that_is_locked_is_waited_for_and_told(tmp_path: Path, database_url: str) -> None:
    project = write(tmp_path, database_url, ["shop"])
    project.settings(AUTO_MIGRATE={"LOCK_PATIENCE": 0.2})
    assert project.run("migrate").code == 0
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE shop_item IN ACCESS EXCLUSIVE MODE")
        for options in (["--adopt"], ["--plan", "--drift"]):
            said = project.run("auto_migrate", *options, PGOPTIONS="-c statement_timeout=20s")
            assert said.code == 5, said.text
            assert f"shop_item: pid {holder.info.backend_pid}" in said.errors


@pytest.mark.parametrize("option", ["--adopt", "--plan"])
def test_who_may_not_make_temporary_tables_is_told_the_grant(tmp_path: Path, database_url: str, option: str) -> None:
    project = write(tmp_path, database_url, ["shop"])
    name = database_url.rpartition("/")[2]
    role = f"{name}_plain"
    project.query(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    project.query(f"GRANT CONNECT ON DATABASE {name} TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    project.databases["default"] = database_url.replace("//postgres:postgres@", f"//{role}:x@")
    said = project.run("auto_migrate", option, *(["--drift"] if option == "--plan" else []))
    project.databases["default"] = database_url
    project.query(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert said.code == 4, said.text
    assert f"GRANT TEMPORARY ON DATABASE {name} TO {role};" in said.errors
