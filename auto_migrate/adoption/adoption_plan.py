"""The examination of one database: what may be recorded as applied, what may not, and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from textwrap import shorten

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.state import ProjectState
from django.db.transaction import atomic
from django.utils.translation import gettext as _

from auto_migrate.adoption.proof import Contradiction, Proof
from auto_migrate.adoption.table_versions import TableVersions
from auto_migrate.adoption.unprovable import extensions_of, unprovable_operations
from auto_migrate.applying.operation_traits import name_of, statements_of
from auto_migrate.applying.recovery import Resolutions, Verdict
from auto_migrate.databases.base import Database
from auto_migrate.drift.detection import comparable_tables, read_when_free
from auto_migrate.drift.table_source import TableSource
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import UsageError
from auto_migrate.planning.comparison import conflicting
from auto_migrate.planning.loader import Loader, Planner, loading
from auto_migrate.planning.partial_migrations import half_way, interruptions
from auto_migrate.planning.schema_state import lost_squashes, recorded_rows, replaced_leaves
from auto_migrate.values import MigrationKey, Node

# Of SQL, as much is told.
WIDTH = 60
# In a resolution, all operations of a migration that a schema cannot prove.
WHOLE = 0


@dataclasses.dataclass(frozen=True)
class OpenQuestion:
    """A migration whose schema is there, with what of it no schema proves, operation by operation.

    It is `followed` if a migration that builds on it is seen to be there: a migrating tool does not get past it.
    """

    migration: Migration
    operations: tuple[int, ...]
    followed: bool

    @property
    def key(self) -> MigrationKey:
        """Name the migration."""
        return MigrationKey.of(self.migration)

    def lines(self) -> Iterator[str]:
        """Return what the operations are, each with its number."""
        for number in self.operations:
            operation = self.migration.operations[number - 1]
            own = name_of(getattr(operation, "code", None)).rpartition(".")[2] or statements_of(operation)
            yield f"{number}. {operation.describe()}" + (f": {shorten(own, WIDTH, placeholder=' …')}" if own else "")


@dataclasses.dataclass(frozen=True)
class AdoptionPlan:
    """What was found out.

    `proven` may be recorded, `pending` is not there. Of an app with one of the `contradictions` or `questions`, or that
    is `held_back` since it builds on one, nothing is recorded at all: a run would take the rest of it for pending, and
    write rows again that data migrations have written.
    """

    loader: MigrationLoader
    recorded: tuple[Node, ...]
    proven: tuple[Migration, ...]
    pending: tuple[Migration, ...]
    contradictions: tuple[Contradiction, ...]
    questions: tuple[OpenQuestion, ...]
    held_back: Mapping[str, tuple[str, ...]]

    @property
    def is_proven(self) -> bool:
        """Return whether nothing is left that should be recorded and may not."""
        return not self.contradictions and not self.questions and not self.held_back


@dataclasses.dataclass(frozen=True)
class MigrationOrder:
    """The migrations that the record does not prove by itself, in the order of an empty database, by number."""

    migrations: tuple[Migration, ...]
    parents: tuple[frozenset[int], ...]
    recorded: frozenset[int]

    def ancestors(self, numbers: Iterable[int]) -> set[int]:
        """Return these together with all that they depend on."""
        found = set(numbers)
        for number in range(len(self.migrations) - 1, -1, -1):
            if number in found:
                found |= self.parents[number]
        return found

    def label(self, number: int) -> str:
        """Return the app of a migration."""
        return self.migrations[number].app_label


def examine(database: Database, resolutions: Resolutions, emit: Emitter) -> AdoptionPlan:
    """Look at everything; raise `HistoryDiverged` where there is no graph, or something stands half-way."""
    source = comparable_tables(database)
    recorded = recorded_rows(database.connection)
    with loading():
        loader = loader_of(database, recorded)
    if conflicts := loader.detect_conflicts():
        raise conflicting(conflicts)
    for key, position in interruptions(database, recorded).cut.items():
        if migration := loader.disk_migrations.get((key.app_label, key.name)):
            raise half_way(migration, position, database.alias)
    check_answers(resolutions, loader)
    state, order = read_order(loader)
    with source, atomic(using=database.alias):
        return judge(prove(source, state, order, resolutions, emit), order, resolutions, loader, recorded)


def loader_of(database: Database, recorded: tuple[Node, ...]) -> MigrationLoader:
    """Return the graph with its record; squashes take part as a whole where Django would leave one out."""
    whole = Loader(None)
    if not lost_squashes(whole, recorded):
        return Planner(database.connection).loader
    rows = set(recorded)
    whole.applied_migrations = {
        node: migration
        for node, migration in whole.graph.nodes.items()
        if (replaced_leaves(whole, migration) or {node}).issubset(rows)
    }
    return whole


def check_answers(resolutions: Resolutions, loader: MigrationLoader) -> None:
    """Raise `UsageError` for an answer that nobody asked for."""
    for key, number in resolutions:
        migration = loader.disk_migrations.get((key.app_label, key.name))
        asked = unprovable_operations(migration) if migration else ()
        if not asked or number not in {WHOLE, *asked}:
            raise UsageError(
                _("--resolve {answer}: no schema has to prove that.").format(
                    answer=f"{key}:{number}" if number else str(key)
                ),
                hint=_("See what is asked: manage.py auto_migrate --adopt --plan"),
            )


def read_order(loader: MigrationLoader) -> tuple[ProjectState, MigrationOrder]:
    """Return the state of what is recorded without a gap, and all that comes after the gaps, recorded or not."""
    graph, applied = loader.graph, loader.applied_migrations
    state = ProjectState(real_apps=loader.unmigrated_apps)
    numbers: dict[Node, int] = {}
    parents: list[frozenset[int]] = []
    for node in dict.fromkeys(node for leaf in graph.leaf_nodes() for node in graph.forwards_plan(leaf)):
        above = frozenset(numbers[parent.key] for parent in graph.node_map[node].parents if parent.key in numbers)
        if node in applied and not above:
            graph.nodes[node].mutate_state(state, preserve=False)
        else:
            numbers[node] = len(parents)
            parents.append(above)
    recorded = frozenset(number for node, number in numbers.items() if node in applied)
    return state, MigrationOrder(tuple(graph.nodes[node] for node in numbers), tuple(parents), recorded)


def prove(
    source: TableSource, state: ProjectState, order: MigrationOrder, resolutions: Resolutions, emit: Emitter
) -> Proof:
    """Have all versions of all tables made, and compare them with what is there."""
    versions = TableVersions(source, state)
    for number, migration in enumerate(order.migrations):
        versions.go(number, migration)
    tables = list(versions.touched())
    actual = read_when_free(source, {table.name: table.quoted for table in versions.tables.values()}, emit)
    extensions = source.extensions()
    refused = {
        number
        for number, migration in enumerate(order.migrations)
        if (extensions is not None and not {*extensions_of(migration)}.issubset(extensions))
        or verdict_on(migration, resolutions) is Verdict.REDO
    }
    return Proof(tables, actual, order.parents, refused)


def judge(
    proof: Proof, order: MigrationOrder, resolutions: Resolutions, loader: MigrationLoader, recorded: tuple[Node, ...]
) -> AdoptionPlan:
    """Decide what may be recorded."""
    numbers = range(len(order.migrations))
    evident = {order.label(number) for number in numbers if number in order.recorded or proof.is_evident(number)}
    known = {*evident, *(label for label, _name in recorded)}
    candidates = order.ancestors(
        number
        for number in proof.there
        if order.label(number) in evident or may_be_done(order.migrations[number], known, resolutions)
    )
    # Who ran or recorded what builds on it had it applied, or took it for applied.
    settled = order.ancestors(order.recorded)
    questions = {
        number: operations
        for number in sorted(candidates - settled)
        if (operations := unprovable_operations(order.migrations[number]))
        and verdict_on(order.migrations[number], resolutions) is not Verdict.DONE
    }
    seen = filter(proof.is_evident, numbers)
    followed = order.ancestors({parent for number in seen for parent in order.parents[number]})
    contradictions, waiting = reasons(proof, order)
    unproven = (proof.unfit - set(waiting)) | {order.label(number) for number in questions}
    held_back = hold_back(order, candidates, unproven, waiting)
    stopped = {*unproven, *held_back}
    proven = [number for number in sorted(candidates - order.recorded) if order.label(number) not in stopped]
    left = [number for number in numbers if number not in candidates | order.recorded]
    return AdoptionPlan(
        loader,
        recorded,
        tuple(order.migrations[number] for number in proven),
        tuple(order.migrations[number] for number in left if order.label(number) not in stopped),
        tuple(contradictions),
        tuple(
            OpenQuestion(order.migrations[number], operations, number in followed)
            for number, operations in questions.items()
        ),
        held_back,
    )


def reasons(proof: Proof, order: MigrationOrder) -> tuple[list[Contradiction], dict[str, set[str]]]:
    """Return why apps are at no state: tables that are as none has them, or what these apps wait for."""
    contradictions: list[Contradiction] = []
    waiting: dict[str, set[str]] = {}
    for label in sorted(proof.unfit):
        lost = proof.lost_parents(label)
        # Of apps that build on each other, these are the reason.
        if found := proof.contradictions(label):
            contradictions += found
        elif behind := {order.label(parent) for parent in lost} - {label}:
            waiting[label] = behind
        else:  # its tables are as they should be, and what they build on is not: an extension, or what is to be done
            waiting[label] = {str(MigrationKey.of(order.migrations[number])) for number in lost}
    return contradictions, waiting


def may_be_done(migration: Migration, known: Collection[str], resolutions: Resolutions) -> bool:
    """Return whether somebody says that a migration was carried out, or whether nobody knows.

    That is so where neither a table nor a row of the record tells of its app, and no schema of itself, in a database
    that is not empty.
    """
    if verdict_on(migration, resolutions) is Verdict.DONE:
        return True
    return bool(known) and migration.app_label not in known and bool(unprovable_operations(migration))


def hold_back(
    order: MigrationOrder, candidates: Collection[int], unproven: Collection[str], waiting: Mapping[str, set[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the apps that build on those that are not proven, with what each builds on; of some it is known."""
    found: dict[str, set[str]] = {label: set(behind) for label, behind in waiting.items()}
    moved = True
    while moved:
        moved = False
        for number in sorted(candidates):
            label = order.label(number)
            behind = {order.label(parent) for parent in order.parents[number]} & {*unproven, *found} - {label}
            if label not in unproven and not behind <= found.get(label, set()):
                found.setdefault(label, set()).update(behind)
                moved = True
    return {label: tuple(sorted(behind)) for label, behind in found.items()}


def verdict_on(migration: Migration, resolutions: Resolutions) -> Verdict | None:
    """Return what the operator says of a migration's operations that no schema proves, None if of one nothing."""
    key = MigrationKey.of(migration)
    operations: Sequence[int] = unprovable_operations(migration)
    said = {resolutions.get((key, number), resolutions.get((key, WHOLE))) for number in operations}
    if Verdict.REDO in said:
        return Verdict.REDO
    return Verdict.DONE if said == {Verdict.DONE} else None


def keys(migrations: Sequence[Migration]) -> tuple[MigrationKey, ...]:
    """Name migrations."""
    return tuple(map(MigrationKey.of, migrations))
