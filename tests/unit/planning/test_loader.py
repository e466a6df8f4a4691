"""The graph that is built quicker is Django's."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.migrations import Migration
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader

from auto_migrate.planning.loader import Loader


def made(name: str, app_label: str, **places: Any) -> Migration:
    migration = Migration(name, app_label)
    for place, nodes in places.items():
        setattr(migration, place, nodes)
    return migration


MIGRATIONS = [
    made("0001_initial", "users"),
    made("0002_more", "users", dependencies=[("users", "0001_initial")]),
    made("0001_initial", "shop", dependencies=[("users", "__first__"), ("shop", "__first__"), ("plain", "__first__")]),
    made("0002_more", "shop", dependencies=[("shop", "0001_initial"), ("users", "__latest__")]),
    # Becomes the first of its app only by this.
    made("0000_before", "users", run_before=[("users", "0001_initial")]),
    made("0001_initial", "stock", dependencies=[("users", "__first__")], run_before=[("shop", "__first__")]),
    made(
        "0002_more", "stock", dependencies=[("stock", "0001_initial"), ("users", "__first__"), ("users", "__latest__")]
    ),
]


def edges(
    kind: type[MigrationLoader], monkeypatch: pytest.MonkeyPatch, migrations: list[Migration] = MIGRATIONS
) -> dict[Any, Any]:
    """Build the graph of some migrations."""

    def load_disk(self: MigrationLoader) -> None:
        self.disk_migrations = {(found.app_label, found.name): found for found in migrations}
        self.migrated_apps, self.unmigrated_apps = {"users", "shop", "stock"}, {"plain"}

    monkeypatch.setattr(MigrationLoader, "load_disk", load_disk)
    graph = kind(None).graph
    return {key: sorted(parent.key for parent in node.parents) for key, node in graph.node_map.items()}


def test_it_is_the_same_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    assert edges(Loader, monkeypatch) == edges(MigrationLoader, monkeypatch)


def test_it_looks_once_for_the_ends_of_an_app(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    roots = MigrationGraph.root_nodes

    def root_nodes(self: MigrationGraph, app: str | None = None) -> Any:
        asked.append(str(app))
        return roots(self, app)

    monkeypatch.setattr(MigrationGraph, "root_nodes", root_nodes)
    without = [
        made(found.name, found.app_label, dependencies=found.dependencies)
        for found in MIGRATIONS
        if found.name != "0000_before"
    ]
    edges(Loader, monkeypatch, without)
    assert asked == ["users"]
    edges(MigrationLoader, monkeypatch, without)
    assert asked == ["users"] * 4


def test_the_projects_own_graph_is_djangos() -> None:
    ours, django = Loader(None).graph, MigrationLoader(None).graph
    assert {key: node.parents for key, node in ours.node_map.items()} == {
        key: node.parents for key, node in django.node_map.items()
    }
    assert ours.leaf_nodes() == django.leaf_nodes()
