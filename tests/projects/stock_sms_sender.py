"""sms_sender without auto_migrate, so that `migrate` is Django's own."""

from __future__ import annotations

from sms_sender.settings import *  # noqa: F403
from sms_sender.settings import INSTALLED_APPS as ALL

INSTALLED_APPS = [app for app in ALL if not app.startswith("auto_migrate")]
