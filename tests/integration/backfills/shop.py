"""A project with one table of orders, whose backfills a test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.fallback.project import ID, Project

IMPORTS = """
from django.db.models import F, Q
from auto_migrate.operations import Backfill, FinishBackfill
"""
FIELDS = '("n", models.IntegerField(default=0)), ("total", models.IntegerField(null=True))'
ORDER = f'migrations.CreateModel("Order", [{ID}, {FIELDS}])'


class Shop(Project):
    """The project, at its first migration with `rows` orders."""

    rows = 50

    def __init__(self, folder: Path, url: str = "") -> None:
        super().__init__(folder, url)
        self.app("shop")
        self.migration("shop", "0001_initial", ORDER)
        self.last = "0001_initial"

    def begin(self, rows: int = 50) -> Shop:
        """Apply the first migration and take some orders."""
        assert self.run("auto_migrate").code == 0
        values = ", ".join("(0)" for _number in range(rows))
        if rows:
            self.query(f"INSERT INTO shop_order (n) VALUES {values}")
        return self

    def then(self, name: str, operations: str, *, before: str = "", head: str = "initial = False") -> None:
        """Write the next migration."""
        self.migration("shop", name, operations, after=self.last, before=IMPORTS + before, head=head)
        self.last = name

    def times(self, table: str = "shop_order") -> list[Any]:
        """Return how many rows were counted up how often."""
        return [tuple(row) for row in self.query(f"SELECT n, count(*) FROM {table} GROUP BY n ORDER BY n")]

    def backfill(self, name: str) -> dict[str, Any]:
        """Return what the command tells of a backfill."""
        told = [json.loads(line) for line in self.run("backfills", "--format", "json").output.splitlines()]
        assert all({"event", "at", "database", "run_id"} <= one.keys() for one in told)
        return next(one for one in told if one["name"] == name)
