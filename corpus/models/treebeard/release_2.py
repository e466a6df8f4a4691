from django.db import models
from treebeard.mp_tree import MP_Node
from treebeard.ns_tree import NS_Node


class Category(MP_Node):
    name = models.CharField(max_length=60)
    node_order_by = ["name"]


class Shelf(NS_Node):
    name = models.CharField(max_length=30)
