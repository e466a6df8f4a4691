"""What to do with an operation that was cut: find out whether it was done, mend what it left, or ask."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.utils.regex_helper import _lazy_re_compile
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.applying.failure import choices, left_open
from auto_migrate.applying.locks.operation_locks import is_schema_operation
from auto_migrate.applying.operation_loop import applies_itself
from auto_migrate.applying.operation_traits import (
    digest_of,
    is_concurrent,
    is_repeatable,
    postgres_kind,
    sent_by,
    statements_of,
)
from auto_migrate.applying.statement_journal import SHOWN
from auto_migrate.backfills.atomicity import is_atomic
from auto_migrate.databases.base import Database
from auto_migrate.databases.index_builds import ConcurrentIndexes
from auto_migrate.databases.statement_kinds import closes_transaction, opens_transaction
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import AutoMigrateError, HistoryDiverged, MigrationFailed, UsageError
from auto_migrate.history.journal import Position, last_error
from auto_migrate.planning.comparison import Comparison
from auto_migrate.planning.partial_migrations import half_way, resolving
from auto_migrate.planning.schema_state import replaced_nodes
from auto_migrate.retry import teller
from auto_migrate.values import IndexCondition, MigrationKey


class Verdict(enum.Enum):
    """Whether a cut operation counts as done or is carried out again."""

    DONE = "done"
    REDO = "redo"


VERDICTS = {True: Verdict.DONE, False: Verdict.REDO, None: None}

# Each is taken out when it is used: it was given for one cut, and says nothing of the next.
Resolutions = dict[tuple[MigrationKey, int], Verdict]


def parse_resolutions(texts: Iterable[str]) -> Resolutions:
    """Read what an operator found out about operations (1-based) that were cut, where nobody else can know.

    Each is `APP.MIGRATION:OPERATION=done|redo`; without an operation, which stands as 0, it is of all that is asked of
    a migration. Raise `UsageError` for anything else.
    """
    return dict(map(_parse_resolution, texts))


def _parse_resolution(text: str) -> tuple[tuple[MigrationKey, int], Verdict]:
    found = re.fullmatch(r"(\w+)\.([\w-]+)(?::(\d+))?=(done|redo)", text)
    if found is None:
        raise UsageError(
            _("{text!r} is no resolution.").format(text=text),
            hint=_(
                "With --adopt as in --resolve billing.0007_fill=done, else as in --resolve billing.0007_fill:2=redo"
            ),
        )
    app_label, name, operation, verdict = found.groups()
    return (MigrationKey(app_label, name), int(operation or 0)), Verdict(verdict)


def judge(
    database: Database,
    migration: Migration,
    position: Position,
    *,
    resolutions: Resolutions,
    emit: Emitter,
) -> Verdict:
    """Decide about the operation that was begun and not seen to end; raise `MigrationFailed` to ask."""
    index = position.started or 0
    operation = migration.operations[index - 1]
    key = MigrationKey.of(migration)
    seen = _judge_by_schema(database, position, operation)
    if seen is Verdict.REDO:
        # The operator may know what no schema shows; but what is seen to be there is not done twice, whoever says so.
        return resolutions.pop((key, index), seen)
    if seen is not None:
        return seen
    indexes = database.indexes
    if indexes is not None:
        indexes.await_builds(emit.clock, names_in(operation), teller(emit))
        if is_concurrent(operation):
            return _judge_concurrent(indexes, operation, backwards=position.backwards)
    verdict = resolutions.pop((key, index), None) or (Verdict.REDO if is_repeatable(operation) else None)
    if verdict is None:
        raise ask(migration, index, backwards=position.backwards, database=database.alias, tables=doubtful(position))
    if verdict is Verdict.REDO and indexes is not None:
        for name in indexes_left_invalid(database, operation):
            indexes.drop(name)
    return verdict


def unanswered(database: Database, migration: Migration, position: Position) -> AutoMigrateError | None:
    """Return what a run would ask of the operator about a migration that was cut, None if it goes on by itself.

    Nothing is changed, and no build in the server is waited for.
    """
    how: Any = {"backwards": position.backwards, "database": database.alias}
    index, operations = position.started, migration.operations
    at_once = was_at_once(database, migration, position)
    if position.done and (at_once or position.digest != digest_of_done(migration, position)):
        return changed_meanwhile(MigrationKey.of(migration), position)
    if index is None or position.online:
        # Steps that were begun are gone on with.
        return None
    if at_once:
        return ask_of_whole(migration, **how)
    if applies_itself(migration, backwards=position.backwards):
        return ask_to_redo(migration, **how)
    if is_settled(database, position, operations[index - 1]):
        return None
    return ask(migration, index, tables=doubtful(position), **how)


def stopped_at(database: Database, migration: Migration, position: Position) -> HistoryDiverged:
    """Say that a migration stands half-way, and which command goes on with it, or what is asked before it can."""
    if (question := unanswered(database, migration, position)) is not None:
        return HistoryDiverged(question.message, hint=question.hint)
    return half_way(migration, position, database.alias)


def why_stopped(database: Database, comparison: Comparison, key: MigrationKey, position: Position) -> AutoMigrateError:
    """Return what a run would say of a migration that stands half-way, which may be gone or replaced by now."""
    migration = comparison.loader.disk_migrations.get((key.app_label, key.name))
    if migration is None or key in replaced_in_plan(comparison):
        return changed_meanwhile(key, position)
    return stopped_at(database, migration, position)


def doubtful(position: Position) -> tuple[str, ...]:
    """Name the tables of the statement that was cut, where they are all that could tell what became of it."""
    note = position.tables_before or {}
    if not note.get("redoable", True):
        # They may well be as they were left: of such a statement they would not tell.
        return ()
    return tuple(note.get("about") or note.get("tables", ()))


def is_settled(database: Database, position: Position, operation: Operation) -> bool:
    """Return whether it can be found out, or makes no difference, what became of an operation that was cut."""
    looked_up = database.indexes is not None and is_concurrent(operation)
    return looked_up or is_repeatable(operation) or _judge_by_schema(database, position, operation) is not None


def digest_of_done(migration: Migration, position: Position) -> str:
    """Return a hash of the operations that come first today, as many as are done."""
    operations = migration.operations[::-1] if position.backwards else migration.operations
    return digest_of(operations[: position.done])


def _judge_by_schema(database: Database, position: Position, operation: Operation) -> Verdict | None:
    """Return whether what was cut was carried out, if it can be seen in the schema, or in what is noted at all."""
    if database.transactional_ddl and (verdict := _judge_transaction(operation, backwards=position.backwards)):
        return verdict
    if position.statements is not None and not position.statements:
        # Each is noted before it is sent.
        return Verdict.REDO
    if position.statements and position.tables_before is not None:
        after_rows = not all(digest.endswith(SHOWN) for digest in position.statements[:-1])
        return VERDICTS[database.was_carried_out(position.tables_before, after_rows=after_rows)]
    if position.statements and not position.schema_before:
        # Its rows and this note were committed together.
        return Verdict.DONE
    shown = position.statements[-1].endswith(SHOWN) if position.statements else is_schema_operation(operation)
    if not shown or not (schema := database.schema_digest()):
        return None
    # What else may have changed it, nobody can know.
    return Verdict.REDO if schema == position.schema_before else None


def _judge_transaction(operation: Operation, *, backwards: bool) -> Verdict | None:
    """Return what became of an operation that only begins or ends a transaction which others are in.

    What was done in a transaction that was cut is rolled back, and so is each note that was written in it. Seen is
    either that of the operation before it, which began it, or that of the one which committed it.
    """
    texts = sent_by(operation, backwards=backwards)
    if len(texts) != 1:
        return None
    if opens_transaction(texts[0]):
        return Verdict.REDO
    return Verdict.DONE if closes_transaction(texts[0]) else None


def _judge_concurrent(indexes: ConcurrentIndexes, operation: Operation, *, backwards: bool) -> Verdict:
    """Look at the index itself: it is there, it is not, or a cut build left it INVALID and it is dropped."""
    removes = postgres_kind(operation) == "RemoveIndexConcurrently"
    if removes is not backwards:
        # An interrupted drop leaves the index INVALID; Django drops IF EXISTS, so that doing it again is always right.
        return Verdict.REDO
    name = operation.name if removes else operation.index.name  # type: ignore[attr-defined] # each has its own
    condition = indexes.condition(name)
    if condition is IndexCondition.VALID:
        return Verdict.DONE
    if condition is IndexCondition.INVALID:
        indexes.drop(name)
    return Verdict.REDO


NAMED_INDEX = _lazy_re_compile(r'\bINDEX\s+(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?(\w+)', re.IGNORECASE)


def names_in(operation: Operation) -> set[str]:
    """Name the indexes that an operation builds or drops."""
    index = getattr(operation, "index", None)
    named = {str(name) for name in (getattr(index, "name", None), getattr(operation, "name", None)) if name}
    return named | set(NAMED_INDEX.findall(statements_of(operation)))


def indexes_left_invalid(database: Database, operation: Operation) -> list[str]:
    """Name the INVALID indexes that an operation's own SQL names."""
    if database.indexes is None or not (words := set(re.findall(r"\w+", statements_of(operation)))):
        return []
    return [name for name in database.indexes.invalid() if name in words]


