"""The migrations that a change brings: chosen from the files alone, and read as if all others were applied."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.utils.translation import gettext as _

from auto_migrate.changes.reading import Reader, TellSteps
from auto_migrate.exceptions import UsageError
from auto_migrate.phases.classify import ClassifiedMigration, PhaseClassifier
from auto_migrate.planning.comparison import conflicting
from auto_migrate.planning.loader import loading
from auto_migrate.planning.schema_state import known_nodes
from auto_migrate.planning.targets import Goal
from auto_migrate.values import MigrationKey, Node


class Believing(MigrationLoader):
    """A loader that asks no database and takes as applied whatever it is told is."""

    believed: Collection[Node] = ()

    @property
    def applied_migrations(self) -> dict[Node, Any]:
        """Return what is applied; Django decides by it which squashes stand for what they replace."""
        return self._applied

    @applied_migrations.setter
    def applied_migrations(self, _found: object) -> None:
        # Django sets it to what the database has, which is nothing without one.
        self._applied: dict[Node, Any] = dict.fromkeys(self.believed)

    def believe(self, nodes: Collection[Node]) -> None:
        """Build the graph anew, with other nodes applied."""
        self.believed = nodes
        self.build_graph()


@dataclasses.dataclass(frozen=True)
class Proposal:
    """The chosen migrations of a project; `files` tell where each was read from."""

    loader: Believing
    chosen: frozenset[Node]

    @property
    def files(self) -> dict[MigrationKey, Path]:
        """Return the source of every chosen migration that has one."""
        found = ((node, source_of(self.loader.disk_migrations[node])) for node in self.chosen)
        return {MigrationKey(*node): path for node, path in found if path is not None}

    def read(
        self, connection: BaseDatabaseWrapper, *, with_sql: bool = False, online: TellSteps | None = None
    ) -> Iterator[ClassifiedMigration]:
        """Read the chosen migrations in the order in which they would run."""
        state = ProjectState(real_apps=self.loader.unmigrated_apps)
        reader = Reader(connection, state, with_sql=with_sql, online=online)
        classifier = PhaseClassifier(self.loader.graph)
        for migration in self.way():
            if (migration.app_label, migration.name) in self.chosen:
                yield classifier.classify(reader.read(migration))
            else:
                reader.pass_over(migration)

    def way(self) -> list[Migration]:
        """Return what is applied before the chosen ones and what lies between them, in order, and the chosen ones."""
        graph, chosen = self.loader.graph, [node for node in self.chosen if node in self.loader.graph.nodes]
        needed = {node for target in chosen for node in graph.forwards_plan(target)}
        later = {node for target in chosen for node in graph.backwards_plan(target)}
        full: dict[Node, None] = {}
        for leaf in graph.leaf_nodes():
            full.update(dict.fromkeys(graph.forwards_plan(leaf)))
        before = [node for node in full if node not in later]
        return [graph.nodes[node] for node in [*before, *(node for node in full if node in later & needed)]]


def named(names: Sequence[str]) -> Proposal:
    """Choose migrations by `app_label` or `app_label.migration`; raise `UsageError` for what is neither."""
    loader = load()
    return _proposal(loader, {node for name in names for node in _meant(loader, name)})


def changed(files: Collection[Path], names: Sequence[str] = ()) -> Proposal:
    """Choose the migrations whose files are among some, of those named if any are."""
    loader = load()
    among = {node for name in names for node in _meant(loader, name)} if names else set(loader.disk_migrations)
    found = {node for node in among if (path := source_of(loader.disk_migrations[node])) and path in files}
    # A squash of what is applied already will be recorded and not run.
    return _proposal(loader, {node for node in found if not _only_squashes(loader, node, found)})


def _only_squashes(loader: MigrationLoader, node: Node, chosen: Collection[Node]) -> bool:
    replaced = loader.disk_migrations[node].replaces
    return bool(replaced) and not any(tuple(part) in chosen for part in replaced)


def load() -> Believing:
    """Read the files; raise `HistoryDiverged` where they do not fit together."""
    with loading():
        loader = Believing(None)
    if conflicts := loader.detect_conflicts():
        raise conflicting(conflicts)
    return loader


def _proposal(loader: Believing, chosen: Collection[Node]) -> Proposal:
    with loading():
        loader.believe(known_nodes(loader) - set(chosen))
    return Proposal(loader, frozenset(chosen))


def _meant(loader: MigrationLoader, name: str) -> set[Node]:
    app_label, _dot, prefix = name.partition(".")
    # As `migrate` is told of one: no label of an app begins with a digit.
    if name[:1].isdigit():
        raise UsageError(
            _("{name!r} is a migration without its app.").format(name=name),
            hint=_("Write app and migration as one: {example}").format(example=f"shop.{name}"),
        )
    targets = Goal(app_label, prefix or None).targets(loader)
    if prefix == "zero":
        raise UsageError(
            _("{name} unapplies, and only what is applied can be judged here.").format(name=name),
            hint=_("See what there is: manage.py showmigrations {app_label}").format(app_label=app_label),
        )
    if prefix:
        return {(app_label, str(migration)) for _app, migration in targets}
    return {node for node in loader.disk_migrations if node[0] == app_label}


def source_of(migration: Migration) -> Path | None:
    """Return the file that a migration was read from."""
    try:
        found = inspect.getsourcefile(sys.modules[type(migration).__module__])
    except (KeyError, TypeError):
        return None
    return Path(found).resolve() if found else None
