"""The project on SQLite, with a driver that waits for another writer for ten minutes."""

from __future__ import annotations

from tests.projects.visits.settings import *  # noqa: F403
from tests.projects.visits.settings import DATABASES

DATABASES["default"]["OPTIONS"] = {"timeout": 600}
