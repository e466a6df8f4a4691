"""Pairs of migrations, a module each: what has a hazard, and the safe way to the same end.

To add one, write a module here whose name begins with the hazard's code, as `am109_index.py`, and give it three lists:

    BEFORE = customers_and_orders()  # the operations that make what is there before the plan
    HAZARD = [migration(migrations.AddIndex("order", …))]  # the plan that has the hazard
    SAFE = [migration(AddIndexConcurrently("order", …), atomic=False)]  # the plan that has not

That is all: every test that is parametrised with `PAIRS` takes it up, and makes an app of either side in a temporary
folder (`Pair.write`). The app is called `shop` on both sides, and so its tables are `shop_order` and the like. A pair
that is out of the ordinary says so, and why:

    ENDS_ELSEWHERE = "…"  # by nature, the safe way leads to another schema
    REFUSED = "…"  # nobody can carry the hazard out, in a transaction at least
    PHASES = True  # it is a hazard only where phases are kept

A function that a migration runs stands in the module too; its source is read.
"""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any, Literal

from django.db import migrations, models
from django.db.migrations.operations.base import Operation

APP = "shop"
FIRST = "0001_before"
MIGRATION = """from django.db import migrations

from tests.hazards import Pair


class Migration(migrations.Migration):
    locals().update(Pair({pair!r}).plan({side!r})[{index}])
    dependencies = {before}
"""

Side = Literal["hazard", "safe"]


def migration(*operations: Operation, **attributes: Any) -> dict[str, Any]:
    """Return one migration of a plan: what its class holds, such as `atomic`, `phase` or an acknowledgement."""
    return {"operations": list(operations), **attributes}


def customers_and_orders() -> list[Operation]:
    """Return what makes customers with a name, and orders with an email and perhaps a quantity; no key joins them."""
    return [
        migrations.CreateModel(
            "Customer",
            [("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=100))],
        ),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("email", models.CharField(max_length=100)),
                ("quantity", models.IntegerField(null=True)),
            ],
        ),
    ]


@dataclasses.dataclass(frozen=True)
class Pair:
    """One module of this package, by its name."""

    name: str

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The code of the hazard, which may have several pairs."""
        return self.name.partition("_")[0].upper()

    @property
    def ends_elsewhere(self) -> str:
        """Why the safe way leads to another schema, if it does."""
        return getattr(self._module, "ENDS_ELSEWHERE", "")

    @property
    def refused(self) -> str:
        """Why the hazard cannot be carried out, if it cannot."""
        return getattr(self._module, "REFUSED", "")

    @property
    def phases(self) -> bool:
        """Whether the pair is about phases."""
        return getattr(self._module, "PHASES", False)

    def plan(self, side: Side) -> list[dict[str, Any]]:
        """Return the first migration of the app and those of one side after it."""
        rest: list[dict[str, Any]] = getattr(self._module, side.upper())
        return [migration(*self._module.BEFORE, initial=True), *rest]

    def write(self, folder: Path, side: Side) -> str:
        """Make an app of one side in a folder that is on Python's path; return what INSTALLED_APPS calls it."""
        package = folder / f"{self.name}_{side}"
        place = package / APP / "migrations"
        place.mkdir(parents=True)
        for directory in (package, place.parent, place):
            (directory / "__init__.py").touch()
        before: list[tuple[str, str]] = []
        for index in range(len(self.plan(side))):
            name = f"{index + 1:04}_{side}" if index else FIRST
            (place / f"{name}.py").write_text(MIGRATION.format(pair=self.name, side=side, index=index, before=before))
            before = [(APP, name)]
        return f"{package.name}.{APP}"

    @property
    def _module(self) -> Any:
        return importlib.import_module(f"{__name__}.{self.name}")


PAIRS = [Pair(path.stem) for path in sorted(Path(__file__).parent.glob("am*.py"))]
