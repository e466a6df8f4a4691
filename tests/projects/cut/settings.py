from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["django.contrib.postgres", "auto_migrate", "tests.projects.counting", "tests.projects.cut.ledger"]
