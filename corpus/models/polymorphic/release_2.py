from django.db import models
from polymorphic.models import PolymorphicModel


class Shape(PolymorphicModel):
    name = models.CharField(max_length=40, unique=True)
    inside = models.ManyToManyField("self", symmetrical=False)


class Circle(Shape):
    radius = models.IntegerField(null=True)


class Ring(Circle):
    hole = models.IntegerField(default=1)
