"""The app's configuration."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Payment webhooks and recovery SMS."""

    name = "webhooks"
    verbose_name = "Webhooks"

    def ready(self) -> None:
        """Register the system checks."""
        from webhooks import checks  # noqa: F401
