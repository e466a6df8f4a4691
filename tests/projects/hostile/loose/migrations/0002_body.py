from django.db import migrations

from tests.projects.hostile import bodies


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("loose", "0001_initial")]
    operations = [
        migrations.RunPython(bodies.before, bodies.before),
        bodies.Statement(),
        migrations.RunPython(bodies.body, bodies.body),
        migrations.RunPython(bodies.after, bodies.after),
    ]
