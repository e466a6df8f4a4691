from django.contrib.auth.models import User
from django.db import models
from simple_history.models import HistoricalRecords


class Tag(models.Model):
    name = models.CharField(max_length=20)


class Poll(models.Model):
    question = models.CharField(max_length=200)
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag)
    history = HistoricalRecords(m2m_fields=[tags])
