from django.db import models
from psqlextra.models import PostgresModel, PostgresPartitionedModel
from psqlextra.types import PostgresPartitioningMethod


class Reading(PostgresPartitionedModel):
    class PartitioningMeta:
        method = PostgresPartitioningMethod.RANGE
        key = ["taken_at"]

    pk = models.CompositePrimaryKey("number", "taken_at")
    number = models.IntegerField()
    taken_at = models.DateTimeField(db_index=True)
    value = models.IntegerField(default=0)


class Sensor(PostgresModel):
    name = models.TextField(unique=True)
