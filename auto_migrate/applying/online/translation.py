"""Statements become steps: what may be refused first, what nobody could bring back last."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence

from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.applying.online import (
    check_constraints,
    column_steps,
    foreign_keys,
    index_steps,
    not_null,
    removals,
    unique_constraints,
)
from auto_migrate.applying.online.quoted_names import NAME, QUOTED
from auto_migrate.applying.online.step import Kind, Placed, Rank, Step
from auto_migrate.applying.online.step_context import NotOnline, StepContext

Reader = Callable[[str, StepContext], list[Placed] | None]
READERS: tuple[Reader, ...] = (
    index_steps.created,
    index_steps.dropped,
    unique_constraints.added,
    check_constraints.added,
    foreign_keys.added,
    not_null.filled,
    not_null.required,
    column_steps.added,
    column_steps.altered,
    column_steps.remarked,
    removals.removed,
)
FALLIBLE = frozenset({Kind.LOOK, Kind.BUILD, Kind.VALIDATE})
# What Django sets for the time of its own UPDATE.
PASSING = _lazy_re_compile(
    rf"(?P<column>ALTER TABLE {NAME} ALTER COLUMN {QUOTED}) (?:SET DEFAULT .*|DROP DEFAULT)", re.DOTALL
)
KEY_NAME = _lazy_re_compile(rf"(?:ADD|DROP) CONSTRAINT (?P<name>{QUOTED})")


def steps_of(statements: Sequence[str], context: StepContext, kept_keys: Iterable[str] = ()) -> list[Step]:
    """Return the steps of an operation's statements, in the order in which they are taken.

    `kept_keys` are foreign keys that are dropped and made again as they were. Raise `NotOnline` for a statement that
    is not understood, or where steps could not be taken back.
    """
    placed: list[Placed] = []
    if not context.changes_type:
        statements = without_rebuilt(statements)
    for statement in without_passing(without_kept(statements, frozenset(kept_keys))):
        placed += read(statement, context)
    steps = [step for _rank, step in sorted(placed, key=lambda one: one[0])]
    if context.fills or clash(placed):
        raise NotOnline
    if context.changes_type and any(step.kind is Kind.FILL for step in steps):
        # The type comes after all that may be refused, and what is filled in may not fit into it before.
        raise NotOnline
    if sum(step.kind is Kind.FILL for step in steps) and sum(step.kind in FALLIBLE for step in steps) > 1:
        # What was filled in is not taken back, so that nothing beside its own proof may be refused.
        raise NotOnline
    return joined(steps)


def read(statement: str, context: StepContext) -> list[Placed]:
    """Return the steps of one statement; raise `NotOnline` where nobody knows it."""
    for reader in READERS:
        if (placed := reader(statement, context)) is not None:
            return placed
    raise NotOnline


def without_kept(statements: Sequence[str], kept_keys: frozenset[str]) -> list[str]:
    """Leave out foreign keys that would be dropped and made again."""
    named = [(statement, KEY_NAME.search(statement)) for statement in statements]
    twice = {name for name in kept_keys if sum(found is not None and found["name"] == name for _, found in named) > 1}
    return [statement for statement, found in named if found is None or found["name"] not in twice]


def without_rebuilt(statements: Sequence[str]) -> list[str]:
    """Leave out an index that is dropped and built again for the same columns, as Django does with the one for LIKE."""
    dropped = {found["name"] for one in statements if (found := index_steps.DROP.fullmatch(one))}
    built = {found["name"] for one in statements if (found := index_steps.CREATE.fullmatch(one))}
    named = [(one, index_steps.DROP.fullmatch(one) or index_steps.CREATE.fullmatch(one)) for one in statements]
    return [one for one, found in named if found is None or found["name"] not in dropped & built]


def without_passing(statements: Sequence[str]) -> list[str]:
    """Leave out a default that is set for a column which is there already, and dropped at the end."""
    named = [(statement, PASSING.fullmatch(statement)) for statement in statements]
    columns = [found["column"] for _statement, found in named if found is not None]
    return [one for one, found in named if found is None or columns.count(found["column"]) != 2]  # both


def clash(placed: Iterable[Placed]) -> bool:
    """Return whether something is made under the name of what goes only later."""
    made = {step.subject for rank, step in placed if rank in {Rank.INDEX, Rank.ADDITION}}
    gone = {step.subject for rank, step in placed if rank is Rank.REMOVAL}
    return bool(made & gone)


def joined(steps: Iterable[Step]) -> list[Step]:
    """Put instants on one table into one transaction, but what drops a constraint: that locks another table as well."""
    done: list[Step] = []
    for step in steps:
        last = done[-1] if done else None
        if last is not None and may_join(last, step):
            lock = max(filter(None, (last.lock, step.lock)), default=None)
            done[-1] = dataclasses.replace(last, sql=last.sql + step.sql, undo=step.undo + last.undo, lock=lock)
        else:
            done.append(step)
    return done


def may_join(one: Step, other: Step) -> bool:
    """Return whether two steps may share a transaction."""
    if one.table != other.table or {one.kind, other.kind} != {Kind.CHANGE}:
        return False
    alone = [step for step in (one, other) if step.others or any("CONSTRAINT" in sql for sql in step.sql)]
    return not alone
