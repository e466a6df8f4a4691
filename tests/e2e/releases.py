"""Releases of the service, each a copy of its code with a change: a column is renamed by the recipe of AM401.

1. `both`: the column is added; the code writes both, and reads the new one where that is filled.
2. `new`: what the code before the first one has written is copied, now that none of it is left. The old column is used
   no more, and dropped once the code that did is gone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.manage import ROOT

CODE = ("auto_migrate", "sms_sender", "webhooks", "manage.py", "pre_start.sh", "wait_for_db.sh", "gunicorn.conf.py")
OLD, NEW = "customer_name", "buyer_name"
COLUMN = f'    {OLD} = models.CharField(_("customer"), max_length=200, blank=True'
WRITTEN = "    told: dict[str, Any] = vars(notice).copy()\n"

HEAD = """import auto_migrate
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("webhooks", "{before}")]
"""
ADDED = """
    operations = [
        migrations.AddField("payment", "buyer_name", models.CharField(max_length=200, default="", db_default="")),
        migrations.AlterField(
            "payment", "customer_name",
            models.CharField("customer", max_length=200, blank=True, default="", db_default=""),
        ),
    ]
"""
COPIED = """
    atomic = False

    def copy(apps, schema_editor):
        payments = apps.get_model("webhooks", "Payment").objects.filter(buyer_name="").exclude(customer_name="")
        while keys := list(payments.values_list("pk", flat=True)[:100]):
            payments.filter(pk__in=keys).update(buyer_name=models.F("customer_name"))

    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
"""
DROPPED = """
    phase = "post_deploy"
    operations = [migrations.RemoveField("payment", "customer_name")]
"""
ACKNOWLEDGED = '@auto_migrate.acknowledge("AM301", reason="It was copied by the release before.")\nclass Migration'


def copied(source: Path, folder: Path) -> Path:
    """Copy a release, with what is compiled of it."""
    for name in CODE:
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(source / name, folder / name)
    return folder


def build(folder: Path) -> list[Path]:
    """Build the releases that come after the one that runs."""
    built = [ROOT]
    for name, change in CHANGES.items():
        built.append(copied(built[-1], folder / name))
        change(built[-1])
    return built[1:]


def write_both(tree: Path) -> None:
    """Add the column, write it beside the old one, and read whichever is filled."""
    migrate(tree, "both", HEAD + ADDED)
    new = f'    {NEW} = models.CharField(max_length=200, default="", db_default="")\n'
    edit(tree / "webhooks/models.py", COLUMN, f'{new}{COLUMN}, default="", db_default=""')
    edit(tree / "webhooks/payments.py", WRITTEN, f'{WRITTEN}    told["{NEW}"] = told["{OLD}"]\n')
    edit(tree / "webhooks/texts.py", f"payment.{OLD}", f"payment.{NEW} or payment.{OLD}")


def use_the_new_one(tree: Path) -> None:
    """Copy what is left of the time before, use the old column nowhere, and drop it after the deploy."""
    migrate(tree, "copy", HEAD + COPIED)
    migrate(tree, "drop", (HEAD + DROPPED).replace("class Migration", ACKNOWLEDGED, 1))
    edit(tree / "webhooks/models.py", re.compile(rf"^    {OLD} = .*\n", re.MULTILINE), "")
    edit(tree / "webhooks/payments.py", f'told["{NEW}"] = told["{OLD}"]', f'told["{NEW}"] = told.pop("{OLD}")')
    for path in (tree / "webhooks").rglob("*.py"):
        if not {"gateways", "migrations"} & set(path.parts) and path.name != "payments.py":
            path.write_text(path.read_text("utf-8").replace(OLD, NEW), "utf-8")
    edit(tree / "webhooks/payments.py", f'FORGOTTEN = {{"{OLD}"', f'FORGOTTEN = {{"{NEW}"')


CHANGES: dict[str, Callable[[Path], None]] = {
    "both": write_both,
    "new": use_the_new_one,
}


def migrate(tree: Path, name: str, text: str) -> None:
    """Add a migration after the last one."""
    folder = tree / "webhooks/migrations"
    before = max(path.stem for path in folder.glob("0*.py"))
    number = int(before[:4]) + 1
    (folder / f"{number:04}_{name}.py").write_text(text.format(before=before))


def edit(path: Path, old: str | re.Pattern[str], new: str) -> None:
    """Replace what is there once."""
    text = path.read_text("utf-8")
    changed = old.sub(new, text) if isinstance(old, re.Pattern) else text.replace(old, new)
    assert changed != text, f"{old} is not in {path}"
    path.write_text(changed, "utf-8")
