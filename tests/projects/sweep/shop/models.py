from __future__ import annotations

from django.db import models

from tests.projects.sweep.library.models import Author, Book


class Order(models.Model):  # nobody reads it
    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    amount = models.IntegerField(default=1)
    number = models.CharField(max_length=20, default="", db_index=True)
    status = models.CharField(max_length=20, default="new")
    signed_by = models.ForeignKey(Author, null=True, on_delete=models.SET_NULL)

    class Meta:
        indexes = [models.Index(fields=["status"], name="shop_order_status")]
