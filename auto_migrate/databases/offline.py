"""A connection that never connects: enough for Django to tell what it would do to a server that nobody reaches."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.utils import load_backend
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _

from auto_migrate.databases import unknown_alias
from auto_migrate.exceptions import UsageError

ENGINES = {
    "postgresql": "django.db.backends.postgresql",
    "mysql": "django.db.backends.mysql",
    "sqlite": "django.db.backends.sqlite3",
}
# What is assumed where nobody says: the newest that is supported.
NEWEST = {"postgresql": "18", "mysql": "8.4"}
VERSION = _lazy_re_compile(r"(?P<numbers>\d{1,4}(\.\d{1,4}){0,2})(?P<flavour>-mariadb)?", re.IGNORECASE)


class NotConnected(DatabaseError):
    """Something asked a database that nobody reaches."""


def offline(alias: str, *, vendor: str | None = None, version: str | None = None) -> BaseDatabaseWrapper:
    """Return a connection of `alias` that stands for a server of a version and never talks to it.

    `vendor` replaces the alias's own, for those whose tests run on another than production does. Raise `UsageError`
    for an alias or a vendor that there is not, for a version that makes no sense, and where a driver is not installed.
    """
    if alias not in connections:
        raise unknown_alias(alias)
    configured = connections[alias]
    if (vendor or configured.vendor) not in ENGINES:
        raise UsageError(
            _("What {vendor} does with a migration is not known here.").format(vendor=vendor or configured.vendor),
            hint=_("Name what production runs on: --vendor postgresql"),
        )
    settings = copy.deepcopy(configured.settings_dict)
    if vendor not in {None, configured.vendor}:
        # The options of one driver mean nothing to another.
        settings.update(ENGINE=ENGINES[str(vendor)], OPTIONS={})
    connection: BaseDatabaseWrapper = load(alias, settings)
    pretend(connection, version)

    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise NotConnected(_("Nothing is asked of the database {alias!r} here.").format(alias=alias))

    def again(*_arguments: Any) -> BaseDatabaseWrapper:
        return offline(alias, vendor=vendor, version=version)

    vars(connection).update(connect=refuse, copy=again)
    return connection


def load(alias: str, settings: dict[str, Any]) -> Any:
    """Return a new connection of an alias; raise `UsageError` if its driver is not installed."""
    try:
        return load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias)
    except ImproperlyConfigured as error:
        raise UsageError(
            _("Django cannot load {engine}: {error}").format(
                engine=settings["ENGINE"], error=str(error).splitlines()[0]
            ),
            hint=_("Install its driver: pip install 'psycopg[binary]', or mysqlclient"),
        ) from error


def pretend(connection: Any, version: str | None) -> None:
    """Let a connection say that its server is of a version."""
    said = version or NEWEST.get(connection.vendor)
    if said is None:
        return
    found = VERSION.fullmatch(said)
    if connection.vendor not in NEWEST or not found or (found["flavour"] and connection.vendor != "mysql"):
        raise UsageError(
            _("{version!r} is not a version of {vendor} that can be chosen.").format(
                version=said, vendor=connection.vendor
            ),
            hint=_("Leave --server-version out, or write it like this: --server-version 15"),
        )
    numbers = [int(part) for part in found["numbers"].split(".")]
    if connection.vendor == "postgresql":
        _pretend_postgresql(connection, numbers)
    else:
        _pretend_mysql(connection, numbers, flavour=found["flavour"] or "")


def _pretend_postgresql(connection: Any, numbers: Sequence[int]) -> None:
    from django.db.backends.postgresql import psycopg_any

    major, minor = [*numbers, 0][:2]
    # Where Django's cached property keeps its answer.
    connection.__dict__["pg_version"] = major * 10000 + minor
    quote = psycopg_any.sql.quote

    def compose_sql(text: str, params: Sequence[Any]) -> str:
        # Django's own asks for the server's encoding; these statements are only read.
        return text % tuple(map(quote, params))

    connection.ops.compose_sql = compose_sql


def _pretend_mysql(connection: Any, numbers: Sequence[int], *, flavour: str) -> None:
    connection.__dict__["mysql_server_data"] = {
        "version": ".".join(map(str, [*numbers, 0, 0][:3])) + flavour,
        "sql_mode": "STRICT_TRANS_TABLES",
        "default_storage_engine": "InnoDB",
        "sql_auto_is_null": False,
        "lower_case_table_names": False,
        "has_zoneinfo_database": True,
    }

    editor: Any = BaseDatabaseSchemaEditor

    class OfflineSchemaEditor(connection.SchemaEditorClass):  # type: ignore[misc] # of the driver that is there
        """Takes every table for one of InnoDB's, where Django's own asks the database for its engine."""

        def _field_should_be_indexed(self, model: Any, field: Any) -> bool:
            if not editor._field_should_be_indexed(self, model, field):
                return False
            brings_index = field.get_internal_type() == "ForeignKey" and field.db_constraint
            return not (brings_index or self._is_limited_data_type(field))

    connection.SchemaEditorClass = OfflineSchemaEditor
