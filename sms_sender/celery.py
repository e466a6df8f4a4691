"""The Celery app, configured from Django's settings (`CELERY_*`)."""

from __future__ import annotations

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from auto_migrate.workers import hold_workers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sms_sender.settings")

app = Celery("sms_sender")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
hold_workers(app)


@setup_logging.connect  # type: ignore[untyped-decorator]
def use_project_logging(**_: Any) -> None:
    """Log as the web processes do; a receiver of this signal keeps Celery from installing its own handlers."""
    from django.conf import settings

    dictConfig(settings.LOGGING)
