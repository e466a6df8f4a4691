import pgtrigger
from django.db import models


class Order(models.Model):
    status = models.CharField(max_length=10)
    version = models.IntegerField(default=0)

    class Meta:
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete | pgtrigger.Insert),
            pgtrigger.Trigger(
                name="counted",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="NEW.version = OLD.version + 1; RETURN NEW;",
            ),
        ]
