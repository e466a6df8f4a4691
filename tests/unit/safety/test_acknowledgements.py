"""Who may say that a hazard is known: the migration, the settings, the command line; and what comes of it."""

from __future__ import annotations

import pytest
from django.db import migrations

import auto_migrate
from auto_migrate.exceptions import UsageError
from auto_migrate.findings import Acknowledgement, Finding, Level
from auto_migrate.safety.acknowledgements import acknowledged, of_migration, of_settings, of_text
from auto_migrate.values import MigrationKey


def finding(code: str) -> Finding:
    return Finding(code, Level.ERROR, MigrationKey("shop", "0002_drop"), 1, "shop_order", "title", "problem", "", ())


def said(code: str, migration: str, reason: str = "why not") -> Acknowledgement:
    return Acknowledgement(code, migration, reason, "settings")


def test_a_migration_acknowledges_by_attribute_list_and_decorator() -> None:
    @auto_migrate.acknowledge("AM301", "AM109", reason="decorated")
    class Migration(migrations.Migration):
        one = auto_migrate.acknowledge("AM302", reason="attribute")
        several = (auto_migrate.acknowledge("AM303", reason="in a list"),)

    found = {one.code: (one.migration, one.reason) for one in of_migration(Migration("0002_drop", "shop"))}
    assert found == {
        "AM301": ("shop.0002_drop", "decorated"),
        "AM109": ("shop.0002_drop", "decorated"),
        "AM302": ("shop.0002_drop", "attribute"),
        "AM303": ("shop.0002_drop", "in a list"),
    }


@pytest.mark.parametrize(("codes", "reason"), [((), "why"), (("am301",), "why"), (("AM301",), "  ")])
def test_an_acknowledgement_needs_codes_and_a_reason(codes: tuple[str, ...], reason: str) -> None:
    with pytest.raises(ValueError, match="acknowledge"):
        auto_migrate.acknowledge(*codes, reason=reason)


def test_an_acknowledged_finding_stands_in_nobodys_way() -> None:
    [marked], used = acknowledged([finding("AM301")], [said("AM301", "shop.0002_drop")])
    assert marked.acknowledged == "why not"
    assert not marked.blocks_at(Level.NOTICE)
    assert used == {said("AM301", "shop.0002_drop")}


@pytest.mark.parametrize("other", [said("AM302", "shop.0002_drop"), said("AM301", "shop.0003_drop")])
def test_another_code_or_migration_is_not_meant(other: Acknowledgement) -> None:
    assert acknowledged([finding("AM301")], [other]) == ((finding("AM301"),), frozenset())


def test_settings_may_name_migrations_by_a_pattern() -> None:
    [given] = of_settings({"AM301:shop.*": "an app of somebody else's"})
    [marked], _used = acknowledged([finding("AM301")], [given])
    assert marked.acknowledged == "an app of somebody else's"


def test_the_command_line_takes_a_code_a_migration_and_perhaps_a_reason() -> None:
    assert of_text("AM301:shop.0002_drop=a=b").reason == "a=b"
    assert of_text("AM301:shop.0002_drop").migration == "shop.0002_drop"


@pytest.mark.parametrize("text", ["AM301", "AM301:shop", "301:shop.0002", "shop.0002:AM301", ""])
def test_nonsense_on_the_command_line_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="CODE:MIGRATION"):
        of_text(text)
