"""What the last migration leads to."""

from __future__ import annotations

from django.db import models


class Crate(models.Model):
    """A crate."""

    label = models.CharField(max_length=50)
    weight = models.IntegerField(null=True)
    fragile = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.label
