"""Projects that keep a schema for each of their tenants, with a record of migrations in each.

Whoever looks at one schema knows nothing of the others: such a database is up to date when all of its schemas are.
django-tenants and django-pgschemas are recognised by the database's connection; what any other way of having tenants
needs is their names, which the setting `TENANTS` tells where to get.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from auto_migrate.active_schema import active_schema, within_schema
from auto_migrate.conf import get_settings, load_callable
from auto_migrate.databases.identifiers import is_schema_name, quoted
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import AutoMigrateError, UsageError, summary_of
from auto_migrate.tenant_backends import unknown_package, ways_to_all

# Of which those of other packages have no type.
project_settings: Any = settings

PUBLIC = "public"
# What the setting may be beside a dotted path.
AUTO, NONE = "auto", "none"


class TenantsUnknown(UsageError):
    """The database has a schema for each tenant, and which there are cannot be told."""


@dataclasses.dataclass(frozen=True, order=True)
class Tenant:
    """One tenant: the name of its schema, and its type where a project has several, which decides on its apps.

    `is_static` tells that the code itself names it, so that its schema is made if it is missing.
    """

    name: str
    kind: str = ""
    is_static: bool = False


# A statement that gives names and types of tenants, with its parameters.
Named = tuple[str, Sequence[Any]]
NOBODY: Named = ("SELECT '', '' WHERE false", ())


class Tenancy(abc.ABC):
    """The tenants of one database: who they are, and how a connection is in the schema of one."""

    package: ClassVar[str] = ""
    # Its function that tells in schemas of which names it works.
    valid_name: ClassVar[str] = ""

    def __init__(self, alias: str, given: str = "") -> None:
        self.alias = alias
        # The dotted path of a function that names all schemas in place of the project's rows.
        self.given = given

    @property
    def connection(self) -> Any:
        """Django's connection, in this thread."""
        return connections[self.alias]

    @property
    def public(self) -> str:
        """The schema that all tenants share."""
        return PUBLIC

    def allows(self, name: str) -> bool:
        """Return whether the package works in a schema of this name; with another one it raises at each cursor."""
        return not self.valid_name or bool(import_string(self.valid_name)(name))

    @property
    def source(self) -> str:
        """What tells the tenants, as people know it."""
        return self.given

    def named(self) -> Named:
        """Return the query for the names and types of the tenants, in their order."""
        if not self.given:
            return self.named_by_project()
        with savepoint(self.alias):
            return given_names(self.given)

    @abc.abstractmethod
    def named_by_project(self) -> Named:
        """Return the query for those that the project keeps rows of."""

    @property
    def static(self) -> tuple[Tenant, ...]:
        """The tenants that the code itself names."""
        return ()

    @contextlib.contextmanager
    def entered(self, tenant: Tenant) -> Iterator[None]:
        """Let this thread and its connection be in the schema of a tenant."""
        with self.switched(tenant), within_schema(tenant.name):
            yield

    @contextlib.contextmanager
    def in_public(self) -> Iterator[None]:
        """Let this thread and its connection be in the schema that all share."""
        with self.switched(Tenant(self.public, self.public)), within_schema(""):
            yield

    @abc.abstractmethod
    def switched(self, tenant: Tenant) -> contextlib.AbstractContextManager[None]:
        """Let the connection be in a schema, without a word of it to anybody else."""

    @abc.abstractmethod
    def kept(self) -> contextlib.AbstractContextManager[None]:
        """Let the connection be where it was after a block that may have led it into another schema, and ended well."""

    def tell(self, signal: str, schema: str) -> None:  # noqa: B027 # most have none
        """Send a signal of the package's own, if it has it."""


class OfRows(Tenancy):
    """Tenants of which the project keeps a model's rows."""

    @property
    @abc.abstractmethod
    def model(self) -> Any:
        """The model, None where the code names all there are."""

    @property
    def source(self) -> str:
        return self.given or str(self.model._meta.label)

    def query(self, *fields: str, order: Sequence[str]) -> Named:
        """Return the query for some fields of all rows."""
        rows = self.model.objects.using(self.alias).order_by(*order).values_list(*fields)
        with contextlib.suppress(EmptyResultSet):
            sql, params = rows.query.get_compiler(self.alias).as_sql()
            return (sql if len(fields) > 1 else f"SELECT kept.*, '' FROM ({sql}) AS kept"), params  # noqa: S608 # the ORM's
        # A manager that lets nobody through, for which Django asks no database.
        return NOBODY


