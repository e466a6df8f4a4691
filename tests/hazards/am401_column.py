"""The running release asks for the column by its old name; only the field is renamed."""

from django.db import migrations, models

from tests.hazards import migration

ENDS_ELSEWHERE = "The column keeps its name."

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
        ],
    )
]

HAZARD = [migration(migrations.RenameField("order", "note", "remark"))]

SAFE = [
    migration(
        migrations.AlterField("order", "note", models.CharField(db_column="note", max_length=50)),
        migrations.RenameField("order", "note", "remark"),
    )
]
