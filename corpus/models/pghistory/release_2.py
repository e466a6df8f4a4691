import pghistory
from django.contrib.auth.models import User
from django.db import models


class Tag(models.Model):
    name = models.CharField(max_length=20)


@pghistory.track()
class Article(models.Model):
    title = models.CharField(max_length=40)
    body = models.TextField(default="")
    tags = models.ManyToManyField(Tag)


@pghistory.track(obj_field=None)
class ArticleTags(Article.tags.through):
    class Meta:
        proxy = True


class UserProxy(User):
    class Meta:
        proxy = True


pghistory.track(fields=["username", "email"])(UserProxy)