class DjangoTenants(OfRows):
    """The tenants of django-tenants, with its own settings."""

    package = "django_tenants"
    valid_name = "django_tenants.postgresql_backend.base.is_valid_schema_name"

    @property
    def public(self) -> str:
        return str(getattr(settings, "PUBLIC_SCHEMA_NAME", PUBLIC))

    @property
    def model(self) -> Any:
        return apps.get_model(project_settings.TENANT_MODEL)

    def named_by_project(self) -> Named:
        kind = getattr(settings, "MULTI_TYPE_DATABASE_FIELD", "")
        several = getattr(settings, "HAS_MULTI_TYPE_TENANTS", False) and kind
        order = getattr(settings, "TENANT_MIGRATION_ORDER", None) or ["schema_name"]
        return self.query("schema_name", *([kind] if several else ()), order=order)

    @contextlib.contextmanager
    def switched(self, tenant: Tenant) -> Iterator[None]:
        connection = self.connection
        before, stays = connection.tenant, connection._setting_search_path
        self.set_at_every_cursor(True)
        connection.set_schema(tenant.name, tenant_type=tenant.kind)
        try:
            yield
        finally:
            connection.set_tenant(before)
            if stays and connection.connection is not None and not connection.needs_rollback:
                with connection.cursor():
                    self.set_at_every_cursor(False)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        before = self.connection.tenant
        yield
        self.connection.set_tenant(before)

    def set_at_every_cursor(self, wanted: bool) -> None:  # it is the only thing that is asked
        """Let the connection set its search path at every cursor, as it does unless told otherwise, or at none."""
        # Its guard against doing so while it does so.
        self.connection._setting_search_path = not wanted

    def tell(self, signal: str, schema: str) -> None:
        signals: Any = import_module("django_tenants.signals")
        # Receivers are connected to the sender that its documentation names.
        sender: Any = import_module("django_tenants.migration_executors.base")
        getattr(signals, signal).send(sender.run_migrations, schema_name=schema)


class DjangoPgschemas(OfRows):
    """The tenants of django-pgschemas, static ones and the reference for clones included."""

    package = "django_pgschemas"
    valid_name = "django_pgschemas.utils.is_valid_schema_name"

    @property
    def model(self) -> Any:
        default = project_settings.TENANTS.get("default")
        return apps.get_model(default["TENANT_MODEL"]) if default else None

    @property
    def static(self) -> tuple[Tenant, ...]:
        names = [name for name in project_settings.TENANTS if name not in {self.public, "default"}]
        reference = project_settings.TENANTS.get("default", {}).get("CLONE_REFERENCE")
        clones = [Tenant(reference, "default", is_static=True)] if reference else []
        return (*(Tenant(name, name, is_static=True) for name in names), *clones)

    def named_by_project(self) -> Named:
        return NOBODY if self.model is None else self.query("schema_name", order=["schema_name"])

    def allows(self, name: str) -> bool:
        # It is sent without quotes, and capitals would lead elsewhere: into the shared schema, where nothing is there.
        return super().allows(name) and name == name.lower()

    @contextlib.contextmanager
    def switched(self, tenant: Tenant) -> Iterator[None]:
        from django_pgschemas.schema import Schema

        with Schema.create(tenant.name):
            yield

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        from django_pgschemas.schema import activate, get_current_schema

        before = get_current_schema()
        yield
        activate(before)
        # It believes to know where the session is, which a statement may have led elsewhere.
        self.connection._search_path = None


