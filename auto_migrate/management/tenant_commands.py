"""The commands of packages for tenants, under the deploy lock and in the history."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS
from django.utils.translation import gettext as _

from auto_migrate.active_schema import within_schema
from auto_migrate.clock import Clock
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.postgresql.adapter import RECORD_KEY
from auto_migrate.databases.postgresql.deploy_lock import AdvisoryLock
from auto_migrate.databases.postgresql.sessions import key_here
from auto_migrate.databases.postgresql.tenant_makers import maker_of
from auto_migrate.exceptions import DeployLockTimeout
from auto_migrate.management.commands.migrate import Supervised, next_in_line

# How often to look whether a deploy is through with a schema, in seconds.
POLL = 0.5


class SupervisedTenants(Supervised):
    """A package's command that migrates all schemas, or those that are named.

    Typed, or called for all, it is a run like any other. Called by code for one schema, it makes a tenant: that must
    not wait for a deploy to end, and only keeps the deploy out of this very schema.
    """

    is_typed = False

    def run_from_argv(self, argv: list[str]) -> None:
        self.is_typed = True
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        named = [options.get("schema_name"), *(options.get("schemas") or ())]
        names = sorted({str(name) for name in named if name})
        if self.is_typed or not names:
            super().handle(*args, **options)
            return
        with contextlib.ExitStack() as stack:
            for name in names:
                stack.enter_context(kept_out(options.get("database") or DEFAULT_DB_ALIAS, name))
            # Past our own, which would hold the deploy lock.
            super(Supervised, self).handle(*args, **options)


@contextlib.contextmanager
def kept_out(database: str, schema: str) -> Iterator[None]:
    """Keep deploys out of one schema within the block; raise `DeployLockTimeout` if one stays in it for too long."""
    settings = get_settings()
    if settings.LOCK == "none":
        yield
        return
    with within_schema(schema):
        lock = AdvisoryLock(adapter_for(database), maker_of(schema), key_here(RECORD_KEY))
    clock = Clock()
    began = clock.monotonic()
    try:
        while not lock.try_acquire():
            waited = clock.monotonic() - began
            if waited >= settings.LOCK_WAIT:
                text = _("A deploy is in the schema {schema!r} for {waited:.0f}s.")
                raise DeployLockTimeout(text.format(schema=schema, waited=waited))
            clock.pause(POLL)
        yield
    finally:
        lock.release()


class Missing(BaseCommand):
    """A command of a package that is not installed."""

    help = "Migrates the schemas of tenants, where its package is installed."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError("No installed app has a command of this name. Migrate by: manage.py auto_migrate")


def supervised_command(name: str, module: str) -> type[BaseCommand]:
    """Return the command of the package that brings it, as a run of ours."""
    found = next_in_line(name)
    if found is None:
        return Missing
    return type("Command", (SupervisedTenants, found), {"__module__": module, "help": found.help})
