import pgtrigger
from django.db import models


class Order(models.Model):
    status = models.CharField(max_length=10)

    class Meta:
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)]
