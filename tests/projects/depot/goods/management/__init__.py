"""Receivers of Django's signals, registered where `migrate` has apps register them.

`SIGNALS_TO` names the file to which a JSON line is added for each signal; `LEAVE_OUT` names a migration that a receiver
takes out of the plan.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import get_language


def note(**sent: Any) -> None:
    """Write down what came with a signal."""
    if not (path := os.environ.get("SIGNALS_TO")):
        return
    line = {
        "signal": "pre_migrate" if sent["signal"] is pre_migrate else "post_migrate",
        "keys": sorted(sent),
        "sender": sent["sender"].label,
        "app_config": sent["app_config"].label,
        "verbosity": sent["verbosity"],
        "interactive": sent["interactive"],
        "using": sent["using"],
        "plan": [[str(migration), backwards] for migration, backwards in sent["plan"]],
        "models": sorted(model._meta.label for model in sent["apps"].get_models()),
        "writes": hasattr(sent["stdout"], "write"),
        "language": get_language(),
    }
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def leave_out(*, plan: list[Any], **_: Any) -> None:
    """Take a migration out of the plan, as packages for several tenants do."""
    if name := os.environ.get("LEAVE_OUT"):
        plan[:] = [step for step in plan if step[0].name != name]


pre_migrate.connect(leave_out)
pre_migrate.connect(note)
post_migrate.connect(note)
