"""The settings of the project; `HOLD` is a statement that its last migration but one waits for."""

from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.visits.visits"]
