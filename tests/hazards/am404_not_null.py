"""The running release may still write NULL; after it is gone, nobody does."""

from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models

from tests.hazards import migration

BEFORE = [
    migrations.CreateModel(
        "Order",
        [
            ("id", models.BigAutoField(primary_key=True)),
            ("note", models.CharField(max_length=50, null=True)),
        ],
    )
]

HAZARD = [migration(migrations.AlterField("order", "note", models.CharField(max_length=50)))]

SAFE = [
    migration(
        AddConstraintNotValid(
            "order", models.CheckConstraint(condition=models.Q(note__isnull=False), name="note_given")
        ),
        phase="post_deploy",
    ),
    migration(ValidateConstraint("order", "note_given"), phase="post_deploy"),
    migration(
        migrations.AlterField("order", "note", models.CharField(max_length=50)),
        migrations.RemoveConstraint("order", "note_given"),
        phase="post_deploy",
    ),
]
