"""The app's configuration."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Payment webhooks and recovery SMS."""

    name = "webhooks"
    verbose_name = "Webhooks"
