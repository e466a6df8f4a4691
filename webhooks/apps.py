"""The app's configuration."""

import os

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Payment webhooks and recovery SMS."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Register the system checks; carry out those of the settings at once if `pre_start.sh` asks."""
        from webhooks import checks  # noqa: F401
        from webhooks.start import end_unless_settings_are_usable

        if os.environ.get("CHECK_SETTINGS"):
            end_unless_settings_are_usable()
