from __future__ import annotations

from tests.projects.cut.settings import *  # noqa: F403

USE_TZ = False
