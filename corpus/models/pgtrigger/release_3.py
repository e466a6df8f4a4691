import pgtrigger
from django.db import models


class Order(models.Model):
    status = models.CharField(max_length=20)
    version = models.IntegerField(default=0)

    class Meta:
        triggers = [
            pgtrigger.FSM(name="steps", field="status", transitions=[("new", "paid")]),
        ]
