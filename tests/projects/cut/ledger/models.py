from __future__ import annotations

from django.db import models


class Entry(models.Model):  # nobody reads it
    value = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    note = models.CharField(max_length=20, default="")

    class Meta:
        indexes = [models.Index(fields=["total"], name="ledger_entry_total")]
