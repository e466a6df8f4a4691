"""Each hazard is found where it is and not where the safe way was gone, and the safe way leads to the same schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.safety.hazard import Harm
from auto_migrate.safety.hazards import hazards
from tests.hazards import PAIRS, Pair
from tests.integration.safety.offers import schema_of
from tests.integration.safety.pairs import AppOf, carry_out, carry_out_first, found_in, on_one_server
from tests.manage import ROOT

PAGES = Path(ROOT, "docs", "hazards")

each_pair = pytest.mark.parametrize("pair", PAIRS, ids=str)


def schema_after(connection: BaseDatabaseWrapper, app: str) -> list[str]:
    """Carry out all migrations of an app, and return what there is in the database then."""
    carry_out(connection, app)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")
    return schema_of(connection)


@on_one_server
@each_pair
def test_the_hazard_is_found_and_not_on_the_safe_way(shop: BaseDatabaseWrapper, app_of: AppOf, pair: Pair) -> None:
    hazardous, safe = app_of(pair, "hazard"), app_of(pair, "safe")
    carry_out_first(shop, hazardous)
    found_codes = {found for found, _text in found_in(shop, hazardous, phases=pair.phases)}
    assert pair.code in found_codes, f"HAZARD in tests/hazards/{pair}.py does not have it"
    # A phase that is declared is only kept where phases are on.
    phases = pair.phases or any("phase" in step for step in pair.plan("safe"))
    on_the_safe_way = {found for found, _text in found_in(shop, safe, phases=phases)}
    assert pair.code not in on_the_safe_way
    if pair.code < "AM2":
        # No way is safe that only holds the traffic up elsewhere.
        assert {found for found in on_the_safe_way if found < "AM2" and hazards()[found].harm is Harm.BLOCKS} == set()


@on_one_server
@each_pair
def test_the_safe_way_leads_to_the_same_schema(shop: BaseDatabaseWrapper, app_of: AppOf, pair: Pair) -> None:
    hazardous, safe = app_of(pair, "hazard"), app_of(pair, "safe")
    if pair.refused:
        with pytest.raises(DatabaseError):
            carry_out(shop, hazardous)
        assert schema_after(shop, safe)
    elif pair.ends_elsewhere:
        assert schema_after(shop, hazardous) != schema_after(shop, safe), f"{pair} need not say any more where it ends"
    else:
        assert schema_after(shop, hazardous) == schema_after(shop, safe)


def test_each_hazard_has_a_pair_and_a_page() -> None:
    assert {pair.code for pair in PAIRS} == set(hazards()), "tests/hazards/__init__.py tells how to add a pair"
    pages = {code: (PAGES / f"{code}.md").read_text("utf-8") for code in hazards()}
    assert [code for code, text in pages.items() if not text.startswith(f"# {code}")] == []
    assert [code for code, text in pages.items() if f'acknowledge("{code}"' not in text] == []
