"""`assess_migrations` in the repository of a small shop, where no database server can be reached."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.manage import ROOT, run_manage
from tests.repository import Repository
from tests.schemas import ASSESSMENT

# Nobody listens there, and asking would fail at once.
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/nothing"
SETTINGS = """
from tests.projects.base_settings import *

INSTALLED_APPS = ["auto_migrate", "django.contrib.contenttypes", "django.contrib.auth", "shop", "stock"]
AUTO_MIGRATE = {}
"""
HEAD = "import auto_migrate\nfrom django.conf import settings\nfrom django.db import migrations, models\n"
INITIAL = """
class Migration(migrations.Migration):
    initial = True
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations = [
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("note", models.CharField(max_length=20, default="it's %s")),
                ("owner", models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)),
            ],
        ),
    ]
"""
INDEX = """
class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [
        migrations.AddField("order", "extra_{name}", models.IntegerField(null=True)),
        migrations.AddIndex("order", models.Index(fields=["note"], name="{name}")),
    ]
"""
HARMLESS = """
class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [migrations.AddField("order", "harmless", models.IntegerField(null=True))]
"""
DROP = """
class Migration(migrations.Migration):
    dependencies = [("shop", "{after}")]
    operations = [migrations.RemoveField("order", "note")]
"""
ONCE = """
class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("shop", "{after}")]
    operations = [
        migrations.AddConstraint("order", models.UniqueConstraint(fields=["note"], name="note_once")),
    ]
