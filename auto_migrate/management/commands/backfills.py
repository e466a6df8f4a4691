"""The command for backfills: looking at them, carrying them out, pausing, resuming and cancelling them."""

from __future__ import annotations

import argparse
import json
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.translation import gettext as _

from auto_migrate.active_schema import within_schema
from auto_migrate.backfills.background import run_backfills
from auto_migrate.backfills.declared import declared
from auto_migrate.backfills.progress import described, record_of, states_of, together
from auto_migrate.backfills.records import ACTIONS, Backfills
from auto_migrate.clock import Clock
from auto_migrate.databases import adapter_for
from auto_migrate.databases.options import asking
from auto_migrate.exceptions import TransientError, UsageError
from auto_migrate.fleet.inventory import take_inventory
from auto_migrate.interrupts import interruptible
from auto_migrate.management.arguments import exit_codes
from auto_migrate.management.output import add_format, reporting, write_unencodable
from auto_migrate.redaction import printable
from auto_migrate.tenancy import tenancy_of, without_tenants
from auto_migrate.values import BackfillKey, jsonable

EPILOG = """\
examples:
  manage.py backfills                       list all of them
  manage.py backfills run                   carry out what is to be done, and end when nothing is left
  manage.py backfills pause order_total     let it stand still, within a batch
  manage.py backfills resume order_total    let it go on where it stopped, also after it failed or was cancelled
  manage.py backfills cancel order_total    let it be; what it wrote stays
  manage.py backfills pause order_total --tenant acme  in the schema of one tenant, and not in all that have it
"""


class Command(BaseCommand):
    help = "Look at backfills, carry them out, and pause, resume or cancel one. Exit codes are those of auto_migrate."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EPILOG
        parser.add_argument("action", nargs="?", choices=("list", "run", *ACTIONS), default="list")
        parser.add_argument("name", nargs="?", metavar="NAME", help="Its name, or APP.NAME where several have it.")
        parser.add_argument(
            "--database",
            choices=tuple(connections),
            default=DEFAULT_DB_ALIAS,
            metavar="ALIAS",
            help=f"Database alias. Default: {DEFAULT_DB_ALIAS}.",
        )
        parser.add_argument(
            "--tenant",
            action="append",
            default=[],
            metavar="NAME",
            help="A tenant whose schema alone is meant; may be given several times. Default: all schemas.",
        )
        add_format(parser)

    def handle(self, **options: Any) -> None:
        action, name, database = options["action"], options["name"], options["database"]
        tenants = options["tenant"]
        write_unencodable(self)
        with exit_codes():
            if (name is not None) is not (action in ACTIONS):
                needed = _("backfills {action} needs the name of a backfill.")
                refused = _("backfills {action} takes no name.")
                raise UsageError(
                    (needed if action in ACTIONS else refused).format(action=action),
                    hint=_("See all of them: manage.py backfills list"),
                )
            if tenants and tenancy_of(database) is None:
                raise without_tenants(database)
            if action == "run":
                with reporting(self, options) as output, interruptible() as clock:
                    done = run_backfills(database, tenants=tenants, listeners=[output.listener], clock=clock)
                if not done and options["format"] == "text":
                    self.stdout.write(_("No backfill was to be carried out. See all of them: manage.py backfills list"))
                return
            adapter = adapter_for(database)
            try:
                with asking(adapter):
                    self._answer(database, action, name, tenants, as_json=options["format"] == "json")
            except TransientError as fault:
                raise adapter.unreachable(fault) from fault

    def _answer(self, database: str, action: str, name: str, tenants: list[str], *, as_json: bool) -> None:
        store = Backfills(database)
        if action == "list":
            records = list(store.all(tenants))
        else:
            begun = action == "resume" and begin_where_unknown(store, name, tenants)
            records = store.find(name, tenants)
            if not store.act(records, action) and not begun:
                raise UsageError(
                    _("Backfill {backfill} is {state}, and was not changed.").format(
                        backfill=records[0].key, state=states_of(records)
                    ),
                    hint=_("See all of them: manage.py backfills list"),
                )
        if as_json:
            asked = {"event": "backfill", "at": jsonable(Clock().now()), "database": database, "run_id": str(uuid4())}
            for record in records:
                self.stdout.write(json.dumps({**asked, **record_of(record, database)}))
            return
        if not records:
            self.stdout.write(_("There are no backfills."))
        for event in together(records):
            self.stdout.write(f"{event.state:<10} {printable(described(event))}")


def begin_where_unknown(store: Backfills, name: str, tenants: list[str]) -> bool:
    """Make the records of a backfill in the schemas of those tenants that have none; return whether any had none."""
    if not tenants:
        return False
    app_label, _dot, own = name.rpartition(".")
    key = BackfillKey(app_label, own) if app_label else store.find(name)[0].key
    known = {record.schema for record in store.of(key, tenants)}
    if not (unknown := [tenant for tenant in dict.fromkeys(tenants) if tenant not in known]):
        return False
    if (tenancy := tenancy_of(store.database)) is None:
        raise without_tenants(store.database)
    take_inventory(tenancy).chosen(unknown)
    task = declared(connections[store.database], key).task()
    for tenant in unknown:
        with within_schema(tenant):
            store.ensure(task, background=True)
    return True
