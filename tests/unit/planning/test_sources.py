"""What a source may import, and whether it says itself where it stands in the graph, told from its text."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from auto_migrate.planning.imports import Imports, Modules, imported, names_settings_otherwise
from auto_migrate.planning.sources import Folder, is_written_out, place_in_graph, places


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
        (
            "from shop import (\n    first,\n    importers,\n    last,\n)\n\nx = (1,)",
            ["shop", "shop.first", "shop.importers", "shop.last"],
        ),
        ("# a text\nfrom shop import prices\n\nimport stock", ["shop", "shop.prices", "stock"]),
        ("x = 'nothing at all'", []),
    ],
)
def test_imports_are_found_however_they_are_written(source: str, names: list[str]) -> None:
    assert list(imported(source.encode(), "app.migrations")) == names
    assert [*Modules().imported_by(b"x = 1\n" + source.encode() + b"\ny = 2", "app.migrations")] == names


@pytest.mark.parametrize(
    ("source", "is_otherwise"),
    [
        ("from django.conf import settings\nx = settings.DEBUG", False),
        ("x = 1", False),
        ("from django.conf import settings as s", True),
        ("from django.conf import settings\nx = getattr(settings, name)", True),
        ("from django.conf import settings\nx = getattr(settings, 'DEBUG')", False),
        ("from django.conf import settings\nx = settings", True),
        ("from django.conf import settings\nx = settings\ny = settings.DEBUG", True),
    ],
)
def test_settings_may_come_by_another_name_than_their_own(source: str, is_otherwise: bool) -> None:
    assert names_settings_otherwise(source.encode()) is is_otherwise


def test_what_the_project_imports_is_followed_but_not_django_nor_python() -> None:
    imports = Imports(Modules())
    imports.follow(b"import json\nfrom django.db import models\nfrom webhooks.migrations import nothing\n", "x")
    imports.follow(b"from webhooks import phones\n", "x")
    assert {"webhooks", "webhooks.phones", "phonenumbers"} <= set(imports.found)
    assert not [name for name in imports.found if name.startswith(("django", "json", "phonenumbers."))]


MIGRATION = """from django.conf import settings
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0001_initial"),  # the first
        # and whoever the users are
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    replaces = []
    operations = []
"""
PLAIN = """from django.db import models, migrations

class Migration(migrations.Migration):
    operations = []
"""


@pytest.mark.parametrize(
    "source",
    [
        MIGRATION,
        PLAIN,
        MIGRATION.replace("\n", "\r\n"),
        MIGRATION.replace("class M", "import os\nLOW = os.environ.get('LOW')\n\nclass M"),
        MIGRATION + "    run_before = [('shop', '0003_last',),]",
        MIGRATION.replace("class M", "def work(apps, editor):\n    return settings.X\n\n\nclass M"),
    ],
)
def test_where_most_migrations_stand_is_written_in_their_file(source: str) -> None:
    assert is_written_out(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "",
        MIGRATION.replace("    ]\n", "    ] + MORE\n", 1),
        MIGRATION.replace('("shop", "0001_initial")', '("shop", FIRST)'),
        MIGRATION.replace('("shop", "0001_initial")', '("shop", f"{FIRST}")'),
        MIGRATION.replace('("shop", "0001_initial")', "*MORE"),
        MIGRATION.replace("settings.AUTH_USER_MODEL", "settings.get_user()"),
        MIGRATION.replace("from django.conf import", "from shop import"),
        MIGRATION.replace("from django.conf import settings", "from django.conf import settings as conf"),
        MIGRATION.replace("from django.db import migrations, models", "from shop import migrations"),
        MIGRATION.replace("import settings\n", "import settings\nfrom shop import *\n"),
        MIGRATION.replace("import settings\n", "import settings\nfrom shop import settings\n"),
        MIGRATION.replace("(migrations.Migration)", "(Base)"),
        MIGRATION.replace("class M", "@moved\nclass M"),
        MIGRATION.replace("    replaces", "    if settings.SQUASHED:\n        replaces"),
        MIGRATION + "    dependencies += MORE\n",
        MIGRATION + "    def __init__(self, *args):\n        super().__init__(*args)\n        extend(self)\n",
        MIGRATION + "    after('shop')\n",
        MIGRATION + "\nextend(globals ()['Migra' 'tion'])\n",
        MIGRATION.replace("class M", "@moved(\n    'shop',\n)\nclass M"),
        MIGRATION.replace("class M", "@moved\n# for the shop\n\nclass M"),
        MIGRATION.replace("import settings\n", "import settings\nfrom tenants import migrations\n"),
        MIGRATION.replace("import migrations, models", "import migrations as m, models\nfrom shop import migrations"),
        MIGRATION.replace("from django.db import migrations, models", "try:\n    from django.db import migrations"),
        MIGRATION.replace("    ", "  "),
        PLAIN + "    if settings.NEEDS:\n        dependencies = [('shop', '0001_initial')]\n",
        PLAIN.replace("    operations = []", "  operations = []\n  if NEEDS:\n    dependencies = [('shop', '0001')]"),
        MIGRATION + "    locals().update(MORE)\n",
        MIGRATION + "\nMigration.run_before = MORE\n",
        MIGRATION + "\nsetattr(Migration, name, MORE)\n",
    ],
)
def test_what_may_be_computed_is_not_taken_for_written(source: str) -> None:
    assert not is_written_out(source.encode())


def test_what_is_written_is_what_the_migration_would_tell() -> None:
    module = "django.contrib.admin.migrations.0001_initial"
    content = Path(str(import_module(module).__file__)).read_bytes()
    assert is_written_out(content)
    assert (
        places(content)
        == place_in_graph(module, "admin")
        == [[("auth", "__first__"), ("contenttypes", "__first__")], [], []]
    )
    assert places(MIGRATION.encode()) == [[("shop", "0001_initial"), ("auth", "__first__")], [], []]


def test_what_a_file_mentions_of_its_surroundings_is_told() -> None:
    said = Modules().look_through(
        b"settings.ROLES, getattr(settings, 'TEAM'), os.environ['A'], environ.get(\"B\"), os.getenv('C'), D", "x"
    )
    assert said.settings == {"ROLES", "TEAM"}
    assert said.variables == {"A", "B", "C"}


@pytest.mark.parametrize(
    "asked", ["os.environ['LOW']", "os.getenv('LOW')", "env('LOW')", "env.list('LOW')", "config('LOW')"]
)
def test_what_migrations_ask_the_environment_is_told_however_they_do(asked: str) -> None:
    files = {
        "0001_initial.py": PLAIN.encode(),
        "0002_low.py": PLAIN.replace("class M", f"LOW = {asked}\n\nclass M").encode(),
    }
    assert Folder("shop.migrations", files).mentions == {("LOW", False)}
