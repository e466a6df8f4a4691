from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.counting", "tests.projects.backfilled.stock"]
