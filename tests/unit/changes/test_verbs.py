"""Readers and those who look at what they read spell each verb alike."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

import pytest

from auto_migrate.changes.change import AlterEnum, Change, DataChange, EndTransaction, RewriteTable
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.object_change import CreateObject, DropObject, RenameObject
from auto_migrate.changes.verbs import DataVerb, Ending, EnumVerb, ObjectKind, Rewrite
from auto_migrate.phases.classify import DeploySide, phase_of, side_of
from auto_migrate.phases.phase import Phase
from auto_migrate.safety.hazards import am103_table_rewritten, am304_rows_deleted, am503_unbounded_sql
from tests.unit.changes.sql_statements import STATEMENTS, read
from tests.unit.safety.sql_migration import found_in, read_sql

CHANGES = [change for sql in STATEMENTS for change in read(sql)]


def verbs(attribute: str, *kinds: type[Change]) -> Iterator[Any]:
    return (getattr(change, attribute) for change in CHANGES if isinstance(change, kinds))


@pytest.mark.parametrize(
    ("words", "read_as"),
    [
        (DataVerb, verbs("verb", DataChange)),
        (EnumVerb, verbs("verb", AlterEnum)),
        (Rewrite, verbs("command", RewriteTable)),
        (Ending, verbs("statement", EndTransaction)),
    ],
)
def test_each_verb_is_read_from_a_statement_and_nothing_else_is(
    words: type[enum.StrEnum], read_as: Iterator[Any]
) -> None:
    seen = set(read_as)
    assert seen == set(words)
    assert all(isinstance(word, words) for word in seen)


def test_each_kind_of_object_is_read_from_a_statement_but_for_what_only_goes_along() -> None:
    seen = set(verbs("kind", CreateObject, DropObject, RenameObject))
    assert seen | {ObjectKind.POLICY, ObjectKind.PUBLICATION, ObjectKind.RULE, ObjectKind.TRIGGER} == set(ObjectKind)


def test_each_way_to_write_rows_is_some_hazards() -> None:
    assert set(DataVerb) == am304_rows_deleted.VERBS | am503_unbounded_sql.VERBS
    assert am304_rows_deleted.VERBS.isdisjoint(am503_unbounded_sql.VERBS)


def test_what_is_offered_for_a_rewrite_is_for_one_that_is_read() -> None:
    assert set(am103_table_rewritten.INSTEAD) <= set(Rewrite)


def test_each_change_of_an_enum_has_a_side() -> None:
    sides = {verb: side_of(AlterEnum(table="e", verb=verb, value="v"), NewObjects()) for verb in EnumVerb}
    assert sides == {EnumVerb.ADD_VALUE: DeploySide.ADDITIVE, EnumVerb.RENAME_VALUE: DeploySide.EITHER}


def test_a_new_value_of_an_enum_comes_before_the_deploy_as_the_reader_spells_it() -> None:
    added = read_sql("ALTER TYPE e ADD VALUE 'new'")
    assert (phase_of(added).phase, phase_of(added).is_ambiguous) == (Phase.PRE_DEPLOY, False)
    assert not found_in("AM406", "ALTER TYPE e ADD VALUE 'new'")
    assert phase_of(read_sql("ALTER TYPE e RENAME VALUE 'old' TO 'new'")).is_ambiguous
    assert found_in("AM406", "ALTER TYPE e RENAME VALUE 'old' TO 'new'")
