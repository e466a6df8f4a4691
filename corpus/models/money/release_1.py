from django.db import models
from djmoney.models.fields import MoneyField


class Account(models.Model):
    balance = MoneyField(max_digits=14, decimal_places=2, default_currency="EUR")
