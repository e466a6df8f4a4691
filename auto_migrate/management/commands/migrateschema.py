"""The command of django-pgschemas, under the deploy lock and in the history."""

from auto_migrate.management.tenant_commands import supervised_command

Command = supervised_command("migrateschema", __name__)
