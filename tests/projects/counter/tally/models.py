from __future__ import annotations

from django.db import models


class Total(models.Model):  # nobody reads it
    value = models.IntegerField(default=0)
