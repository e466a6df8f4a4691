"""What SQL of a project's own does to columns with bridges, in ways that no reading of its text foresees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.bridges.releases import ID, LEFT, Release, Twins, releases

OLD = """
class Order(models.Model):
    note = models.CharField(max_length=50)
"""
SWAP = "ALTER TABLE shop_{a} RENAME TO x; ALTER TABLE shop_{b} RENAME TO shop_{a}; ALTER TABLE x RENAME TO shop_{b}"
FUNCTION = "CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN {body}; END $f$; SELECT {name}()"


class Case(NamedTuple):
    """Columns with bridges (name → value of the bridge), SQL of a later release, and what they hold afterwards.

    What a name begins with is its kind: a default was kept for it, or NULL is filled.
    """

    columns: dict[str, Any]
    sql: str
    expected: dict[str, Any]


CASES = [
    Case(
        {"kept_left": 1, "kept_right": 2, "fill_left": 3, "fill_right": 4},
        "ALTER TABLE shop_order RENAME kept_left TO x; ALTER TABLE shop_order RENAME kept_right TO kept_left;"
        " ALTER TABLE shop_order RENAME x TO kept_right; ALTER TABLE shop_order RENAME fill_left TO x;"
        " ALTER TABLE shop_order RENAME fill_right TO fill_left; ALTER TABLE shop_order RENAME x TO fill_right",
        {"kept_left": 2, "kept_right": 1, "fill_left": 4, "fill_right": 3},
    ),
    Case(
        {"kept_noted": 1},
        'ALTER /* c */ TABLE -- d\n shop_order RENAME /* e */ COLUMN "kept_noted" TO "Kept noted"',
        {"Kept noted": 1},
    ),
    Case(
        {"kept_called": 1, "fill_called": 2},
        FUNCTION.format(
            name="renames",
            body="ALTER TABLE shop_order RENAME kept_called TO kept_recalled;"
            " ALTER TABLE shop_order RENAME fill_called TO fill_recalled; UPDATE shop_order SET note = note",
        ),
        {"kept_recalled": 1, "fill_recalled": 2},
    ),
    Case(
        {"kept_spelled": 5, "fill_spelled": 6},
        "DO $d$ BEGIN EXECUTE format('ALTER TABLE %I ALTER %I TYPE text, ALTER %I TYPE text',"
        " 'shop_' || 'order', 'kept_' || 'spelled', 'fill_' || 'spelled'); END $d$",
        {"kept_spelled": "5", "fill_spelled": "6"},
    ),
    Case(
        {"kept_domain": 6, "fill_domain": 7},
        "CREATE DOMAIN passing AS integer; ALTER TABLE shop_order ALTER kept_domain TYPE passing, ALTER fill_domain"
        " TYPE passing; ALTER TABLE shop_order ALTER kept_domain TYPE integer, ALTER fill_domain TYPE integer;"
        " DROP DOMAIN passing",
        {"kept_domain": 6, "fill_domain": 7},
    ),
    Case(
        {"kept_word": "open", "fill_word": "open"},
        "ALTER TABLE shop_order ALTER kept_word TYPE integer USING CASE kept_word WHEN 'open' THEN 1 ELSE 0 END,"
        " ALTER fill_word TYPE boolean USING fill_word = 'open'",
        {"kept_word": 1, "fill_word": True},
    ),
    Case(
        {"kept_long": 70001},
        "ALTER TABLE shop_order ALTER kept_long TYPE smallint USING (kept_long % 10)::smallint",
        {"kept_long": 1},
    ),
    Case({"kept_told": 7}, "ALTER TABLE shop_order ALTER kept_told DROP DEFAULT", {"kept_told": 7}),
    Case({"kept_own": 8}, "ALTER TABLE shop_order ALTER kept_own SET DEFAULT 8", {"kept_own": 8}),
    Case(
        {"fill_written": 9},
        "ALTER TABLE shop_order RENAME fill_written TO fill_again; UPDATE shop_order SET note = note || 'x'",
        {"fill_again": 9},
    ),
    Case(
        {"kept_gone": 1, "kept_stays": 2, "fill_gone": 3, "fill_stays": 4},
        "ALTER TABLE shop_order DROP kept_gone, DROP fill_gone; ALTER TABLE shop_order RENAME kept_stays TO kept_gone;"
        " ALTER TABLE shop_order RENAME fill_stays TO fill_gone",
        {"kept_gone": 2, "fill_gone": 4},
    ),
    Case(
        {"kept_gone_too": 1},
        "ALTER TABLE shop_order DROP kept_gone_too; ALTER TABLE shop_order ADD kept_gone_too bigint NOT NULL",
        {"kept_gone_too": 1},
    ),
    Case({"kept_number": 1}, "ALTER TABLE shop_order ALTER kept_number ADD GENERATED ALWAYS AS IDENTITY", {}),
    Case(
        {"kept_free": 1, "fill_free": 2},
        "ALTER TABLE shop_order ALTER kept_free DROP NOT NULL, ALTER fill_free DROP NOT NULL",
        {"kept_free": None, "fill_free": None},
    ),
    Case(
        {"kept_hidden": 3},
        "CREATE SCHEMA away; CREATE TABLE away.shop_order (); SET LOCAL search_path = away, public;"
        " ALTER TABLE public.shop_order RENAME kept_hidden TO kept_seen; SET LOCAL search_path = public",
        {"kept_seen": 3},
    ),
    Case({"kept_copied": 1}, "CREATE TABLE copied (LIKE shop_order INCLUDING DEFAULTS)", {"kept_copied": 1}),
]
KINDS = {int: "models.IntegerField({})", str: "models.TextField({})"}
COLUMNS = {name: value for case in CASES for name, value in case.columns.items()}
FILLED = {name: value for name, value in COLUMNS.items() if name.startswith("fill_")}
KEPT = {name: value for name, value in COLUMNS.items() if name.startswith("kept_")}
MADE = ", ".join(f'("{name}", {KINDS[type(value)].format("null=True")})' for name, value in FILLED.items())
FIRST = {"0001_initial": f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50)), {MADE}])'}
SECOND = ", ".join(
    f'migrations.{kind}("Order", "{name}", {KINDS[type(value)].format(f"default={value!r}")})'
    for kind, fields in (("AddField", KEPT), ("AlterField", FILLED))
    for name, value in fields.items()
)
INSERT = "INSERT INTO shop_order (note) VALUES ('old') RETURNING {}"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("head", ["atomic = True", "atomic = False"])
@pytest.mark.parametrize("twins", ["postgresql", "postgresql15"], indirect=True)
def test_bridges_go_along(tmp_path: Path, twins: Twins, head: str) -> None:
    """The running release goes on writing, and the end is what Django's own `migrate` would have made."""
    sql = ", ".join(f"migrations.RunSQL({case.sql!r})" for case in CASES)
    plans = [FIRST, {**FIRST, "0002_bridges": SECOND}, {**FIRST, "0002_bridges": SECOND, "0003_sql": f"{sql} | {head}"}]
    several = [Release(tmp_path / str(place), twins.ours, OLD, plan) for place, plan in enumerate(plans)]
    with releases(*several) as (old, new, next_one):
        next_one.on(twins.djangos).run("migrate")
        old.migrated("v1")
        new.migrated("v2")
        next_one.migrated("v3", AUTO_MIGRATE_BLOCK="never")
        expected = {name: value for case in CASES for name, value in case.expected.items()}
        (row,) = next_one.query(INSERT.format(", ".join(f'"{name}"' for name in expected)))
        assert dict(zip(expected, row, strict=True)) == expected
        next_one.query("DELETE FROM shop_order")
        next_one.migrated("v3", "--phase", "post_deploy")
        assert (next_one.bridges, next_one.query(LEFT)) == ([], [])
    assert twins.difference() == ""