def changed_meanwhile(migration: MigrationKey, position: Position) -> MigrationFailed:
    """Say that a migration was edited above the place where it was cut."""
    text = ngettext(
        "Migration {migration} was cut after {done} operation, and this is not its first one any more.",
        "Migration {migration} was cut after {done} operations, and these are not its first ones any more.",
        position.done,
    )
    return MigrationFailed(
        text.format(migration=migration, done=position.done),
        hint="\n".join(
            [
                _("Nothing was done. Put them back as they were, in their order, and what is new after them."),
                _("Or finish it by hand and record it: manage.py migrate --fake {app_label} {name}").format(
                    app_label=migration.app_label, name=migration.name
                ),
            ]
        ),
    )


def check_open(database: Database, open_journals: Mapping[MigrationKey, Position], comparison: Comparison) -> None:
    """Raise for a migration that was cut and is gone or replaced, or is to be passed over as if it had not been.

    That is `MigrationFailed`, or `HistoryDiverged` for one that stands half unapplied and is not to be unapplied now,
    or half applied where its app is to be brought to what was before it.
    """
    target, replaced = comparison.target, replaced_in_plan(comparison)
    plan = {MigrationKey.of(migration): migration for migration, _backwards in comparison.plan}
    for key, position in open_journals.items():
        node = (key.app_label, key.name)
        gone = node not in comparison.loader.disk_migrations
        if gone and key in comparison.unknown:
            # A newer release goes on with it, and nothing is to be done here.
            continue
        if position.backwards and not gone:
            if node in comparison.recorded and not (key in plan and comparison.backwards):
                raise stopped_at(database, comparison.loader.disk_migrations[node], position)
            continue
        passed_over = target is not None and target.app_label == key.app_label and key not in plan
        if passed_over and not gone and node not in comparison.recorded:
            raise stopped_at(database, comparison.loader.disk_migrations[node], position)
        at_once = key in plan and was_at_once(database, plan[key], position)
        if gone or key in replaced or (at_once and position.done and not comparison.backwards):
            raise changed_meanwhile(key, position)


