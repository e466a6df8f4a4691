import pghistory
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20)


@pghistory.track()
class Article(models.Model):
    title = models.CharField(max_length=20)
    tags = models.ManyToManyField(Tag)
