from __future__ import annotations

from django.db import models


class Item(models.Model):
    n = models.IntegerField()
    a = models.IntegerField(null=True)
    b = models.ForeignKey("self", null=True, on_delete=models.CASCADE)
    c = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["n", "a"], name="store_item_n_a")]


class Part(models.Model):
    item = models.ForeignKey(Item, on_delete=models.CASCADE)
