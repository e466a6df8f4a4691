"""The settings of a depot whose migrations are one of each kind that goes online."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    *([] if os.environ.get("STOCK") == "true" else ["auto_migrate"]),
    "tests.projects.counting",
    "tests.projects.online.depot",
]
