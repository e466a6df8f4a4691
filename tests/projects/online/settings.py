"""The settings of a depot whose migrations are one of each kind that goes online.

`STOCK=true` leaves out auto_migrate, and so leaves Django's `migrate`; `ENGINE` names another database backend.
"""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403

DATABASES["default"]["ENGINE"] = os.environ.get("ENGINE") or DATABASES["default"]["ENGINE"]  # noqa: F405
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    *([] if os.environ.get("STOCK") == "true" else ["auto_migrate"]),
    "tests.projects.counting",
    "tests.projects.online.depot",
]
