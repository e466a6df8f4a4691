"""What is counted."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """A number that each run of the data migration adds one to."""

    name = models.CharField(max_length=20, unique=True)
    count = models.IntegerField(default=0)
    note = models.CharField(max_length=20, default="")

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"