class NamedSchemas(Tenancy):
    """Tenants whose schemas a function of the project names; the search path is all that tells them apart."""

    def named_by_project(self) -> Named:
        return NOBODY

    @contextlib.contextmanager
    def switched(self, tenant: Tenant) -> Iterator[None]:
        if not active_schema() and tenant.name == self.public:
            yield
            return
        own = self.connection
        before = _path_of(own)
        shared = before.removeprefix(f"{quoted(active_schema())}, ")
        path = shared if tenant.name == self.public else f"{quoted(tenant.name)}, {shared}"

        def follow(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
            # A connection that is made anew is in the schema that all share; those of other threads are theirs.
            if connection is own:
                _set_path(own, path)

        _set_path(own, path)
        connection_created.connect(follow, weak=False, dispatch_uid=id(follow))
        try:
            yield
        finally:
            connection_created.disconnect(dispatch_uid=id(follow))
            if own.connection is not None and not own.needs_rollback:
                _set_path(own, before)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        before = _path_of(self.connection)
        yield
        _set_path(self.connection, before)


def given_names(path: str) -> Named:
    """Return the query for the schemas that a function of the project's names.

    Raise `TenantsUnknown` for whatever it raises or gives in place of them; what the database raises is let pass.
    """
    function, hint = load_callable("TENANTS", path), _("Let it give the names of the tenants' schemas, as text.")
    try:
        given = function()
        names = [] if isinstance(given, str | bytes) else list(dict.fromkeys(given))
    except (Error, AutoMigrateError):
        raise
    except (Exception, SystemExit) as error:
        raise not_told(path, error) from error
    if isinstance(given, str | bytes):
        # It would be as many names as it has letters.
        raise TenantsUnknown(
            _("{path} gave {wrong!r}, which is no list of names.").format(path=path, wrong=given), hint=hint
        )
    if wrong := [name for name in names if not is_schema_name(name)]:
        raise TenantsUnknown(
            _("{path} gave {wrong!r}, which is no name of a schema.").format(path=path, wrong=wrong[0]), hint=hint
        )
    return "SELECT name, '' FROM unnest(%s::text[]) WITH ORDINALITY AS given(name, place) ORDER BY place", [names]


def _path_of(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path')")
        return str(cursor.fetchone()[0])


def _set_path(connection: BaseDatabaseWrapper, path: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('search_path', %s, false)", [path])


KINDS: tuple[type[Tenancy], ...] = (DjangoTenants, DjangoPgschemas)


def tenancy_of(alias: str) -> Tenancy | None:
    """Return what the tenants of a database are, None if it has none or none are to count.

    Raise `TenantsUnknown` for tenants of a package that is not known here.
    """
    wanted = get_settings().TENANTS
    if wanted == NONE:
        return None
    backend = type(connections[alias])
    return _tenancy(alias, "" if wanted == AUTO else wanted, backend)  # type: ignore[arg-type] # a class has a hash


@functools.cache
def _tenancy(alias: str, given: str, backend: type[BaseDatabaseWrapper]) -> Tenancy | None:
    """Answer once: whatever is done in a run asks."""
    packages = {kind.__module__.partition(".")[0] for kind in backend.__mro__}
    for kind in KINDS:
        if kind.package in packages:
            return kind(alias, given)
    if given:
        return _named_schemas(alias, given)
    if package := unknown_package(backend):
        raise TenantsUnknown(
            _(
                "{package} keeps a schema for each tenant in database {database!r}, and auto_migrate would look at one "
                "of them only. Nothing was done."
            ).format(package=package, database=alias),
            hint="\n".join(ways_to_all(package)),
        )
    return None


def _named_schemas(alias: str, path: str) -> Tenancy | None:
    if alias != DEFAULT_DB_ALIAS:
        return None
    if connections[alias].vendor != "postgresql":
        raise TenantsUnknown(
            _("AUTO_MIGRATE['TENANTS'] names schemas, which {vendor} does not have.").format(
                vendor=connections[alias].vendor
            ),
            hint=_("Take it out: grep -rn TENANTS ."),
        )
    return NamedSchemas(alias, path)


def not_told(source: str, error: BaseException) -> TenantsUnknown:
    """Return the error that says why a function, or a model, does not tell the tenants."""
    return TenantsUnknown(_("{path} does not tell the tenants: {error}").format(path=source, error=summary_of(error)))


def without_tenants(alias: str) -> UsageError:
    """Return the error for somebody who names tenants of a database that has none."""
    return UsageError(_("Database {database!r} has no tenants.").format(database=alias), hint=_("Name none."))


def shared_schema(alias: str) -> str:
    """Return the name of the schema that all tenants of a database share; empty where there are none."""
    tenancy = tenancy_of(alias)
    return "" if tenancy is None else tenancy.public


def in_public(alias: str) -> contextlib.AbstractContextManager[None]:
    """Let this thread be in the schema that all tenants of a database share; nothing changes where there are none."""
    tenancy = tenancy_of(alias)
    return contextlib.nullcontext() if tenancy is None else tenancy.in_public()


def kept_in_schema(alias: str) -> contextlib.AbstractContextManager[None]:
    """Let code of others lead the connection into other schemas within the block, as it may not beyond it.

    What comes next in the migration, and its record, would go to the schema in which it was left.
    """
    tenancy = tenancy_of(alias)
    return contextlib.nullcontext() if tenancy is None else tenancy.kept()
