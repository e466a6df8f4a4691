"""The settings of a shop and its library; `STOCK=true` leaves out auto_migrate, and so leaves Django's `migrate`."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.postgres",
    *([] if os.environ.get("STOCK") == "true" else ["auto_migrate"]),
    "tests.projects.counting",
    "tests.projects.sweep.library",
    "tests.projects.sweep.shop",
]
