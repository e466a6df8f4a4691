from django.db import models
from polymorphic.models import PolymorphicModel


class Shape(PolymorphicModel):
    name = models.CharField(max_length=20)


class Circle(Shape):
    radius = models.IntegerField()
