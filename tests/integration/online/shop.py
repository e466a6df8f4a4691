"""A shop with a table of some rows, and one migration after the first that a test writes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.fallback.project import ID, Done, Project

ALWAYS = {"ONLINE": "always", "BLOCK": "never", "RETRY_DELAY": 0.1, "TOKEN": "a-token-of-this-test-only"}
FIRST = f"""
    migrations.CreateModel("Kind", [{ID}, ("name", models.CharField(max_length=20))]),
    migrations.CreateModel("Item", [
        {ID},
        ("name", models.CharField(max_length=20)),
        ("number", models.IntegerField(null=True)),
        ("kind_number", models.BigIntegerField(null=True)),
    ]),
    migrations.RunSQL(
        "INSERT INTO shop_kind (name) VALUES ('one'), ('two');"
        "INSERT INTO shop_item (name, number, kind_number)"
        " SELECT 'item ' || n, n, 1 + n % 2 FROM generate_series(1, 300) AS n"
    ),
"""


class Shop(Project):
    """The project, with its first migration."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder, url)
        self.settings(AUTO_MIGRATE=ALWAYS)
        self.app("shop")
        self.migration("shop", "0001_initial", FIRST, head="initial = True")

    def second(self, operations: str, **options: str) -> None:
        """Write the migration after the first."""
        self.migration("shop", "0002_second", operations, after="0001_initial", **options)

    def deploy(self, expect: int = 0, **env: str) -> Done:
        """Run the release step."""
        done = self.run("auto_migrate", **env)
        assert done.code == expect, done.text
        return done

    def indexes(self) -> list[str]:
        """Return the definitions of the table's indexes, those that are INVALID marked."""
        rows = self.query(
            "SELECT pg_get_indexdef(indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END FROM pg_index"
            " WHERE indrelid = 'shop_item'::regclass ORDER BY 1"
        )
        return [definition for (definition,) in rows]

    def constraints(self) -> list[tuple[str, str]]:
        """Return names and definitions of the table's constraints."""
        return list(
            self.query(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE conrelid = 'shop_item'::regclass AND contype <> 'n' ORDER BY 1"
            )
        )

    def columns(self) -> list[tuple[str, bool]]:
        """Return the table's columns, and whether each takes no NULL."""
        return list(
            self.query(
                "SELECT attname, attnotnull FROM pg_attribute"
                " WHERE attrelid = 'shop_item'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        )

    @property
    def schema(self) -> tuple[list[str], list[tuple[str, str]], list[tuple[str, bool]]]:
        """All of it."""
        return self.indexes(), self.constraints(), self.columns()


def steps(shop: Shop) -> list[list[str]]:
    """Return the names of the steps of each operation that the plan tells."""
    lines = map(json.loads, shop.run("auto_migrate", "--plan", "--format", "json").output.splitlines())
    (plan,) = [line for line in lines if line["event"] == "migration_assessed"]
    return [[step["name"] for step in operation["online"]] for operation in plan["assessed"]["operations"]]


def handled(shop: Shop) -> dict[str, str | None]:
    """Return by which each finding of the plan is handled."""
    lines = map(json.loads, shop.run("auto_migrate", "--plan", "--format", "json").output.splitlines())
    (judged,) = [line for line in lines if line["event"] == "plan_assessed"]
    return {finding["code"]: finding["handled"] for finding in judged["findings"]}
