"""What people are told of waits: for which migrations, and for whom."""

from __future__ import annotations

import datetime

from django.utils.translation import gettext as _

from auto_migrate.events import MigrationsAwaited
from auto_migrate.values import Holder


def describe_wait(event: MigrationsAwaited, now: datetime.datetime) -> str:
    """Say how many migrations somebody waits for, and who is at work on them."""
    if event.holder is None:
        return _("⏳ Waiting for migrations ({waited:.0f}s), {pending} pending: nobody migrates right now").format(
            waited=event.waited, pending=event.pending
        )
    return _("⏳ Waiting for migrations ({waited:.0f}s), {pending} pending: the deploy lock is {holder}").format(
        waited=event.waited, pending=event.pending, holder=describe_holder(event.holder, now)
    )


def describe_holder(holder: Holder | None, now: datetime.datetime) -> str:
    """Say who holds the deploy lock, and what it has been doing for how long."""
    if holder is None:
        return _("its holder has just let go")
    parts = [_("held by {holder}").format(holder=holder.description or "?")]
    if holder.since:
        parts.append(_("for {seconds:.0f}s").format(seconds=(now - holder.since).total_seconds()))
    if holder.migration:
        parts.append(_("on {migration}").format(migration=holder.migration))
    if holder.migration and holder.migration_since:
        parts.append(_("for {seconds:.0f}s").format(seconds=(now - holder.migration_since).total_seconds()))
    return " ".join(parts)
