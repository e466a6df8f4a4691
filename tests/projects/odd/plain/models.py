"""An app without migrations, whose models data migrations see as well."""

from __future__ import annotations

from django.db import models


class Plain(models.Model):  # nobody reads it
    text = models.TextField(default="")

    class Meta:
        abstract = False
        managed = False
