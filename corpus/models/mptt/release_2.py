from django.db import models
from mptt.models import MPTTModel, TreeForeignKey, TreeManyToManyField


class Genre(MPTTModel):
    name = models.CharField(max_length=50)
    parent = TreeForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")

    class MPTTMeta:
        order_insertion_by = ["name"]


class Song(models.Model):
    genres = TreeManyToManyField(Genre)
