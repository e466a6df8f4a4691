"""What the rules say of each hazard's project, the rehearsal sees, on both servers."""

from __future__ import annotations

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from auto_migrate.exceptions import MigrationFailed
from auto_migrate.rehearsal.rehearse import Options, rehearse
from tests.hazards import APP, FIRST, PAIRS, Pair, Side
from tests.integration.safety.pairs import AppOf

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

# What ends a concurrent detachment locks the partition for an instant that may be seen or not.
SEEN = [pair for pair in PAIRS if pair.name != "am115_partition_detached"]


@pytest.mark.parametrize("side", ["hazard", "safe"])
@pytest.mark.parametrize("pair", SEEN, ids=str)
def test_the_rehearsal_sees_what_the_rules_say(
    shop: BaseDatabaseWrapper, app_of: AppOf, pair: Pair, side: Side
) -> None:
    with override_settings(INSTALLED_APPS=[app_of(pair, side)]):
        first, *plan = sorted(MigrationLoader(None).graph.nodes)
        assert first == (APP, FIRST)
        names = tuple(f"{app}.{name}" for app, name in plan)
        if pair.refused and side == "hazard":
            with pytest.raises(MigrationFailed, match=r"transaction|depends on|already exists"):
                rehearse(shop.alias, Options(names=names))
            return
        seen = rehearse(shop.alias, Options(names=names, rows=20))
    assert {one.migration.name for one in seen.observations} <= {name for _app, name in plan}
    assert seen.contradictions == ()
