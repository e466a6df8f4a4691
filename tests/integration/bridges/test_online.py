"""What goes online is bridged as well: in the transaction of the step that needs it."""

from __future__ import annotations

from pathlib import Path

from tests.integration.bridges.releases import ID, Release, releases
from tests.integration.bridges.test_defaults import DEFAULT

ALWAYS = {"AUTO_MIGRATE_ONLINE": "always"}
OLD = """
class Order(models.Model):
    note = models.CharField(max_length=50, null=True)
"""
NEW = """
class Order(models.Model):
    note = models.CharField(max_length=50, default="none")
    place = models.IntegerField(default=7, db_index=True)
    parent = models.ForeignKey("self", models.CASCADE, default=1)
    slug = models.SlugField(default="none")
"""
FIRST = {
    "0001_initial": f'migrations.CreateModel("Order", [{ID}, ("note", models.CharField(max_length=50, null=True))])'
}
ADDED = [
    'migrations.AddField("Order", "place", models.IntegerField(default=7, db_index=True))',
    'migrations.AddField("Order", "parent", models.ForeignKey("shop.Order", models.CASCADE, default=1), False)',
    # As `makemigrations` writes the answer to its question for a default.
    'migrations.AddField("Order", "slug", models.SlugField(default="none"), False)',
    'migrations.AlterField("Order", "note", models.CharField(max_length=50, default="none"), False)',
]
ALTERED = 'migrations.AlterField("Order", "place", models.IntegerField(default=7, unique=True))'
WRITE = """
order = Order.objects.create(note=None)
order.note = None
order.save()
order.delete()
"""
STANDING = [
    ("default", "shop_order", "place"),
    ("default", "shop_order", "parent_id"),
    ("default", "shop_order", "slug"),
    ("fill", "shop_order", "note"),
]


def test_what_goes_online_is_bridged(tmp_path: Path, database_url: str) -> None:
    plan = {**FIRST, "0002_added": ", ".join(ADDED)}
    refused = {**plan, "0003_refused": ALTERED}
    with releases(
        Release(tmp_path / "1", database_url, OLD, FIRST),
        Release(tmp_path / "2", database_url, NEW, plan),
        Release(tmp_path / "3", database_url, NEW, refused),
    ) as (old, new, later):
        old.migrated("v1")
        old.code("Order.objects.bulk_create([Order(), Order()])")
        (assessed,) = [event["assessed"] for event in new.events("v2", "--plan", **ALWAYS) if "assessed" in event]
        assert all(operation["online"] and operation["bridges"] for operation in assessed["operations"])
        new.migrated("v2", **ALWAYS)
        assert new.bridges == STANDING
        old.code(WRITE)
        old.code("Order.objects.create()")
        assert new.query("SELECT DISTINCT note, slug, parent_id FROM shop_order") == [("none", "none", 1)]
        # Taken back where rows are refused, and what stood before stays.
        told = later.run("auto_migrate", expect=1, AUTO_MIGRATE_BLOCK="never", AUTO_MIGRATE_RELEASE="v3", **ALWAYS)
        assert "was put back as it was" in told
        assert new.bridges == STANDING
        old.code(WRITE)
        new.migrated("v2", "--phase", "post_deploy")
        assert (new.bridges, new.query(DEFAULT)) == ([], [(None,)])
        new.code("Order.objects.create()")
