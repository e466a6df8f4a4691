from django.db import models
from parler.models import TranslatableModel, TranslatedFields


class Product(TranslatableModel):
    price = models.IntegerField(db_index=True)
    translations = TranslatedFields(
        title=models.CharField(max_length=100),
        slug=models.SlugField(default=""),
        meta={"unique_together": [("language_code", "slug")]},
    )