def replaced_in_plan(comparison: Comparison) -> frozenset[MigrationKey]:
    """Name the migrations in whose place a squash is to be applied, which would do once more what they have done."""
    nodes = (replaced_nodes(comparison.loader, migration) for migration, backwards in comparison.plan if not backwards)
    return frozenset(MigrationKey(*node) for replaced in nodes for node in replaced)


def was_at_once(database: Database, migration: Migration, position: Position) -> bool:
    """Return whether a migration that was cut was to be one transaction."""
    return is_atomic(migration) and database.transactional_ddl and position.online is None


def verdict_on_whole(migration: Migration, resolutions: Resolutions, *, backwards: bool, database: str) -> Verdict:
    """Return what the operator found out about a migration that ended its own transaction; raise to ask."""
    verdict = resolutions.pop((MigrationKey.of(migration), 1), None)
    if verdict is None:
        raise ask_of_whole(migration, backwards=backwards, database=database)
    return verdict


def ask_of_whole(migration: Migration, *, backwards: bool, database: str) -> MigrationFailed:
    """Say that a migration ended its own transaction, and which commands there are to choose from."""
    return MigrationFailed(
        _("Migration {migration} ended the transaction that was to be all of it, and was not finished.").format(
            migration=migration
        ),
        hint="\n".join(left_open(migration, backwards=backwards, database=database)),
    )


