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
# What a cut run leaves to the next one is held to what an undisturbed run makes; its tables are in use by then.
AUTO_MIGRATE = {"BRIDGES": False}
