from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations, models

ROWS = 60


def fill(apps: Any, _editor: Any) -> None:
    owner, item = apps.get_model("depot", "Owner"), apps.get_model("depot", "Item")
    owner.objects.bulk_create(owner(name=f"owner {number}", number=number) for number in range(ROWS))
    item.objects.bulk_create(
        item(
            name=f"item {number}",
            code=f"c{number}",
            count=number,
            owner_id=number % ROWS + 1,
            keeper_number=number % ROWS,
            note=f"note {number}" if number % 2 else None,
            place=f"place {number}",
        )
        for number in range(ROWS)
    )


class Migration(migrations.Migration):
    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            "Owner",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=40)),
                ("number", models.IntegerField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            "Item",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("name", models.CharField(max_length=40)),
                ("code", models.CharField(max_length=20, unique=True)),
                ("count", models.IntegerField()),
                ("owner", models.ForeignKey("Owner", models.CASCADE)),
                ("keeper_number", models.IntegerField(null=True)),
                ("note", models.CharField(max_length=30, null=True)),
                ("place", models.CharField(max_length=30, null=True)),
                ("Select", models.CharField(max_length=10, db_column="order", default="x")),
            ],
        ),
        migrations.CreateModel(
            "Slip",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("item", models.ForeignKey("Item", models.CASCADE)),
                ("owner", models.ForeignKey("Owner", models.CASCADE)),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
