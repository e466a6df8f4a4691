from __future__ import annotations

from django.db import models


class Word(models.Model):
    text = models.CharField(max_length=20)
