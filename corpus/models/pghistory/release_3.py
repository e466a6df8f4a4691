import pghistory
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20)


@pghistory.track(pghistory.InsertEvent("made"), pghistory.DeleteEvent("gone"))
class Article(models.Model):
    title = models.CharField(max_length=40)
    tags = models.ManyToManyField(Tag)
    related = models.ManyToManyField("self", blank=True)


@pghistory.track()
class Related(Article.related.through):
    class Meta:
        proxy = True
