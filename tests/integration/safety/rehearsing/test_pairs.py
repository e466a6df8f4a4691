"""What the rules say of each hazard's project, the rehearsal sees, on both servers."""

from __future__ import annotations

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings

from auto_migrate.exceptions import MigrationFailed
from auto_migrate.rehearsal.rehearse import Options, rehearse
from tests.integration.safety.test_hazards import PACKAGE, PAIRS

# All of it is `make sweep`.
pytestmark = pytest.mark.sampled(5)

# What these do, PostgreSQL and Django refuse to do inside a transaction.
REFUSED = {"am201", "am201_text"}
# What ends a concurrent detachment locks the partition for an instant that may be seen or not.
TOO_SHORT = {"am115_partition"}


@pytest.mark.parametrize("side", ["hazard", "safe"])
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair not in TOO_SHORT])
def test_the_rehearsal_sees_what_the_rules_say(shop: BaseDatabaseWrapper, pair: str, side: str) -> None:
    with override_settings(INSTALLED_APPS=[f"{PACKAGE}.{pair}.{side}"]):
        nodes = sorted(MigrationLoader(None).graph.nodes)
        names = tuple(f"{app}.{name}" for app, name in nodes[1:])
        if pair in REFUSED and side == "hazard":
            with pytest.raises(MigrationFailed, match="transaction"):
                rehearse(shop.alias, Options(names=names))
            return
        seen = rehearse(shop.alias, Options(names=names, rows=20))
    assert {one.migration.name for one in seen.observations} <= {name for _app, name in nodes[1:]}
    assert seen.contradictions == ()
