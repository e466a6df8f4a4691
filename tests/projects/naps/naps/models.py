from __future__ import annotations

from django.db import models


class Nap(models.Model):  # noqa: DJ008 # nobody reads it
    seconds = models.FloatField(default=0)
    note = models.CharField(max_length=20, default="")
