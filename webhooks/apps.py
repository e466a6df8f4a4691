"""The app's configuration."""

import os

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class WebhooksConfig(AppConfig):
    """Payment webhooks and recovery SMS."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Register the system checks; carry out those of the settings at once if `pre_start.sh` asks."""
        from webhooks import checks  # noqa: F401
        from webhooks.roles import create_roles
        from webhooks.start import end_unless_settings_are_usable

        post_migrate.connect(create_roles, sender=self)
        if os.environ.get("CHECK_SETTINGS"):
            end_unless_settings_are_usable()
