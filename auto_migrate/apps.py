"""The app as Django sees it."""

from __future__ import annotations

from django.apps import AppConfig


class AutoMigrateConfig(AppConfig):
    """Brings the database up to date at every deploy; has no models of the project's own kind."""

    name = "auto_migrate"
    verbose_name = "Automatic migrations"

    def ready(self) -> None:
        """Register the system checks, and let connections tell their release."""
        from django.db.backends.signals import connection_created

        from auto_migrate import checks  # noqa: F401 # registers itself on import
        from auto_migrate.databases.postgresql.client_releases import tag_connection

        connection_created.connect(tag_connection, dispatch_uid="auto_migrate.databases.postgresql.client_releases")
