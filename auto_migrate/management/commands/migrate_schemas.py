"""The command of django-tenants, under the deploy lock and in the history."""

from auto_migrate.management.tenant_commands import supervised_command

Command = supervised_command("migrate_schemas", __name__)
