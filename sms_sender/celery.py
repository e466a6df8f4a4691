"""The Celery app, configured from Django's settings (`CELERY_*`)."""

from __future__ import annotations

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

from auto_migrate.workers import hold_workers
from webhooks.start import end_unless_settings_are_usable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

app = Celery("sms_sender")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
hold_workers(app)
# Both come before anything is forked, connected to or consumed.
celeryd_init.connect(end_unless_settings_are_usable)
beat_init.connect(end_unless_settings_are_usable)


@setup_logging.connect  # type: ignore[untyped-decorator]
def use_project_logging(**_: Any) -> None:
    """Log as the web processes do; a receiver of this signal keeps Celery from installing its own handlers."""
    from django.conf import settings

    dictConfig(settings.LOGGING)
