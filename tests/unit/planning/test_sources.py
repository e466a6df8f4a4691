"""What a source may import, told from its text."""

from __future__ import annotations

import pytest

from auto_migrate.planning.sources import Imports, imported


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import shop", ["shop"]),
        ("import shop.models as m, stock", ["shop", "shop.models", "stock"]),
        ("from shop import models", ["shop", "shop.models"]),
        (
            "from shop import (\n    models,  # the models, as they are\n    prices as p,\n)",
            ["shop", "shop.models", "shop.prices"],
        ),
        ("from shop import models, \\\n    prices", ["shop", "shop.models", "shop.prices"]),
        ("from . import _base", ["app", "app.migrations", "app.migrations._base"]),
        ("from ..helpers import first", ["app", "app.helpers", "app.helpers.first"]),
        ("if True: import shop; import stock", ["shop", "stock"]),
        ("from ....beyond import it", []),
        ("x = 'nothing at all'", []),
    ],
)
def test_imports_are_found_however_they_are_written(source: str, names: list[str]) -> None:
    assert list(imported(source.encode(), "app.migrations")) == names


def test_what_the_project_imports_is_followed_but_not_django_nor_python() -> None:
    imports = Imports()
    imports.follow(b"import json\nfrom django.db import models\nfrom webhooks.migrations import nothing\n", "x")
    imports.follow(b"from webhooks import phones\n", "x")
    assert {"webhooks", "webhooks.phones", "phonenumbers"} <= set(imports.found)
    assert not [name for name in imports.found if name.startswith(("django", "json", "phonenumbers."))]
