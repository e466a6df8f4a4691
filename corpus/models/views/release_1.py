from django.db import models
from django_pgviews import view


class Order(models.Model):
    paid = models.BooleanField(default=False)


class Paid(view.View):
    projection = ["shop.Order.*"]
    sql = "SELECT * FROM shop_order WHERE paid"

    class Meta:
        managed = False
        db_table = "shop_paid"


class Counted(view.MaterializedView):
    concurrent_index = "id"
    dependencies = ["shop.Paid"]
    sql = "SELECT 1 AS id, count(*) AS orders FROM shop_paid"
    orders = models.IntegerField()

    class Meta:
        managed = False
        db_table = "shop_counted"
