"""A message to every address that is notified, to see whether it arrives."""

from __future__ import annotations

import datetime
import uuid

from django.utils.translation import gettext as _

from auto_migrate.events import Context, Listener
from auto_migrate.exceptions import UsageError
from auto_migrate.reporting.notifications.notifier import try_all


def try_notifications(database: str, listener: Listener) -> None:
    """Send a test to each address of `NOTIFY`; raise `UsageError` if there is none, or one does not take it."""
    context = Context(database, uuid.uuid4(), datetime.datetime.now(tz=datetime.UTC))
    tested = []
    for event in try_all(database):
        listener(event, context)
        tested.append(event)
    failed = [event.service for event in tested if event.error]
    if failed:
        raise UsageError(
            _("Not notified: {services}.").format(services=", ".join(failed)),
            hint=_("Correct {setting}, or the variable {variable}, whichever it is from.").format(
                setting="AUTO_MIGRATE['NOTIFY']", variable="AUTO_MIGRATE_NOTIFY"
            ),
        )
    if not tested:
        raise UsageError(
            _("AUTO_MIGRATE['NOTIFY'] names no address, so nobody was notified."),
            hint=_("Try it: AUTO_MIGRATE_NOTIFY=mailto:you@example.com manage.py auto_migrate --notify-test"),
        )
