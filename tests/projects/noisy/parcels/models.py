from django.db import models


class Parcel(models.Model):
    weight = models.FloatField()

    def __str__(self) -> str:
        return f"{self.weight} kg"
