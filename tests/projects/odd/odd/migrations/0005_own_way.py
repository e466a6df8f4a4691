from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("odd", "0004_piecemeal")]
    operations = [migrations.AddField("Tag", "weight", models.IntegerField(null=True))]

    def apply(self, project_state, schema_editor, collect_sql=False):
        """Do more than the operations say."""
        state = super().apply(project_state, schema_editor, collect_sql)
        schema_editor.execute("CREATE TABLE odd_own_way (id integer)")
        return state
