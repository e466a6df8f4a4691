"""A store whose migrations are taken back, on databases with transactional schema changes and without."""

from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "auto_migrate",
    "tests.projects.counting",
    "tests.projects.undone.store",
]
