from django.db import models
from psqlextra.models import PostgresModel, PostgresPartitionedModel
from psqlextra.types import PostgresPartitioningMethod


class Reading(PostgresPartitionedModel):
    class PartitioningMeta:
        method = PostgresPartitioningMethod.RANGE
        key = ["taken_at"]

    pk = models.CompositePrimaryKey("number", "taken_at")
    number = models.IntegerField()
    taken_at = models.DateTimeField()
    value = models.IntegerField()


class Sensor(PostgresModel):
    name = models.CharField(max_length=20)
