from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class Task(models.Model):
    name = models.CharField(max_length=20)

    class Meta:
        permissions = [("assign", "May assign")]


class TaskUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Task, on_delete=models.CASCADE)


class TaskGroupPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Task, on_delete=models.CASCADE)
