"""Between the old index and the new one there is none, in SQL too."""

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
        options={"indexes": [models.Index(fields=["note"], name="order_note")]},
    )
]

HAZARD = [
    migration(
        migrations.RunSQL("DROP INDEX CONCURRENTLY order_note", migrations.RunSQL.noop),
        migrations.RunSQL("CREATE INDEX CONCURRENTLY order_note ON shop_order (note, total)", migrations.RunSQL.noop),
        atomic=False,
    )
]

SAFE = [
    migration(
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY order_note_new ON shop_order (note, total)", migrations.RunSQL.noop
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY order_note", migrations.RunSQL.noop),
        migrations.RunSQL("ALTER INDEX order_note_new RENAME TO order_note", migrations.RunSQL.noop),
        atomic=False,
    )
]
