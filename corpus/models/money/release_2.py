from django.db import models
from djmoney.models.fields import MoneyField


class Account(models.Model):
    balance = MoneyField(max_digits=19, decimal_places=4, null=True, default_currency="BRL")
