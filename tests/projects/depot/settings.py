"""A depot on several databases; `STOCK=true` leaves out auto_migrate, and so leaves Django's `migrate`."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403
from tests.projects.base_settings import DATABASES

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    *([] if os.environ.get("STOCK") == "true" else ["auto_migrate"]),
    "tests.projects.depot.goods",
    "tests.projects.depot.papers",
]
# The alias `archive` is nobody's to migrate, and `replica` is another name of `default`.
DATABASE_ROUTERS = ["tests.projects.depot.routers.Archive"]
if "replica" in DATABASES:
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
