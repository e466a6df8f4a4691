"""Which schemas there are, and which of them have the same record: one look at all of them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import ProgrammingError
from django.db.migrations.recorder import MigrationRecorder

from auto_migrate.tenants import Tenancy, Tenant, quoted, rows_of
from auto_migrate.values import Node

# How many records one query reads: each is a table that the server locks meanwhile, with its index, and it has room for
# 6,400 locks unless somebody said otherwise.
AT_ONCE = 500
# How often to look anew when a schema was dropped between two queries.
LOOKS = 5

RECORD = MigrationRecorder.Migration._meta.db_table
WHERE = """
    SELECT given.name, given.kind, space.oid IS NOT NULL, record.oid IS NOT NULL
    FROM (
        SELECT * FROM ({named}) AS kept UNION ALL SELECT name, '' FROM unnest(%s::text[]) AS name
    ) AS given(name, kind)
    LEFT JOIN pg_namespace AS space ON space.nspname = given.name
    LEFT JOIN pg_class AS record ON record.relnamespace = space.oid AND record.relname = %s
"""
# Sorted by what they are: schemas of different age have recorded the same in another order.
DIGEST = """
    SELECT {place}, md5(string_agg(app || '.' || name, ',' ORDER BY app COLLATE "C", name COLLATE "C")) FROM {table}
"""
# The digest of a schema that has no record, or an empty one.
NOTHING = ""


@dataclasses.dataclass(frozen=True)
class Group:
    """Tenants whose records name the same migrations, by the digest of these; `has_record` tells of the table."""

    digest: str
    tenants: tuple[Tenant, ...]
    has_record: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of their schemas."""
        return tuple(tenant.name for tenant in self.tenants)


@dataclasses.dataclass(frozen=True)
class Survey:
    """All tenants, in groups; `public` is the digest of the schema that they share.

    `unprovisioned` are those without a schema, `missing` those of them that the code itself names.
    """

    public: str
    groups: tuple[Group, ...]
    unprovisioned: tuple[str, ...] = ()
    missing: tuple[Tenant, ...] = ()

    @property
    def total(self) -> int:
        """How many tenants have a schema."""
        return sum(len(group.tenants) for group in self.groups)

    @property
    def names(self) -> tuple[str, ...]:
        """All names, of those without a schema too."""
        return (*(name for group in self.groups for name in group.names), *self.unprovisioned)

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
        largest = max((len(group.tenants) for group in self.groups), default=0)
        alone = [group.names[0] for group in self.groups if len(group.tenants) == 1]
        return tuple(alone) if largest > max(1, len(alone)) else ()

    def only(self, names: Iterable[str]) -> Survey:
        """Return the same of some tenants."""
        wanted = frozenset(names)
        groups = (
            dataclasses.replace(group, tenants=tuple(tenant for tenant in group.tenants if tenant.name in wanted))
            for group in self.groups
        )
        unprovisioned = tuple(name for name in self.unprovisioned if name in wanted)
        return dataclasses.replace(
            self, groups=tuple(group for group in groups if group.tenants), unprovisioned=unprovisioned
        )


def take(tenancy: Tenancy) -> Survey:
    """Look at all schemas: one query for who there is, and one for the records of each 500."""
    for look in range(1, LOOKS + 1):
        try:
            return _take(tenancy)
        except ProgrammingError:
            # A tenant may have gone since its name was read.
            if look == LOOKS or tenancy.connection.in_atomic_block:
                raise
    raise AssertionError("there is at least one look")


def _take(tenancy: Tenancy) -> Survey:
    named, params = tenancy.named()
    static = {tenant.name: tenant for tenant in tenancy.static}
    sql, public = WHERE.format(named=named), tenancy.public
    rows = rows_of(tenancy, sql, [*params, [public, *static], RECORD])
    if not rows:
        rows = rows_of(tenancy, WHERE.format(named="SELECT '', '' WHERE false"), [[public, *static], RECORD])
    tenants: dict[str, Tenant] = {}
    for name, kind, *_there in rows:
        tenants.setdefault(name, static.get(name) or Tenant(name, kind or ""))
    there = {name for name, _kind, is_there, _has_record in rows if is_there}
    recorded = [name for name in tenants if any(row[0] == name and row[3] for row in rows)]
    digests = dict(_digests(tenancy, recorded))
    absent = [tenant for name, tenant in tenants.items() if name not in there and name != public]
    return Survey(
        digests.get(public, NOTHING),
        tuple(_groups([tenant for name, tenant in tenants.items() if name in there and name != public], digests)),
        tuple(tenant.name for tenant in absent if not tenant.is_static),
        tuple(tenant for tenant in absent if tenant.is_static),
    )


def _digests(tenancy: Tenancy, names: list[str]) -> Iterator[tuple[str, str]]:
    for first in range(0, len(names), AT_ONCE):
        part = names[first : first + AT_ONCE]
        tables = [f"{quoted(name)}.{quoted(RECORD)}" for name in part]
        sql = " UNION ALL ".join(DIGEST.format(place=place, table=table) for place, table in enumerate(tables))
        with tenancy.connection.cursor() as cursor:
            # Without parameters, so that a per cent sign in a name is one.
            cursor.execute(sql)
            yield from ((part[place], digest or NOTHING) for place, digest in cursor.fetchall())


def _groups(tenants: Iterable[Tenant], digests: Mapping[str, str]) -> Iterator[Group]:
    """Put those together that have the same plan; what is done for it depends on the type of a tenant, too."""
    found: dict[tuple[Any, ...], list[Tenant]] = defaultdict(list)
    for tenant in tenants:
        digest = digests.get(tenant.name, NOTHING)
        found[digest, tenant.kind, tenant.name in digests].append(tenant)
    for (digest, _kind, has_record), members in found.items():
        yield Group(digest, tuple(members), has_record)