def ask_to_redo(migration: Migration, *, backwards: bool, database: str) -> MigrationFailed:
    """Say that nothing is known of a migration that brings its own way of being applied."""
    command = resolving(migration, 1, "redo", backwards=backwards, database=database)
    return MigrationFailed(
        _("Migration {migration} applies itself and was cut.").format(migration=migration),
        hint=_("Find out what it left, then type: {command}").format(command=command),
    )


def ask(
    migration: Migration, index: int, *, backwards: bool, database: str, tables: Iterable[str] = ()
) -> MigrationFailed:
    """Say that nobody but the operator can know, and which commands there are to choose from.

    `tables` are those of the statement that was cut, where they do not tell what became of it.
    """
    text = _("Migration {migration} was cut in operation {index}, {operation}, outside of any transaction.")
    if backwards:
        text = _("Migration {migration} was cut while operation {index}, {operation}, was taken back.")
    others = _("{tables} is not as it was left: somebody has changed it since, or put another table in its place.")
    message = text.format(migration=migration, index=index, operation=migration.operations[index - 1].describe())
    # Since then others may have been asked the same.
    error = last_error(database, MigrationKey.of(migration), but=message)
    return MigrationFailed(
        message,
        hint="\n".join(
            [
                *([_("When it failed last: {error}").format(error=error)] if error else []),
                *([others.format(tables=", ".join(tables))] if tables else []),
                _("Only you can find out whether it was carried out. Look at its data, then type one of:"),
                *choices(migration, index, backwards=backwards, database=database),
            ]
        ),
    )


def check_resolutions(
    resolutions: Resolutions, cut: Mapping[MigrationKey, Position], comparison: Comparison, database: str
) -> None:
    """Check that every resolution is of an operation that was cut; raise `UsageError` for one that is not."""
    # What was recorded by hand since is settled.
    rows = comparison.recorded
    cut = {key: at for key, at in cut.items() if ((key.app_label, key.name) in rows) is at.backwards}
    for (key, index), verdict in resolutions.items():
        position = cut.get(key)
        if not index:
            raise UsageError(
                _("--resolve {migration}={verdict} names no operation, which only --adopt does without.").format(
                    migration=key, verdict=verdict.value
                ),
                hint="\n".join(_awaited(cut if position is None else {key: position}, comparison, database)),
            )
        if position is None or position.started is None:
            raise UsageError(
                _("--resolve {migration}:{index}: no operation of that migration was cut.").format(
                    migration=key, index=index
                ),
                hint="\n".join(_awaited(cut, comparison, database)),
            )
        if position.started != index:
            raise UsageError(
                _("--resolve {migration}:{index}: operation {started} was cut, and not that one.").format(
                    migration=key, index=index, started=position.started
                ),
                hint="\n".join(_awaited({key: position}, comparison, database)),
            )


def _awaited(cut: Mapping[MigrationKey, Position], comparison: Comparison, database: str) -> Iterator[str]:
    """Say what can be resolved, as lines."""
    started = {key: position for key, position in cut.items() if position.started is not None}
    if not started:
        yield _("Nothing awaits an answer; leave --resolve out.")
    for key, position in started.items():
        if migration := comparison.loader.disk_migrations.get((key.app_label, key.name)):
            commands = [
                resolving(migration, position.started or 0, verdict, backwards=position.backwards, database=database)
                for verdict in ("done", "redo")
            ]
            yield _("Type one of: {commands}").format(commands="; ".join(commands))
