from django.db import models
from parler.models import TranslatableModel, TranslatedFields


class Product(TranslatableModel):
    price = models.IntegerField()
    translations = TranslatedFields(title=models.CharField(max_length=200))
