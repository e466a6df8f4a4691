"""What tightens a table in use is made only when the old code is gone, and by then as Django would have made it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.integration.bridges.releases import AT_ONCE, ID, Release, Twins, releases

OLD = """
class Customer(models.Model):
    pass

class Client(models.Model):
    pass

class Order(models.Model):
    note = models.CharField(max_length=50, null=True)
    amount = models.IntegerField()
    buyer = models.ForeignKey(Customer, models.CASCADE)
    seller = models.ForeignKey(Client, models.CASCADE, null=True, related_name="+")
"""
NEW = OLD.replace(", null=True", "").replace("IntegerField", "PositiveIntegerField").replace("(Customer,", "(Client,")
FIELDS = f"""{ID}, ("note", models.CharField(max_length=50, null=True)), ("amount", models.IntegerField()),
    ("buyer", models.ForeignKey("shop.Customer", models.CASCADE)),
    ("seller", models.ForeignKey("shop.Client", models.CASCADE, null=True, related_name="+"))"""
FIRST = {
    "0001_initial": f'migrations.CreateModel("Customer", [{ID}]), migrations.CreateModel("Client", [{ID}]),'
    f' migrations.CreateModel("Order", [{FIELDS}])'
}
NOT_NULL = 'migrations.AlterField("Order", "note", models.CharField(max_length=50))'
SMALL = 'models.CheckConstraint(condition=models.Q(amount__lt=100), name="amount_small")'
CHECKED = f'migrations.AddConstraint("Order", {SMALL})'
TIGHTENED = [
    NOT_NULL,
    'migrations.AlterField("Order", "amount", models.PositiveIntegerField())',
    CHECKED,
    'migrations.AlterField("Order", "buyer", models.ForeignKey("shop.Client", models.CASCADE))',
    # Django drops its key and makes it again.
    'migrations.AlterField("Order", "seller", models.ForeignKey("shop.Client", models.CASCADE, related_name="+"))',
]
HELD = [
    ("held_not_null", "shop_order", "note"),
    ("held_constraint", "shop_order", "amount"),
    ("held_constraint", "shop_order", "amount"),
    ("held_constraint", "shop_order", "buyer_id"),
    ("held_not_null", "shop_order", "seller_id"),
]
# What only the release that is running may write.
OLD_WRITES = """
# The second is no client.
_first, customer, _client = Customer.objects.create(), Customer.objects.create(), Client.objects.create()
Order.objects.create(amount=1, buyer=customer, note=None)
Order.objects.create(amount=-5, buyer=customer, note="a")
order = Order.objects.create(amount=500, buyer=customer, note="a")
order.note = None
order.save()
"""
MENDED = """
    UPDATE shop_order SET note = coalesce(note, ''), amount = 5;
    UPDATE shop_order SET buyer_id = 1, seller_id = 1
"""
HALF_MADE = """
    ALTER TABLE shop_order ADD CONSTRAINT amount_small CHECK (amount < 100) NOT VALID,
        ADD CONSTRAINT auto_migrate_restored CHECK (note IS NOT NULL) NOT VALID
