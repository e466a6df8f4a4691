"""Which schemas there are, and which of them have the same record: one look at all of them."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from django.db import ProgrammingError, router
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from auto_migrate.databases import adapter_for
from auto_migrate.databases.identifiers import quoted
from auto_migrate.databases.savepoint import savepoint
from auto_migrate.exceptions import UsageError
from auto_migrate.planning.schema_state import needs, recorded_rows
from auto_migrate.tenancy import NOBODY, OfRows, Tenancy, Tenant, TenantsUnknown, not_told
from auto_migrate.values import Node, ValueObject

# How many records one query reads: each is a table that the server locks meanwhile, with its index, and it has room for
# 6,400 locks unless somebody said otherwise.
AT_ONCE = 500
# How often to look anew when a schema was dropped between two queries.
LOOKS = 5

RECORD = MigrationRecorder.Migration._meta.db_table
# A name of more than 63 bytes is one of its first letters wherever the server reads it, and so is its schema's.
WHERE = """
    SELECT coalesce(space.nspname::text, given.name), given.kind, space.oid IS NOT NULL, record.oid IS NOT NULL
    FROM (
        SELECT * FROM ({named}) AS kept UNION ALL SELECT name, '' FROM unnest(%s::text[]) AS name
    ) AS given(name, kind)
    LEFT JOIN pg_namespace AS space ON space.nspname = given.name::name
    LEFT JOIN pg_class AS record ON record.relnamespace = space.oid AND record.relname = %s
"""
# Sorted by what they are: schemas of different age have recorded the same in another order. One aggregate over the rows
# of all: one for each table takes the server four times as long to plan.
DIGESTS = """
    SELECT place, md5(string_agg(DISTINCT {node}, ',' ORDER BY {node}))
    FROM ({records}) AS recorded GROUP BY place
"""
NODE = "(app || '.' || name) COLLATE \"C\""
# The digest of a schema that has no record, or an empty one.
NOTHING = ""


class Group(ValueObject):
    """Tenants whose records name the same migrations, by the digest of these; `has_record` tells of the table."""

    digest: str
    tenants: tuple[Tenant, ...]
    has_record: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of their schemas."""
        return tuple(tenant.name for tenant in self.tenants)


