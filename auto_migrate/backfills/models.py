"""The table of backfills, which lives beside the rows that they write so that both are committed together."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from auto_migrate.history.models import BACKFILLS, choices, registry
from auto_migrate.values import BackfillKey, BackfillState


class BackfillRecord(models.Model):
    """One backfill of this database: how far it is, and who is at work on it."""

    id = models.BigAutoField(primary_key=True)
    app_label = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    state = models.CharField(max_length=16, choices=choices(BackfillState))
    background = models.BooleanField(db_default=False)
    # Whether what was done is being taken back.
    backwards = models.BooleanField(db_default=False)
    # Rows that it has passed, and how many there were at its start; NULL before that.
    done = models.BigIntegerField(db_default=0)
    total = models.BigIntegerField(null=True)
    # The last key that it has passed, and the last one that there was at its start: see auto_migrate.backfills.keys.
    cursor = models.TextField(null=True)  # noqa: DJ001 # NULL is before the first row
    upper = models.TextField(null=True)  # noqa: DJ001 # NULL is before its start
    # The size of the next batch, and the seconds that all of them have taken.
    batch_rows = models.PositiveIntegerField()
    seconds = models.FloatField(db_default=0.0)
    # Why it waits; empty while it does not.
    held_by = models.CharField(max_length=500, db_default="")
    error = models.TextField(null=True)  # noqa: DJ001 # NULL is none
    # Who has it: the fence against a worker that was taken for dead and is not.
    worker = models.CharField(max_length=300, db_default="")
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[BackfillRecord]] = models.Manager()

    class Meta:
        app_label = "auto_migrate"
        apps = registry
        db_table = BACKFILLS
        constraints = [models.UniqueConstraint(fields=["app_label", "name"], name="auto_migrate_backfill_name")]
        ordering = ["requested_at", "id"]
        verbose_name = "backfill"

    def __str__(self) -> str:
        return f"{self.key} ({self.state})"

    @property
    def key(self) -> BackfillKey:
        """Its identity."""
        return BackfillKey(self.app_label, self.name)

    @property
    def left(self) -> float | None:
        """The seconds that it will still take at the pace that it has had; None where nobody can tell yet."""
        if self.state == BackfillState.SUCCEEDED or (self.total is not None and self.done >= self.total):
            return 0.0
        if self.total is None or not self.done:
            return None
        return (self.total - self.done) * self.seconds / self.done
