from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    phase = "post_deploy"
    dependencies = [("shop", "0003_in_steps")]
    operations = [migrations.RemoveField("Order", "number"), migrations.RemoveField("Order", "customer")]
