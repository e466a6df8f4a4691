"""The hazard of `docs/hazards/your-own.md`, in every place where hazards are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.examples import blocks, files
from tests.forks import Forked, Nursery
from tests.manage import ROOT
from tests.schemas import ASSESSMENT, SARIF
from tests.servers import PostgreSQL

PAGE = "hazards/your-own.md"
WIKI = "https://wiki.shop.example/migrations#money"
INITIAL = """
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [migrations.CreateModel("Order", [("id", models.BigAutoField(primary_key=True))])]
"""
AMOUNT = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [migrations.AddField("order", "amount", models.FloatField(null=True))]
"""
NAME = "SHOP001:shop.0002_order_amount"


@pytest.fixture(scope="module")
def shop(postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Return the commands of a shop that has the example's hazard and a migration for it."""
    folder = tmp_path_factory.mktemp("project")
    example = files(PAGE)
    settings = 'from tests.projects.base_settings import *\n\nINSTALLED_APPS = ["auto_migrate", "shop"]\n'
    write(folder / "own_settings.py", settings + example["settings.py"])
    write(folder / "shop" / "__init__.py", "")
    write(folder / "shop" / "hazards.py", example["shop/hazards.py"])
    write(folder / "shop" / "migrations" / "__init__.py", "")
    write(folder / "shop" / "migrations" / "0001_initial.py", INITIAL)
    write(folder / "shop" / "migrations" / "0002_order_amount.py", AMOUNT)
    with Nursery("own_settings", postgresql.url(), {"PYTHONPATH": f"{folder}:{ROOT}"}) as nursery:
        yield nursery


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def assess(shop: Nursery, *arguments: str) -> Forked:
    # Nobody listens there, and asking would fail at once.
    done = shop.run("assess_migrations", *arguments, database_url="postgresql://nobody@127.0.0.1:1/nothing")
    assert done.returncode == 6
    return done


def document(output: str) -> dict[str, Any]:
    """Return the JSON that an output begins with; what follows is the message of the error."""
    return dict(json.JSONDecoder().raw_decode(output)[0])


def test_the_command_of_the_page_writes_what_stands_there(shop: Nursery) -> None:
    [shown] = blocks(PAGE, "console")
    command, _newline, output = shown.partition("\n")
    done = assess(shop, *command.removeprefix("$ python manage.py assess_migrations ").split())
    assert done.output.startswith(output)
    assert f"1 finding that nobody has acknowledged: {NAME}." in done.output


def test_every_format_links_to_the_page_of_the_project(shop: Nursery) -> None:
    option = "--docs-url=https://docs.example/hazards"
    told = document(assess(shop, "shop.0002", "--format", "json", option).output)
    ASSESSMENT.validate(told)
    [finding] = told["migrations"][0]["findings"]
    assert (finding["code"], finding["page"]) == ("SHOP001", WIKI)
    log = document(assess(shop, "shop.0002", "--format", "sarif", option).output)
    SARIF.validate(log)
    [run] = log["runs"]
    [result] = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (rule["id"], rule["name"], rule["helpUri"]) == ("SHOP001", "MoneyAsFloat", WIKI)
    assert rule["help"]["text"] == f"See {WIKI}."
    assert f"[SHOP001](<{WIKI}>)" in assess(shop, "shop.0002", "--format", "markdown", option).output
    assert "title=SHOP001 Money" in assess(shop, "shop.0002", "--format", "github", option).output


def test_the_gate_refuses_and_lets_pass_what_is_acknowledged(shop: Nursery, database_url: str) -> None:
    def run(*arguments: str, expect: int, **env: str) -> str:
        done = shop.run("auto_migrate", *arguments, database_url=database_url, env=env)
        assert done.returncode == expect, done.output
        return done.output

    run("shop", "0001", expect=0)
    # What a hazard that loses data finds on an empty table is a notice.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO shop_order DEFAULT VALUES")
        assert "SHOP001" in run("--plan", expect=6)
        assert f"--acknowledge {NAME}" in run(expect=6)
        refused = run(expect=2, AUTO_MIGRATE_HAZARDS="shop.hazards.Nothing")
        assert "AUTO_MIGRATE['HAZARDS']: shop.hazards.Nothing cannot be used" in refused
        assert recorded(connection) == ["0001_initial"]
        run("--acknowledge", f"{NAME}=cents do not matter", expect=0)
        assert recorded(connection) == ["0001_initial", "0002_order_amount"]
        # Nothing is pending any more, so that no hazard is asked for.
        run(expect=0, AUTO_MIGRATE_HAZARDS="shop.hazards.Nothing")


def recorded(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM django_migrations WHERE app = 'shop' ORDER BY id")
    return [name for (name,) in rows.fetchall()]
