"""What tells one plan from another, so that an acknowledgement can be for this one alone."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from django.db.migrations.migration import Migration
from django.utils.translation import gettext as _

from auto_migrate.exceptions import PlanRefused
from auto_migrate.findings import Acknowledgement
from auto_migrate.planning.comparison import Comparison

LENGTH = 12


def plan_fingerprint(comparison: Comparison) -> str:
    """Return a hash of the migrations of a plan, of their order and direction, and of the files that they are in."""
    told = hashlib.sha256()
    for migration, backwards in comparison.plan:
        told.update(f"{migration.app_label}.{migration.name} {backwards}\n".encode())
        told.update(_source(migration))
    return told.hexdigest()[:LENGTH]


def _source(migration: Migration) -> bytes:
    file = getattr(sys.modules.get(type(migration).__module__), "__file__", None)
    try:
        return Path(file).read_bytes() if file else b""
    except OSError:
        return b""


def check_same_plan(comparison: Comparison, acknowledgements: Sequence[Acknowledgement]) -> None:
    """Raise `PlanRefused` if somebody has acknowledged a finding of another plan than this one."""
    meant = [one for one in acknowledgements if one.plan]
    if not meant:
        return
    fingerprint = plan_fingerprint(comparison)
    for one in meant:
        if not fingerprint.startswith(one.plan):
            text = _("{code} was acknowledged for the plan {meant}, and this is {fingerprint}. Nothing was changed.")
            raise PlanRefused(
                text.format(code=f"{one.code}:{one.migration}", meant=one.plan, fingerprint=fingerprint),
                hint=_("Look at what has changed: {command}").format(command="manage.py auto_migrate --plan"),
            )
