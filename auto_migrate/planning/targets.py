"""What a run is asked to reach, told as Django's `migrate` tells it."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.migrations.exceptions import AmbiguityError
from django.db.migrations.loader import MigrationLoader
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.exceptions import UsageError
from auto_migrate.phases.phase import ALL, Phase, asked_phase
from auto_migrate.planning.loader import Loader, loading
from auto_migrate.values import MigrationKey, Node, ValueObject

Target = tuple[str, str | None]


class Goal(ValueObject):
    """The user's wish: everything, one app, or one migration of an app ("zero" unapplies all); in one phase, or all."""

    app_label: str | None = None
    migration_name: str | None = None
    phase: Phase | None = None

    @classmethod
    def asked(cls, app_label: str | None, migration_name: str | None, phase: str | None = None) -> Goal:
        """Return what the options of a command ask for; raise `UsageError` for a phase that cannot be had."""
        return cls(app_label, migration_name, asked_phase(phase, named=migration_name is not None))

    @property
    def is_whole(self) -> bool:
        """Return whether no app is left out."""
        return self.app_label is None

    def check(self) -> None:
        """Raise `UsageError` for an app or a migration that this code does not have, before any database is asked."""
        if self.app_label is not None:
            with loading():
                self.targets(Loader(None, ignore_no_migrations=True))

    def targets(self, loader: MigrationLoader) -> list[Target]:
        """Return the nodes to reach; raise `UsageError` for a name that means nothing in this code."""
        if self.app_label is None:
            return list(loader.graph.leaf_nodes())
        self._check_app(loader, self.app_label)
        if self.migration_name is None:
            return [node for node in loader.graph.leaf_nodes() if node[0] == self.app_label]
        if self.migration_name == "zero":
            return [(self.app_label, None)]
        return [self._node(loader, self.app_label, self.migration_name)]

    def options(self, database: str = DEFAULT_DB_ALIAS) -> Iterator[str]:
        """Return what a command needs, to have the same goal."""
        yield from filter(None, (self.app_label, self.migration_name))
        if self.phase is Phase.POST_DEPLOY:
            yield f"--phase {self.phase}"
        elif self.phase is None and self.migration_name is None and get_settings().PHASES:
            yield f"--phase {ALL}"
        if database != DEFAULT_DB_ALIAS:
            yield f"--database {database}"

    def key(self, targets: list[Target]) -> MigrationKey | None:
        """Name the one migration asked for, or None where leaf nodes are the goal."""
        if self.migration_name is None:
            return None
        app_label, name = targets[0]
        return MigrationKey(app_label, name or "zero")

    def _check_app(self, loader: MigrationLoader, app_label: str) -> None:
        try:
            apps.get_app_config(app_label)
        except LookupError as error:
            raise UsageError(str(error), hint=_hint_of(app_label)) from error
        if app_label not in loader.migrated_apps:
            raise UsageError(
                _("App {app_label!r} does not have migrations.").format(app_label=app_label),
                hint=_("See: {command}").format(command="manage.py showmigrations"),
            )

    def _node(self, loader: MigrationLoader, app_label: str, prefix: str) -> Node:
        listing = _("See what there is: manage.py showmigrations {app_label}").format(app_label=app_label)
        try:
            migration = loader.get_migration_by_prefix(app_label, prefix)
        except AmbiguityError as error:
            text = _("More than one migration of {app_label!r} begins with {prefix!r}.")
            raise UsageError(text.format(app_label=app_label, prefix=prefix), hint=listing) from error
        except KeyError as error:
            text = _("No migration of {app_label!r} begins with {prefix!r}.")
            raise UsageError(text.format(app_label=app_label, prefix=prefix), hint=listing) from error
        node = (app_label, migration.name)
        if node not in loader.graph.nodes and node in loader.replacements:
            # A partially applied squash is not in the graph; its last part stands for it, as in Django's `migrate`.
            return loader.replacements[node].replaces[-1]
        return node


def _hint_of(label: str) -> str:
    """Return what to type instead of a label that no app has: it may be a migration, written as messages name it."""
    app_label, _dot, name = label.partition(".")
    if name and app_label in apps.app_configs:
        return _("Write app and migration apart: {example}").format(example=f"{app_label} {name}")
    return _("Choose an app of INSTALLED_APPS: {command}").format(command="manage.py showmigrations")
