"""What is said about a package holds: a difference is noticed, whichever command made it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.examination import Failed, Project, demand_short_way, examine_installed
from corpus.outcome import Outcome, Outcomes, State
from corpus.package import Package
from corpus.ways import FILLED, STOCK
from tests.servers import PostgreSQL

MODELS = """
from django.db import models


class Order(models.Model):
    paid = models.BooleanField(default=False)
"""
MIGRATION = """
import os
from django.db import migrations

def run(apps, schema_editor):
    {body}

class Migration(migrations.Migration):
    dependencies = [("auth", "0001_initial")]
    operations = [migrations.RunPython(run)]
"""
EXECUTE = "schema_editor.execute({statement!r})"
VIEW = EXECUTE.format(statement="CREATE VIEW groups AS SELECT id FROM auth_group")
INDEX = EXECUTE.format(statement="CREATE INDEX biased ON auth_group (id)")
ROW = EXECUTE.format(statement="INSERT INTO auth_group (name) VALUES ('stock')")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """Serve a PostgreSQL of its own: databases are made by fixed names."""
    with PostgreSQL() as started:
        yield started


def examine(
    server: PostgreSQL, folder: Path, body: str, models: tuple[str, ...] = (), *, with_rows: bool = False
) -> Outcome:
    """Examine a package whose one migration does what the body says."""
    migrations = folder / "installed" / "biased" / "migrations"
    migrations.mkdir(parents=True)
    (migrations.parent / "__init__.py").touch()
    (migrations / "__init__.py").touch()
    (migrations / "0001_initial.py").write_text(MIGRATION.format(body=body))
    settings = f"import sys\nsys.path.insert(0, {str(folder / 'installed')!r})\n"
    package = Package("biased==1", ("biased",), settings, models=models)
    return examine_installed(Project(server, package, folder / "project"), with_rows=with_rows)


def test_what_every_way_makes_alike_is_identical(server: PostgreSQL, tmp_path: Path) -> None:
    outcome = examine(server, tmp_path, VIEW, (MODELS, MODELS.replace("False", "True, db_index=True")))
    assert (outcome.state, outcome.said) == (State.EMPTY, {})
    assert (outcome.views, outcome.triggers) == (1, 0)
    assert outcome.tables > 10
    assert {path.stem for path in tmp_path.glob("project/shop/migrations/0*")} == {"0001_release_1", "0002_release_2"}


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"'STOCK' in os.environ and ({INDEX}, {ROW})", "rows of auth_group; schema: CREATE INDEX biased"),
        ("1 / ('STOCK' in os.environ)", "exit 1: "),
    ],
)
def test_a_difference_is_noticed(server: PostgreSQL, tmp_path: Path, body: str, told: str) -> None:
    outcome = examine(server, tmp_path, body)
    assert outcome.state is State.DIFFERENT
    assert told in outcome.said["`auto_migrate`"]
    assert told in outcome.said["`migrate` with the app"]


def test_what_only_filled_tables_show_is_noticed(server: PostgreSQL, tmp_path: Path) -> None:
    """Both commands refuse the rows; without any, one of them leaves another schema than the other."""
    body = f"""
    database = schema_editor.connection.settings_dict["NAME"]
    if database.endswith("_filled") and apps.get_model("auth", "Group").objects.exists():
        open({str(tmp_path)!r} + "/" + database, "w").close()
        1 / 0
    database == "apply_stock_filled" and {INDEX}
    """
    outcome = examine(server, tmp_path, body, with_rows=True)
    assert {path.name for path in tmp_path.glob("apply_*")} == {"apply_stock_filled", "apply_online_filled"}
    assert outcome.said == {FILLED.name: "schema: CREATE INDEX biased ON public.auth_group USING btree (id);"}


def test_what_stock_cannot_do_is_no_difference(server: PostgreSQL, tmp_path: Path) -> None:
    outcome = examine(server, tmp_path, "1 / 0")
    assert outcome.state is State.STOCK_FAILS
    assert "ZeroDivisionError" in outcome.said[STOCK.name]


@pytest.mark.parametrize("events", [["run_started", "lock_acquired", "run_succeeded"], ["run_started"], []])
def test_a_second_run_has_to_be_short_and_to_succeed(events: list[str]) -> None:
    with pytest.raises(Failed, match="not the short way"):
        demand_short_way("\n".join(f'{{"event": "{event}"}}' for event in events))


def test_an_outcome_is_known_until_the_package_changes(tmp_path: Path) -> None:
    package = Package("some==1", ("some",))
    outcomes = Outcomes(tmp_path / "outcomes.json")
    outcomes.keep(package, Outcome(package.name, list(package.pinned), State.IDENTICAL, migrations=3))
    kept = Outcomes(tmp_path / "outcomes.json")
    assert kept.of(package) == outcomes.of(package)
    assert kept.of(Package("some==2", ("some",))) is None


def test_what_is_not_known_to_be_as_promised_comes_first_and_what_takes_long_last(tmp_path: Path) -> None:
    outcomes = Outcomes(tmp_path / "outcomes.json")
    for name, state, seconds in (
        ("slow", State.IDENTICAL, 9.0),
        ("bad", State.DIFFERENT, 20.0),
        ("quick", State.EMPTY, 1.0),
    ):
        outcomes.keep(Package(f"{name}==1"), Outcome(name, [], state, took={STOCK.name: seconds}))
    packages = [Package(f"{name}==2") for name in ("slow", "bad", "quick", "new")]
    assert [package.name for package in sorted(packages, key=outcomes.urgency)] == ["new", "bad", "quick", "slow"]
