"""What the migrations make in the end, as far as content types and permissions go."""

from __future__ import annotations

from django.db import models


class Writer(models.Model):  # nobody reads it
    class Meta:
        permissions = [("praise", "Can praise")]


class Book(models.Model):  # nobody reads it
    pass
