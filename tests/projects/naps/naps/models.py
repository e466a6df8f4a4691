from __future__ import annotations

from django.db import models


class Nap(models.Model):  # nobody reads it
    seconds = models.FloatField(default=0)
    note = models.CharField(max_length=20, default="")
