from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig
from django.db.models import signals


class Firm(AppConfig):
    """Does at a signal what `RECEIVER` says: the signal's name and that of a body."""

    name = "tests.projects.hostile.firm"

    def ready(self) -> None:
        signals.pre_migrate.connect(self.before, sender=self)
        signals.post_migrate.connect(self.after, sender=self)

    def before(self, **_signal: Any) -> None:
        receive("pre_migrate")

    def after(self, **_signal: Any) -> None:
        receive("post_migrate")


def receive(signal: str) -> None:
    """Do it, if this is the signal."""
    from tests.projects.hostile.bodies import PYTHON

    wanted, _colon, body = os.environ.get("RECEIVER", "").partition(":")
    if wanted == signal:
        PYTHON[body]()
