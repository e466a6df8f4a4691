"""The rows that Django keeps of models in each schema: content types, permissions, a first site.

Its receivers of `post_migrate` look for what is missing of them, with some queries for each app. What they do follows
from the plan and its models, from the answers of routers and from the rows that are there. So where they were seen to
change nothing for an app, they need not look in another schema with the same plan, the same answers and the same rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps as registry
from django.core.exceptions import FieldDoesNotExist
from django.db import Error, router
from django.db.migrations.state import StateApps

from auto_migrate.databases.base import Database

# Of each app with content types: all that those receivers read and write, but for the numbers.
ROWS = """
    SELECT type.{app_label}, md5(string_agg(ROW({columns})::text, '' ORDER BY {columns}))
    FROM {types} AS type {joined} GROUP BY 1
"""
JOINED = "LEFT JOIN {permissions} AS held ON held.{content_type} = type.{id}"
# Beside them, under the name of no app.
SITE = "SELECT '', CASE WHEN EXISTS (SELECT FROM {sites}) THEN 'there' END"

# Whose rows they are.
KEPT = (("contenttypes", "ContentType"), ("auth", "Permission"), ("sites", "Site"))
# The label of an app, the digest of its rows, and what is the same for all apps: the answers of routers, and the site.
AppRows = tuple[str, str | None, tuple[object, ...]]


@dataclasses.dataclass
class CompleteRows:
    """The rows in which nothing is missing after a plan; shared by the schemas that carry it out."""

    known: set[AppRows] = dataclasses.field(default_factory=set)

    def unknown(self, rows: Iterable[AppRows]) -> frozenset[str]:
        """Return the labels of the apps for which something may be missing."""
        return frozenset(label for label, *_rest in set(rows) - self.known)

    def note(self, before: Iterable[AppRows], after: Iterable[AppRows]) -> None:
        """Learn from the rows before and after Django's receivers were called for all that was not known."""
        self.known.update(set(before).intersection(after))


def rows_of_models(database: Database, models: StateApps) -> frozenset[AppRows] | None:
    """Return what rows there are in the schema that this thread works in; None where they cannot be told.

    `models` are those that `post_migrate` is sent with.
    """
    kept = [_model(models, *key) for key in KEPT]
    answers = tuple(model is not None and router.allow_migrate_model(database.alias, model) for model in kept)
    wanted = [model if answer else None for model, answer in zip(kept, answers, strict=True)]
    if wanted[1] is not None:
        # Permissions are read and written beside content types whatever is answered of those.
        wanted[0] = kept[0]
    found = dict[str, str | None]()
    try:
        if statements := list(_statements(database, *wanted)):
            with database.connection.cursor() as cursor:
                # Without parameters, so that a per cent sign in a name is one.
                cursor.execute(" UNION ALL ".join(statements))
                found.update(cursor.fetchall())
    except (Error, FieldDoesNotExist):
        return None
    of_all = (*answers, found.pop("", None))
    labels = [config.label for config in registry.get_app_configs() if config.models_module is not None]
    return frozenset((label, found.get(label), of_all) for label in labels)


def _model(models: StateApps, app_label: str, name: str) -> Any:
    try:
        return models.get_model(app_label, name)
    except LookupError:
        return None


def _statements(database: Database, types: Any, permissions: Any, sites: Any) -> Iterator[str]:
    quote = database.connection.ops.quote_name

    def column(model: Any, field: str) -> str:
        return quote(model._meta.get_field(field).column)

    if types is not None:
        columns, joined = [f"type.{column(types, 'model')}"], ""
        if permissions is not None:
            columns += [f"held.{column(permissions, field)}" for field in ("codename", "name")]
            joined = JOINED.format(
                permissions=quote(permissions._meta.db_table),
                content_type=column(permissions, "content_type"),
                id=quote(types._meta.pk.column),
            )
        yield ROWS.format(
            app_label=column(types, "app_label"),
            columns=", ".join(columns),
            types=quote(types._meta.db_table),
            joined=joined,
        )
    if sites is not None:
        yield SITE.format(sites=quote(sites._meta.db_table))
