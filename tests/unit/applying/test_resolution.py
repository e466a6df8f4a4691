"""What an operator writes after `--resolve`."""

from __future__ import annotations

import pytest
from django.db.migrations.migration import Migration

from auto_migrate.applying.failure import choices
from auto_migrate.applying.recovery import Resolutions, Verdict, parse_resolutions
from auto_migrate.exceptions import UsageError
from auto_migrate.values import MigrationKey

FILL = MigrationKey("billing", "0007_fill")


@pytest.mark.parametrize(
    ("text", "resolutions"),
    [
        ("billing.0007_fill:2=redo", {(FILL, 2): Verdict.REDO}),
        ("billing.0007_fill:12=done", {(FILL, 12): Verdict.DONE}),
        ("billing.0007-fill:2=redo", {(MigrationKey("billing", "0007-fill"), 2): Verdict.REDO}),
        ("billing.0007_fill=done", {(FILL, 0): Verdict.DONE}),
        ("caixa.0001_inclusão:1=done", {(MigrationKey("caixa", "0001_inclusão"), 1): Verdict.DONE}),
    ],
)
def test_a_resolution_names_migration_operation_and_verdict(text: str, resolutions: Resolutions) -> None:
    assert parse_resolutions([text]) == resolutions


def test_the_commands_that_are_proposed_are_understood() -> None:
    proposed = [
        line.partition(":  ")[2].strip() for line in choices(Migration(FILL.name, FILL.app_label), 3, backwards=False)
    ]
    for line, verdict in zip(proposed, Verdict, strict=False):
        before, _space, text = line.rpartition(" ")
        assert before == "manage.py auto_migrate --resolve"
        assert parse_resolutions([text]) == {(FILL, 3): verdict}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "billing",
        "billing.0007_fill",
        "billing.0007_fill:2",
        "billing.0007_fill=skip",
        "billing.0007_fill:=redo",
        "billing.0007_fill:two=redo",
        "billing.0007_fill:-1=redo",
        "billing.0007_fill:2=REDO",
        "billing.0007_fill:2=skip",
        "billing.0007_fill:2=redo ",
        " billing.0007_fill:2=redo",
        "billing.0007_fill:2=redo\n",
        "billing:0007_fill:2=redo",
        "a.billing.0007_fill:2=redo",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_resolutions([text])
    assert refused.value.message == f"{text!r} is no resolution."
    assert "With --adopt as in --resolve billing.0007_fill=done" in refused.value.hint
    example = refused.value.hint.rpartition(" ")[2]
    assert parse_resolutions([example]) == {(FILL, 2): Verdict.REDO}
