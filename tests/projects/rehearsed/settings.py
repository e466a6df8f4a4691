"""A project whose plan is what `CHANGE` names; see its migration 0002."""

from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.rehearsed.stage"]
