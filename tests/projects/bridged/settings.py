"""The settings of a shop whose migrations are those of one of its releases."""

from __future__ import annotations

import os

from tests.projects.base_settings import *  # noqa: F403

INSTALLED_APPS = ["auto_migrate", "tests.projects.counting", "tests.projects.bridged.shop"]
MIGRATION_MODULES = {"shop": f"tests.projects.bridged.shop.{os.environ.get('BRIDGED', 'one')}"}