"""
NO_ROWS = "DELETE FROM shop_order; DELETE FROM shop_client; DELETE FROM shop_customer"
POST_DEPLOY = ("auto_migrate", "--phase", "post_deploy")


def tightening(folder: Path, url: str, *, plan: dict[str, str], models: str = NEW) -> Release:
    return Release(folder, url, models, {**FIRST, **plan})


def old_and_new(folder: Path, url: str, plan: dict[str, str]) -> contextlib.AbstractContextManager[tuple[Release, ...]]:
    """Let a release write, and another one that tightens what it writes."""
    return releases(Release(folder / "1", url, OLD, FIRST), tightening(folder / "2", url, plan=plan))


@pytest.mark.parametrize(
    ("twins", "head", "online"),
    [("postgresql", "atomic = True", "always"), ("postgresql15", "atomic = False", "never")],
    indirect=["twins"],
)
def test_the_old_code_writes_until_it_is_gone(tmp_path: Path, twins: Twins, head: str, online: str) -> None:
    with old_and_new(tmp_path, twins.ours, {"0002_tight": f"{', '.join(TIGHTENED)} | {head}"}) as (old, new):
        new.on(twins.djangos).run("migrate")
        old.migrated("v1")
        told = new.migrated("v2", AUTO_MIGRATE_ONLINE=online, AUTO_MIGRATE_SMALL_TABLE="0")
        assert told.count("(bridged for as long as the old release runs)") >= len(HELD)
        assert new.bridges == HELD
        new.migrated("v2", "--plan", "--drift", "--fail-on-drift")
        old.code(OLD_WRITES)
        assert "No migrations are pending" in new.migrated("v2", "--check")
        # Rows that the old code has left are named, and the run does not end well.
        told = new.run(*POST_DEPLOY, expect=1, AUTO_MIGRATE_RELEASE="v2")
        for keys in ("id=1; id=3", "id=2", "id=3", "buyer_id=2", "id=1; id=2; id=3"):
            assert f"In the way: {keys}. Mend them, then: manage.py auto_migrate --phase post_deploy" in told
        assert new.bridges == HELD
        new.query(MENDED)
        new.run(*POST_DEPLOY, AUTO_MIGRATE_RELEASE="v2")
        assert new.bridges == []
        old.code("Order.objects.create(amount=5, buyer_id=1, note=None)", expect=1)
        old.query(NO_ROWS)
    assert twins.difference() == ""


def test_a_later_release_step_makes_it_and_goes_on_where_rows_do_not_allow_it(
    tmp_path: Path, database_url: str
) -> None:
    with old_and_new(tmp_path, database_url, {"0002_tight": CHECKED}) as (old, new):
        old.migrated("v1")
        new.migrated("v2")
        old.code(OLD_WRITES)
        assert "In the way: id=3." in new.migrated("v3", **AT_ONCE)
        assert new.bridges == [HELD[1]]
        assert new.get("health")["migrations"]["bridges"][0]["name"] == "amount_small"
        new.query("UPDATE shop_order SET amount = 5")
        assert "A bridge is taken down" in new.migrated("v4", **AT_ONCE)
        assert new.bridges == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    "later",
    [
        'migrations.RenameField("Order", "amount", "total")',
        'migrations.RenameModel("Order", "Sale")',
        'migrations.RemoveConstraint("Order", "amount_small")',
        'migrations.AlterField("Order", "amount", models.BigIntegerField())',
    ],
)
def test_what_a_later_plan_counts_on_is_made_before_it(tmp_path: Path, twins: Twins, later: str) -> None:
    plan = {"0002_tight": CHECKED}
    with releases(
        Release(tmp_path / "1", twins.ours, OLD, FIRST),
        tightening(tmp_path / "2", twins.ours, plan=plan),
        tightening(tmp_path / "3", twins.ours, plan={**plan, "0003_later": later}, models=""),
    ) as (old, new, newer):
        newer.on(twins.djangos).run("migrate")
        old.migrated("v1")
        new.migrated("v2")
        assert new.bridges == [HELD[1]]
        newer.migrated("v3", AUTO_MIGRATE_BLOCK="never")
        assert newer.bridges == []
    assert twins.difference() == ""


@pytest.mark.parametrize("online", ["always", "never"])
def test_a_run_that_goes_on_where_another_was_cut_leaves_it_held_back(
    tmp_path: Path, database_url: str, online: str
) -> None:
    plan = {"0002_tight": f'{CHECKED}, {NOT_NULL}, migrations.RunSQL("SELECT FROM later") | atomic = False'}
    env = {"AUTO_MIGRATE_ONLINE": online, "AUTO_MIGRATE_SMALL_TABLE": "0"}
    with old_and_new(tmp_path, database_url, plan) as (old, new):
        old.migrated("v1")
        new.run("auto_migrate", expect=1, AUTO_MIGRATE_RELEASE="v2", **env)
        held = [HELD[1], HELD[0]]
        assert new.bridges == held
        new.query("CREATE TABLE later ()")
        looked = next(event for event in new.events("v2", "--plan") if "due" in event)
        assert (len(looked["standing"]), looked["due"]) == (len(held), [])
        new.migrated("v2", **env)
        assert new.bridges == held
        old.code(OLD_WRITES)


def test_what_is_acknowledged_is_made_at_once(tmp_path: Path, database_url: str) -> None:
    with old_and_new(tmp_path, database_url, {"0002_tight": CHECKED}) as (old, new):
        old.migrated("v1")
        new.migrated("v2", "--acknowledge", "AM405:shop.0002_tight")
        assert new.bridges == []
        old.code("Order.objects.create(amount=500)", expect=1)
        assert new.query("SELECT convalidated FROM pg_constraint WHERE conname = 'amount_small'") == [(True,)]


@pytest.mark.parametrize("kind", ["counting", "upserting", "replacing"])
def test_a_plan_that_counts_on_it_does_not_hold_it_back(tmp_path: Path, database_url: str, kind: str) -> None:
    large = CHECKED.replace("amount__lt=100", "amount__lt=999")
    first, plan = {
        "counting": ("", {"0002_tight": CHECKED, "0003_later": 'migrations.RenameField("Order", "amount", "total")'}),
        # New code may name what is unique in its upserts at once.
        "upserting": ("", {"0002_tight": NOT_NULL.replace("50", "50, null=True, unique=True")}),
        # Neither the one nor the other would hold meanwhile.
        "replacing": (large, {"0002_tight": f'migrations.RemoveConstraint("Order", "amount_small"), {CHECKED}'}),
    }[kind]
    begun = {"0001_initial": f"{FIRST['0001_initial']}, {first}"}
    with releases(
        Release(tmp_path / "1", database_url, OLD, begun),
        Release(tmp_path / "2", database_url, NEW, {**begun, **plan}),
    ) as (old, new):
        old.migrated("v1")
        (assessed, *_) = [event["assessed"] for event in new.events("v2", "--plan") if "assessed" in event]
        assert [one["handled"] for one in assessed["findings"] if one["code"] == "AM405"] == [None]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("head", ["atomic = True", "atomic = False"])
def test_what_is_held_back_can_be_unapplied(tmp_path: Path, twins: Twins, head: str) -> None:
    with old_and_new(tmp_path, twins.ours, {"0002_tight": f"{', '.join(TIGHTENED)} | {head}"}) as (old, new):
        old.on(twins.djangos).run("migrate")
        old.migrated("v1")
        new.migrated("v2")
        old.code(OLD_WRITES)
        # As a run leaves it that was cut while it made it.
        old.query(HALF_MADE)
        new.run("auto_migrate", "shop", "0001", AUTO_MIGRATE_BLOCK="never")
        assert new.bridges == []
        old.code("Order.objects.create(amount=-500, buyer_id=2, note=None)")
        old.query(NO_ROWS)
    assert twins.difference() == ""
