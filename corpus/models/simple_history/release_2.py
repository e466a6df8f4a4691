from django.contrib.auth.models import User
from django.db import models
from simple_history.models import HistoricalRecords


class Tag(models.Model):
    name = models.CharField(max_length=20)
    history = HistoricalRecords(inherit=True)


class Poll(models.Model):
    question = models.TextField(db_index=True)
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL)
    tags = models.ManyToManyField(Tag)
    history = HistoricalRecords(m2m_fields=[tags])


class Quiz(Poll):
    points = models.IntegerField(default=1)
    history = HistoricalRecords()