class Inventory(ValueObject):
    """All tenants, in groups; `public` is the digest of the schema that they share.

    `unprovisioned` are those without a schema. `missing` have none either and are in the groups all the same: the code
    itself names them, so that a run makes it.
    """

    public: str
    groups: tuple[Group, ...]
    unprovisioned: tuple[str, ...] = ()
    missing: tuple[Tenant, ...] = ()

    @property
    def total(self) -> int:
        """How many tenants have a schema, or get one."""
        return sum(len(group.tenants) for group in self.groups)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, of those without a schema too."""
        return (*(name for group in self.groups for name in group.names), *self.unprovisioned)

    @property
    def without_record(self) -> frozenset[str]:
        """The names of those in whose schemas nothing was ever recorded."""
        return frozenset(name for group in self.groups if not group.has_record for name in group.names)

    @property
    def recorded(self) -> list[Node]:
        """What a fingerprint is made of: the records that there are, whoever has them.

        A tenant that came, or went, with the same record as others changes nothing.
        """
        digests = {group.digest for group in self.groups}
        return [("public", self.public), *(("tenant", digest) for digest in sorted(digests))]

    @property
    def drifting(self) -> tuple[str, ...]:
        """The tenants whose record nobody else has, where most have the same."""
        having = defaultdict[str, list[str]](list)
        for group in self.groups:
            having[group.digest] += group.names
        largest = max(map(len, having.values()), default=0)
        alone = [names[0] for names in having.values() if len(names) == 1]
        return tuple(alone) if largest > max(1, len(alone)) else ()

    def only(self, names: Iterable[str]) -> Inventory:
        """Return the same of some tenants."""
        wanted = frozenset(names)
        groups = (
            dataclasses.replace(group, tenants=tuple(tenant for tenant in group.tenants if tenant.name in wanted))
            for group in self.groups
        )
        return dataclasses.replace(
            self,
            groups=tuple(group for group in groups if group.tenants),
            unprovisioned=tuple(name for name in self.unprovisioned if name in wanted),
            missing=tuple(tenant for tenant in self.missing if tenant.name in wanted),
        )

    def chosen(self, names: Collection[str]) -> Inventory:
        """Return the same of the tenants that somebody named, all if none; raise `UsageError` if one cannot be had."""
        if unknown := sorted(set(names).difference(self.names)):
            near = get_close_matches(unknown[0], self.names, n=5, cutoff=0.5) or sorted(self.names)[:5]
            raise UsageError(
                _("There is no tenant {name!r}.").format(name=unknown[0]),
                hint=_("Choose one such as: {names}.").format(names=", ".join(near))
                if near
                else _("There are no tenants."),
            )
        if absent := sorted(set(names).intersection(self.unprovisioned)):
            raise UsageError(
                _("Tenant {name!r} has no schema, so nothing can be done for it.").format(name=absent[0]),
                hint=_("Let the application make the schema, or leave the tenant out."),
            )
        return self.only(names) if names else self


def take_inventory(tenancy: Tenancy, *, strictly: bool = False) -> Inventory:
    """Look at all schemas: one query for who there is, and one for the records of each 500.

    What tells the tenants may need what a deploy is to make of the shared schema: until then they are nobody. Raise
    `TenantsUnknown` where that is no reason any more, or, `strictly`, may not be one.
    """
    for look in range(1, LOOKS + 1):
        try:
            return _take(tenancy, strictly=strictly)
        except ProgrammingError:
            # A tenant may have gone since its name was read.
            if look == LOOKS or tenancy.connection.in_atomic_block:
                raise
    raise AssertionError("there is at least one look")


def _take(tenancy: Tenancy, *, strictly: bool) -> Inventory:
    static = {tenant.name: tenant for tenant in tenancy.static}
    rows = _rows(tenancy, list(static), strictly=strictly)
    tenants: dict[str, Tenant] = {}
    for name, kind, *_there in rows:
        if name != tenancy.public:
            tenants.setdefault(name, static.get(name) or Tenant(name, kind or ""))
    there = {name for name, _kind, is_there, _has_record in rows if is_there}
    if refused := next((name for name in tenants if name in there and not tenancy.allows(name)), None):
        raise TenantsUnknown(
            _("{package} works in no schema of the name {name!r}, which {path} tells.").format(
                package=tenancy.package, name=refused, path=tenancy.source
            ),
            hint=_("Give the schema and its tenant a name that it takes, or take the tenant out."),
        )
    recorded = list(dict.fromkeys(row[0] for row in rows if row[3] and row[0] in tenants))
    digests = dict(_digests(tenancy, recorded))
    return Inventory(
        _shared_digest(tenancy),
        tuple(_groups([one for one in tenants.values() if one.name in there or one.is_static], digests)),
        tuple(name for name, tenant in tenants.items() if name not in there and not tenant.is_static),
        tuple(tenant for name, tenant in tenants.items() if name not in there and tenant.is_static),
    )


def _rows(tenancy: Tenancy, more: Sequence[str], *, strictly: bool) -> list[tuple[Any, ...]]:
    """Return of each tenant, and of some `more` schemas, name and type, and whether it has a schema and a record."""
    try:
        return _rows_of(tenancy, *tenancy.named(), more)
    except ProgrammingError as error:
        if adapter_for(tenancy.alias).fault_of(error) is not None:
            raise
        is_to_be_there = strictly or not needs().pending(frozenset(recorded_rows(tenancy.connection)))
        if is_to_be_there and _may_be_told_here(tenancy):
            raise not_told(tenancy.source, error) from error
        return _rows_of(tenancy, *NOBODY, more)


def _may_be_told_here(tenancy: Tenancy) -> bool:
    """Return whether routers let the database have the rows of tenants: another one may be of the same engine."""
    if tenancy.given or not isinstance(tenancy, OfRows):
        return True
    return router.allow_migrate_model(tenancy.alias, tenancy.model)


def _rows_of(tenancy: Tenancy, named: str, params: Sequence[Any], more: Sequence[str]) -> list[tuple[Any, ...]]:
    with savepoint(tenancy.alias), tenancy.connection.cursor() as cursor:
        cursor.execute(WHERE.format(named=named), [*params, list(more), RECORD])
        return list(cursor.fetchall())


def _shared_digest(tenancy: Tenancy) -> str:
    """Return that of the record which this connection finds: what all share may be in a schema of another name."""
    return digest_of(recorded_rows(tenancy.connection))


def _digests(tenancy: Tenancy, names: list[str]) -> Iterator[tuple[str, str]]:
    for first in range(0, len(names), AT_ONCE):
        part = names[first : first + AT_ONCE]
        records = " UNION ALL ".join(
            f"SELECT {place} AS place, app, name FROM {quoted(name)}.{quoted(RECORD)}"  # noqa: S608 # a quoted name
            for place, name in enumerate(part)
        )
        with tenancy.connection.cursor() as cursor:
            # Without parameters, so that a per cent sign in a name is one.
            cursor.execute(DIGESTS.format(node=NODE, records=records))
            digests = dict(cursor.fetchall())
        # Of an empty record there is no row.
        yield from ((name, digests.get(place, NOTHING)) for place, name in enumerate(part))


def digest_of(recorded: Iterable[Node]) -> str:
    """Return the digest of a record as the server computes it."""
    text = ",".join(sorted({f"{app_label}.{name}" for app_label, name in recorded}))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() if text else NOTHING


@contextlib.contextmanager
def representative_of(tenancy: Tenancy, group: Group) -> Iterator[tuple[Node, ...] | None]:
    """Be in the schema of a tenant that still has the record of its group, and return that; None if none has.

    A tenant may be migrated, or dropped, after it was looked at: its record then says nothing of the others.
    """
    for tenant in group.tenants[:LOOKS]:
        with tenancy.entered(tenant):
            recorded = recorded_rows(tenancy.connection)
            if digest_of(recorded) == group.digest:
                yield recorded
                return
    yield None


def _groups(tenants: Iterable[Tenant], digests: Mapping[str, str]) -> Iterator[Group]:
    """Put those together that have the same plan; what is done for it depends on the type of a tenant, too."""
    found: dict[tuple[Any, ...], list[Tenant]] = defaultdict(list)
    for tenant in tenants:
        digest = digests.get(tenant.name, NOTHING)
        found[digest, tenant.kind, tenant.name in digests].append(tenant)
    for (digest, _kind, has_record), members in found.items():
        yield Group(digest, tuple(members), has_record)
