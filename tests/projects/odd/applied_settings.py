"""The settings of a project with all kinds of migrations; `STOCK` leaves out auto_migrate."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = [
    *([] if "STOCK" in os.environ else ["auto_migrate"]),
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.postgres",
    "tests.projects.odd.plain",
    "tests.projects.odd.odd",
]