"""
FORMATS = ["text", "json", "github", "sarif", "markdown"]


class Shop(Repository):
    """The repository: `main` has two migrations that nobody judges any more, and `topic` has left it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.write("shop_settings.py", SETTINGS)
        for app in ("shop", "stock"):
            self.write(f"{app}/__init__.py", "")
            self.write(f"{app}/migrations/__init__.py", "")
        self.migration("0001_initial", INITIAL)
        self.index("0002_old_index", "old_idx", after="0001_initial")
        self.commit("first")
        self.git("switch", "--quiet", "--create", "topic")

    def migration(self, name: str, text: str) -> None:
        """Write a migration of the shop."""
        self.write(f"shop/migrations/{name}.py", HEAD + text)

    def index(self, name: str, index: str, *, after: str) -> None:
        """Write a migration that adds a column and builds an index, which is a hazard."""
        self.migration(name, INDEX.format(name=index, after=after))

    def assess(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the command in the repository."""
        env = {"PYTHONPATH": f"{self.folder}:{ROOT}", "DATABASE_URL": UNREACHABLE, **env}
        return run_manage("assess_migrations", *arguments, cwd=self.folder, env=env, settings="shop_settings")

    def judged(self, *arguments: str, **env: str) -> dict[str, Any]:
        """Return the JSON document of a run, which fits its schema; the exit code is what it says."""
        process = self.assess(*arguments, "--format", "json", **env)
        document = dict(json.loads(process.stdout))
        ASSESSMENT.validate(document)
        assert process.returncode == (6 if document["failed"] else 0)
        return document


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return the repository."""
    return Shop(tmp_path / "repository")


def codes(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return the codes found in each migration."""
    return {
        migration["migration"]: [finding["code"] for finding in migration["findings"]]
        for migration in document["migrations"]
    }


def test_the_new_migration_of_a_branch_is_judged_and_fails(shop: Shop) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    process = shop.assess("--since", "main")
    assert process.returncode == 6
    assert "shop.0003_new_index" in process.stdout
    assert "shop.0002_old_index" not in process.stdout
    assert "AM109" in process.stdout
    assert "AddIndexConcurrently" in process.stdout
    assert "1 finding that nobody has acknowledged: AM109:shop.0003_new_index." in process.stderr


def test_a_branch_that_brings_no_migration_passes_in_every_format(shop: Shop) -> None:
    shop.write("shop/views.py", "")
    for name in FORMATS:
        process = shop.assess("--since", "main", "--format", name)
        assert process.returncode == 0, process.stderr
        assert process.stdout
    assert shop.judged("--since", "main")["migrations"] == []


def test_an_old_migration_that_was_edited_is_judged_again_on_the_state_before_it(shop: Shop) -> None:
    shop.index("0003_later", "later_idx", after="0002_old_index")
    shop.commit("later")
    shop.git("switch", "--quiet", "--create", "edit")
    shop.index("0002_old_index", "edited_idx", after="0001_initial")
    assert codes(shop.judged("--since", "topic")) == {"shop.0002_old_index": ["AM109"]}


def test_a_migration_that_comes_too_early_for_its_phase_is_found(shop: Shop) -> None:
    shop.migration("0003_drop_note", DROP.format(after="0002_old_index"))
    shop.migration("0004_harmless", HARMLESS.format(after="0003_drop_note"))
    found = codes(shop.judged("--since", "main", AUTO_MIGRATE_PHASES="true"))
    assert found["shop.0004_harmless"] == ["AM506"]
    assert "AM506" not in str(codes(shop.judged("--since", "main")))


def test_a_declared_phase_is_believed_where_the_settings_have_phases_on(shop: Shop) -> None:
    shop.migration("0003_once", ONCE.format(after="0002_old_index"))
    assert "AM405" in codes(shop.judged("--since", "main"))["shop.0003_once"]
    assert "AM405" not in codes(shop.judged("--since", "main", AUTO_MIGRATE_PHASES="true"))["shop.0003_once"]


def test_only_what_is_named_is_judged_whatever_lies_between(shop: Shop) -> None:
    shop.migration("0003_harmless", HARMLESS.format(after="0002_old_index"))
    shop.index("0004_new_index", "new_idx", after="0003_harmless")
    assert codes(shop.judged("shop.0002", "shop.0004")) == {
        "shop.0002_old_index": ["AM109"],
        "shop.0004_new_index": ["AM109"],
    }


def test_an_app_is_judged_from_nothing(shop: Shop) -> None:
    """The index is on a table that the plan itself makes: nobody waits for it."""
    found = codes(shop.judged("shop", "--fail-level", "never"))
    assert list(found) == ["shop.0001_initial", "shop.0002_old_index"]
    assert "AM109" not in found["shop.0002_old_index"]


def test_with_both_only_what_is_new_among_the_named_is_judged(shop: Shop) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    assert shop.judged("--since", "main", "auth")["migrations"] == []
    assert list(codes(shop.judged("--since", "main", "shop"))) == ["shop.0003_new_index"]


def test_a_squash_of_what_is_applied_is_not_judged(shop: Shop) -> None:
    squash = INITIAL.replace(
        "    initial = True\n", '    replaces = [("shop", "0001_initial"), ("shop", "0002_old_index")]\n'
    )
    shop.migration("0001_squashed_0002", squash)
    shop.index("0003_new_index", "new_idx", after="0001_squashed_0002")
    assert list(codes(shop.judged("--since", "main"))) == ["shop.0003_new_index"]
    assert list(codes(shop.judged("shop.0001_squashed_0002"))) == ["shop.0001_squashed_0002"]


def test_findings_stand_at_the_lines_of_the_repository(shop: Shop) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    [migration] = shop.judged("--since", "main")["migrations"]
    [finding] = migration["findings"]
    assert migration["file"] == "shop/migrations/0003_new_index.py"
    source = (shop.folder / migration["file"]).read_text().splitlines()
    assert "migrations.AddIndex" in source[finding["line"] - 1]


def test_what_the_migration_or_the_settings_or_the_command_line_acknowledges_passes(shop: Shop) -> None:
    known = '    known = auto_migrate.acknowledge("AM109", reason="small")\n    operations'
    acknowledged = INDEX.replace("    operations", known)
    shop.migration("0003_new_index", acknowledged.format(name="new_idx", after="0002_old_index"))
    shop.index("0004_other", "other_idx", after="0003_new_index")
    shop.index("0005_third", "third_idx", after="0004_other")
    settings = SETTINGS.replace("{}", '{"ACKNOWLEDGE": {"AM109:shop.0004_other": "quiet"}}')
    shop.write("shop_settings.py", settings)
    document = shop.judged("--since", "main", "--acknowledge", "AM109:shop.0005_third=at night")
    assert document["counts"] == {"error": 0, "warning": 0, "notice": 0, "acknowledged": 3, "handled": 0}
    reasons = [finding["acknowledged"] for migration in document["migrations"] for finding in migration["findings"]]
    assert reasons == ["small", "quiet", "at night"]


def test_an_acknowledgement_that_matches_nothing_is_told(shop: Shop) -> None:
    shop.migration("0003_harmless", HARMLESS.format(after="0002_old_index"))
    document = shop.judged("--since", "main", "--acknowledge", "AM109:shop.0003_harmless=why not")
    assert [said["code"] for said in document["unmatched"]] == ["AM109"]


@pytest.mark.parametrize(("level", "code"), [("error", 6), ("warning", 6), ("notice", 6), ("never", 0)])
def test_the_fail_level_decides_the_exit_code(shop: Shop, level: str, code: int) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    assert shop.assess("--since", "main", "--fail-level", level).returncode == code


def test_json_and_sarif_are_pure_whatever_migrations_print(shop: Shop) -> None:
    shop.migration("0003_harmless", 'print("hello")\n' + HARMLESS.format(after="0002_old_index"))
    for name in ("json", "sarif"):
        process = shop.assess("--since", "main", "--format", name)
        assert json.loads(process.stdout)
        assert "hello" in process.stderr
    assert shop.assess("--since", "main", "--format", "markdown").stdout.startswith("<!-- auto_migrate")


def test_the_statements_are_told_at_verbosity_2_without_a_server(shop: Shop) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    assert 'CREATE INDEX "new_idx" ON "shop_order"' in shop.assess("--since", "main", "-v", "2").stdout


@pytest.mark.parametrize(
    ("options", "server"),
    [
        ([], {"vendor": "postgresql", "version": "18.0"}),
        (["--server-version", "15.4"], {"vendor": "postgresql", "version": "15.4"}),
        (["--vendor", "postgresql", "--server-version", "13"], {"vendor": "postgresql", "version": "13.0"}),
    ],
)
def test_the_server_is_what_somebody_says_it_is(shop: Shop, options: list[str], server: dict[str, str]) -> None:
    assert shop.judged("shop", "--fail-level", "never", *options)["server"] == server


def test_another_vendor_than_the_settings_name_can_be_judged(shop: Shop) -> None:
    """Whoever tests on SQLite and runs on PostgreSQL."""
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    sqlite = f"sqlite:///{shop.folder}/db.sqlite3"
    here = shop.judged("--since", "main", DATABASE_URL=sqlite)
    there = shop.judged("--since", "main", "--vendor", "postgresql", DATABASE_URL=sqlite)
    assert (here["server"]["vendor"], codes(here)["shop.0003_new_index"]) == ("sqlite", [])
    assert (there["server"]["vendor"], codes(there)["shop.0003_new_index"]) == ("postgresql", ["AM109"])
    assert not (shop.folder / "db.sqlite3").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "manage.py assess_migrations --since origin/main"),
        (["--since", "origin/main"], 2, "git fetch origin main"),
        (["--since", ""], 2, "Git knows no commit ''"),
        (["nowhere"], 2, "nowhere"),
        (["shop", "0002"], 2, "Write app and migration as one: shop.0002"),
        (["shop.0009"], 2, "No migration of 'shop' begins with '0009'"),
        (["shop.zero"], 2, "manage.py showmigrations shop"),
        (["shop", "--server-version", "fifteen"], 2, "'fifteen' is not a version of postgresql"),
        (["shop", "--server-version", "10.11-MariaDB"], 2, "is not a version of postgresql"),
        (["shop", "--vendor", "sqlite", "--server-version", "3"], 2, "'3' is not a version of sqlite"),
        (["shop", "--acknowledge", "AM109"], 2, "CODE:MIGRATION"),
    ],
)
def test_what_makes_no_sense_ends_with_what_to_type(shop: Shop, arguments: list[str], code: int, said: str) -> None:
    process = shop.assess(*arguments)
    assert process.returncode == code
    assert said in process.stderr
    assert "Traceback" not in process.stderr


def test_branches_that_do_not_fit_together_are_told_as_the_release_step_tells_it(shop: Shop) -> None:
    shop.index("0003_one", "one_idx", after="0002_old_index")
    shop.index("0003_two", "two_idx", after="0002_old_index")
    process = shop.assess("--since", "main")
    assert process.returncode == 7
    assert "makemigrations --merge" in process.stderr


def test_a_migration_that_depends_on_nothing_there_is_told(shop: Shop) -> None:
    shop.index("0003_lost", "lost_idx", after="0009_missing")
    process = shop.assess("--since", "main")
    assert process.returncode == 7
    assert "0009_missing" in process.stderr


def test_who_is_refused_what_the_release_step_carries_out_online_is_told_how_to_judge_it_so(shop: Shop) -> None:
    shop.index("0003_new_index", "new_idx", after="0002_old_index")
    process = shop.assess("shop.0003")
    assert process.returncode == 6
    assert "assess_migrations --online" in process.stderr
    assert shop.assess("shop.0003", "--online").returncode == 0
    assert "--online" not in shop.assess("shop.0003", "--vendor", "mysql").stderr
