from __future__ import annotations

from django.db import models


class Author(models.Model):  # nobody reads it
    name = models.CharField(max_length=100, db_index=True)
    works = models.IntegerField(default=0)


class Book(models.Model):  # nobody reads it
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    title = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "title"], name="library_book_once")]
