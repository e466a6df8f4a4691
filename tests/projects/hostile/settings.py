"""Two apps of one shape, one whose migrations are atomic and one whose are not; `BODY` says what they do."""

from __future__ import annotations

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.hostile.firm", "tests.projects.hostile.loose"]
