"""COMMIT in SQL ends the transaction that all of an atomic migration was to be; one that is not atomic says so."""

from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50)),
            ("total", models.IntegerField(null=True)),
        ],
    )
]

HAZARD = [
    migration(
        migrations.RunSQL("ALTER TABLE shop_order SET (fillfactor = 90); COMMIT"),
        migrations.AddField("order", "paid", models.BooleanField(null=True)),
    )
]

SAFE = [
    migration(
        migrations.RunSQL("ALTER TABLE shop_order SET (fillfactor = 90)"),
        migrations.AddField("order", "paid", models.BooleanField(null=True)),
        atomic=False,
    )
]
