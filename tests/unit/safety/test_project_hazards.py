"""A project's own hazards stand beside the package's; what is not a whole one is refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.db import OperationalError
from django.db.migrations import Migration, RunSQL
from pytest_django import Settings

import auto_migrate.hazards
from auto_migrate.changes import change as changes
from auto_migrate.changes.reading import OperationChanges
from auto_migrate.exceptions import UsageError
from auto_migrate.findings import Level
from auto_migrate.hazards import AddColumn, Change, CreateTable, Found, Harm, Hazard, Site
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.reporting.assessments import sarif
from auto_migrate.safety.acknowledgements import acknowledge, of_text
from auto_migrate.safety.assessment import assess
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.safety.hazards import hazards
from tests.unit.reporting.assessments.reports import report

HERE = "tests.unit.safety.test_project_hazards"
PAGE = "docs/migrations.md"


class Whole(Hazard):
    """What the others lack something of."""

    code = "SHOP002"
    title = "A column is added"
    page = PAGE
    harm = Harm.RISKS

    def found(self, change: Change, site: Site) -> Iterator[Found]:
        if isinstance(change, AddColumn):
            yield Found(change.table, "It is.", "Nothing.")


class Other(Whole):
    code = "ABC1"


class Same(Whole):
    """Has the code of another."""


class Abstract(Hazard):
    code, title, page, harm = "SHOP003", "title", PAGE, Harm.RISKS


class WithoutCode(Whole):
    code = None  # type: ignore[assignment]


class BadCode(Whole):
    code = "shop-1"


class BuiltIn(Whole):
    code = "AM301"


class OfALaterVersion(Whole):
    code = "AM999"


class WithoutTitle(Whole):
    title = " "


class WithoutPage(Whole):
    page = ""


class WithoutHarm(Whole):
    harm = "risks"  # type: ignore[assignment]


class BadVendors(Whole):
    vendors = frozenset({"postgres"})


class NeedsArguments(Whole):
    def __init__(self, table: str) -> None: ...


class Raises(Whole):
    def found(self, change: Change, site: Site) -> Iterator[Found]:
        raise KeyError(change.table)


class AsksTheDatabase(Whole):
    def found(self, change: Change, site: Site) -> Iterator[Found]:
        raise OperationalError("server closed the connection")


def bring(settings: Settings, *names: str) -> None:
    settings.AUTO_MIGRATE = {"HAZARDS": [f"{HERE}.{name}" for name in names]}


def read(*found: Change) -> ClassifiedMigration:
    """Return a migration whose one operation makes changes."""
    return ClassifiedMigration(Migration("0002_more", "shop"), False, (OperationChanges(1, RunSQL("", ""), found),))


ADDED = AddColumn(table="shop_order", column="note", type="text", null=True)
SERVER = ServerFacts("postgresql", (18,))


def test_they_come_after_the_packages_own_in_the_order_of_their_codes(settings: Settings) -> None:
    own = list(hazards())
    assert all(code.startswith("AM") for code in own)
    bring(settings, "Whole", "Other")
    assert list(hazards()) == [*own, "ABC1", "SHOP002"]
    settings.AUTO_MIGRATE = {}
    assert list(hazards()) == own


def test_a_finding_of_one_is_judged_as_any_other(settings: Settings) -> None:
    bring(settings, "Whole")
    [finding] = assess([read(ADDED)], SERVER).findings
    assert (finding.code, finding.level, finding.operation, finding.table) == (
        "SHOP002",
        Level.WARNING,
        1,
        "shop_order",
    )
    assert (finding.title, finding.problem, finding.instead) == ("A column is added", "It is.", "Nothing.")
    assert assess([read(CreateTable(table="shop_order"), ADDED)], SERVER).findings == ()
    assert assess([read(ADDED)], ServerFacts("sqlite", (3,))).findings == ()


def test_it_is_acknowledged_as_any_other(settings: Settings) -> None:
    bring(settings, "Whole")
    given = of_text("SHOP002:shop.0002_more=known")
    [finding] = assess([read(ADDED)], SERVER, acknowledgements=[given]).findings
    assert finding.acknowledged == "known"
    assert acknowledge("SHOP002", reason="known").codes == ("SHOP002",)


def test_the_check_of_acknowledgements_knows_its_code(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"HAZARDS": [f"{HERE}.Whole"], "ACKNOWLEDGE": {"SHOP002:webhooks.*": "known"}}
    assert [message for message in checks.run_checks() if str(message.id).startswith("auto_migrate.")] == []
    settings.AUTO_MIGRATE = {"ACKNOWLEDGE": {"SHOP002:webhooks.*": "known"}}
    [told] = [message for message in checks.run_checks() if message.id == "auto_migrate.W005"]
    assert "there is no hazard SHOP002" in told.msg


BAD = [
    ("Absent", 'does not define a "Absent" attribute'),
    ("read", "it is not a subclass of auto_migrate.hazards.Hazard"),
    ("PAGE", "it is not callable"),
    ("Abstract", "it is abstract: it does not define found"),
    ("WithoutCode", "its `code` is None, not letters and a number such as SHOP001"),
    ("BadCode", "its `code` is 'shop-1', not letters and a number such as SHOP001"),
    ("BuiltIn", "codes such as AM301 are those of auto_migrate"),
    ("OfALaterVersion", "codes such as AM999 are those of auto_migrate"),
    ("WithoutTitle", "it has no `title`"),
    ("WithoutPage", "it has no `page`"),
    ("WithoutHarm", "its `harm` is not one of auto_migrate.hazards.Harm"),
    ("BadVendors", "its `vendors` are frozenset({'postgres'}), not a set of mysql, postgresql, sqlite"),
    ("NeedsArguments", "TypeError: "),
    ("Same", "SHOP002 is the code of Whole already"),
]


@pytest.mark.parametrize(("name", "reason"), BAD)
def test_what_is_not_a_whole_one_is_refused_and_checked(name: str, reason: str, settings: Settings) -> None:
    bring(settings, "Whole", name)
    with pytest.raises(UsageError) as refused:
        assess([read(ADDED)], SERVER)
    assert f"AUTO_MIGRATE['HAZARDS']: {HERE}.{name} cannot be used: " in refused.value.message
    assert reason in refused.value.message
    assert "AUTO_MIGRATE_HAZARDS" in refused.value.hint
    [told] = [message for message in checks.run_checks() if message.id == "auto_migrate.E005"]
    assert (told.msg, told.hint, told.level) == (refused.value.message, refused.value.hint, checks.ERROR)


def test_the_check_of_acknowledgements_leaves_it_to_the_other(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"HAZARDS": ["no.such"], "ACKNOWLEDGE": {"SHOP9:webhooks.*": "why"}}
    ids = [message.id for message in checks.run_checks()]
    assert "auto_migrate.E005" in ids
    assert "auto_migrate.W005" not in ids


def test_one_that_raises_stops_the_plan_by_its_name(settings: Settings) -> None:
    bring(settings, "Raises")
    with pytest.raises(UsageError) as refused:
        assess([read(ADDED)], SERVER)
    assert refused.value.message == (
        f"The hazard SHOP002 ({HERE}.Raises) failed at shop.0002_more: KeyError: 'shop_order'."
    )
    assert "take it out of AUTO_MIGRATE['HAZARDS']" in refused.value.hint


def test_a_fault_of_the_database_stays_one(settings: Settings) -> None:
    bring(settings, "AsksTheDatabase")
    with pytest.raises(OperationalError):
        assess([read(ADDED)], SERVER)


def test_all_kinds_of_change_are_exported() -> None:
    """Whoever writes a hazard finds every change under one name that does not move."""

    def kinds(base: Any) -> set[str]:
        return {base.__name__}.union(*map(kinds, base.__subclasses__()))

    ours = {kind for kind in kinds(Change) if kind in vars(changes)}
    assert ours <= set(auto_migrate.hazards.__all__)
    assert all(hasattr(auto_migrate.hazards, name) for name in auto_migrate.hazards.__all__)


def test_a_page_that_is_a_path_is_named_and_no_link(settings: Settings, tmp_path: Path) -> None:
    bring(settings, "Whole")
    told = report(folder=tmp_path, docs_url="https://docs.example/hazards/")
    assert told.page("SHOP002") == ""
    assert told.page("AM301") == "https://docs.example/hazards/AM301.md"
    log = json.loads(sarif.render(told))
    rule = log["runs"][0]["tool"]["driver"]["rules"][-1]
    assert (rule["id"], rule["help"]["text"]) == ("SHOP002", f"See {PAGE}.")
    assert "helpUri" not in rule
