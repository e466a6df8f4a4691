from __future__ import annotations

from django.db import models


class Total(models.Model):  # noqa: DJ008 # nobody reads it
    value = models.IntegerField(default=0)
