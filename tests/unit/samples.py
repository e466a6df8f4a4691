"""One value of every event."""

from __future__ import annotations

import datetime
import uuid

from auto_migrate import backfill_events, bridge_events, events, fleet_events, record_events
from auto_migrate.adoption import adoption_events
from auto_migrate.drift import differences, drift_events
from auto_migrate.events import Context, Event
from auto_migrate.findings import (
    Acknowledgement,
    AssessedMigration,
    Basis,
    Evidence,
    Finding,
    Level,
    PlannedOperation,
)
from auto_migrate.rehearsal import rehearsal_events as rehearsing
from auto_migrate.values import (
    BackfillKey,
    Blocker,
    Bridge,
    BridgeKind,
    Holder,
    MigrationKey,
    SchemaState,
    TimedOperation,
)

AT = datetime.datetime(2026, 3, 2, 14, 5, 1, tzinfo=datetime.UTC)
RUN = uuid.UUID("0b9f1c52-7d0a-4e0e-9f0e-5a3f8a1c2d11")
CONTEXT = Context("default", RUN, AT)
FIRST = MigrationKey("billing", "0001_initial")
SECOND = MigrationKey("billing", "0002_total")
HOLDER = Holder(
    "web-3:41", AT - datetime.timedelta(seconds=90), SECOND, migration_since=AT - datetime.timedelta(seconds=30)
)
BLOCKER = Blocker("billing_invoice", 8140, "app", "gunicorn", "active", autovacuum=False, age=12.4, query="SELECT 1")
BACKFILL = backfill_events.BackfillProgressed(
    BackfillKey("billing", "totals"), "running", 3_200_000, 10_000_000, 40.2, "the replica web-2 is 12s behind"
)
OBSERVED = rehearsing.StatementObserved(
    FIRST,
    1,
    'CREATE INDEX "due" ON "billing_invoice" ("due")',
    1,
    0.0042,
    in_transaction=True,
    locks=(rehearsing.TakenLock("billing_invoice", "", "SHARE"),),
    rewrites=(),
    rebuilds=(),
    scans=(rehearsing.Scan("billing_invoice", 100),),
)
FINDING = Finding(
    code="AM301",
    level=Level.ERROR,
    migration=SECOND,
    operation=1,
    table="billing_invoice",
    title="A column is dropped",
    problem="The values of billing_invoice.note are gone for good.",
    instead="operations = [\n    …\n]",
    evidence=(Evidence(Basis.RULE, "takes ACCESS EXCLUSIVE on billing_invoice."),),
)
UNMATCHED = Acknowledgement("AM302", "billing.0002_total", "no more", "settings")
TIMED = TimedOperation(1, "AddField", AT, 0.04)
BRIDGE = Bridge(BridgeKind.DEFAULT, FIRST, "billing_invoice", "place", definition="7")
OPERATION = PlannedOperation(
    1,
    "Remove field note from invoice",
    reversible=False,
    effects=("takes ACCESS EXCLUSIVE on billing_invoice",),
    sql=('ALTER TABLE "billing_invoice" DROP COLUMN "note";',),
)

GAP = differences.Difference(
    "shop_item", differences.ObjectType.COLUMN, differences.DifferenceKind.MISSING, "n", "integer", columns=("n",)
)
SAMPLES: list[Event] = [
    events.WaitStarted(30),
    events.DatabaseReady(1.25),
    events.NotificationTested("https://hooks.slack.com", "it answered 500"),
    events.RunStarted(5),
    events.RunClaimed(),
    events.AttemptStarted(1, 5),
    events.AttemptFailed(1, 5, "could not connect to server", "Connection refused"),
    events.RetryScheduled(3.0),
    events.StateCompared(SchemaState.AHEAD, (FIRST,), (SECOND,), (SECOND,)),
    events.OlderReleasesNoticed(("shop release=4f2a91c (shop, 2)",)),
    events.DatabaseAwaited(0.5, "could not connect to server", "Connection refused"),
    events.MigrationsAwaited(3.0, 2, HOLDER),
    events.NothingPending(SchemaState.UP_TO_DATE, 4.0),
    events.LockAwaited(10.4, HOLDER),
    events.LockAcquired(11.0),
    record_events.RecordMended((FIRST, SECOND)),
    record_events.MigrationsAdopted((FIRST, SECOND)),
    adoption_events.TableContradicted("shop", "shop_item", (GAP,)),
    adoption_events.ProofMissing(SECOND, ("1. Raw Python operation: fill",), followed=True),
    adoption_events.AppHeldBack("orders", ("shop",)),
    adoption_events.AdoptionExamined((FIRST,), (SECOND,)),
    drift_events.DriftFound("shop", GAP, made_by=FIRST),
    drift_events.DriftChecked(42, 1, 57, ("legacy_report",)),
    events.PoolerNoticed(),
    events.MigrationAssessed(
        AssessedMigration(
            SECOND, backwards=False, atomic=False, phase="post_deploy", operations=(OPERATION,), findings=(FINDING,)
        )
    ),
    events.PlanAssessed((FINDING,), (FINDING,), (UNMATCHED,)),
    bridge_events.BridgesFound((BRIDGE,), (BRIDGE,)),
    bridge_events.BridgesRaised((BRIDGE,)),
    bridge_events.BridgeTakenDown(BRIDGE, ours=True),
    bridge_events.BridgeTakenDown(BRIDGE, ours=False),
    bridge_events.BridgesTakenDown((BRIDGE,)),
    bridge_events.BridgeKept(BRIDGE, "Another 412s of POST_DEPLOY_DELAY have to pass."),
    events.MigratingStarted(),
    events.PlanMade(("auth", "billing"), None, (FIRST, SECOND), backwards=False),
    events.MigrationStarted(FIRST, 1, 2, backwards=False),
    events.TablesAwaited(FIRST, 6.0, (BLOCKER,)),
    BACKFILL,
    backfill_events.BackfillsUnfinished((BACKFILL,)),
    events.OnlineStepStarted(FIRST, 1, 2, 3, "build_index", '"billing_invoice"'),
    events.IndexProgressed("billing_invoice", "building index: scanning table", 41.7, 12.5),
    events.RowsFilled('"billing_invoice"', 41.7, "the replica standby is 12s behind"),
    events.TableCopied(FIRST, 1, "billing_invoice", "Cannot change column type INPLACE"),
    events.SessionsAwaited("record", 6.0, (BLOCKER,)),
    events.MigrationFinished(FIRST, 1, 2, backwards=False, duration=0.0421, operations=(TIMED,)),
    events.MigrationStopped(FIRST, 1, 2, backwards=False, error="ValueError: no", operations=(TIMED,)),
    events.VerifyStarted(),
    events.RunSucceeded(SchemaState.UP_TO_DATE, 2, 11.5),
    events.RunFailed(1, "Migration billing.0001_initial failed.", "Mend it."),
    fleet_events.SchemasCompared(
        4, (fleet_events.PendingPlan(("acme", "beta"), (SECOND,)),), unprovisioned=("ghost",), drifting=("gamma",)
    ),
    fleet_events.SchemaFinished(1, 0.25),
    fleet_events.SchemaFinished(0, 0.25, error="The migration billing.0002_total failed: boom"),
    fleet_events.SchemasProgressed(1204, 3000, 3, 40.2),
    fleet_events.SchemasProgressed(3000, 3000, 0, None),
    fleet_events.TurnAwaited("default", 1.0),
    events.RunStopped(8, 1),
    rehearsing.LeftoversFound(("auto_migrate_rehearsal_0b9f1c527d0a",), ("auto_migrate_rehearsal_4e0e9f0e5a3f",)),
    rehearsing.RehearsalStarted("auto_migrate_rehearsal_5a3f8a1c2d11", 41, (FIRST, SECOND), (SECOND,)),
    rehearsing.FoundationsMissing(("postgis",)),
    rehearsing.BaseApplied(FIRST, 1, 41),
    rehearsing.TablesFilled(100, 12, (rehearsing.Unfilled("billing_route", "shape: geometry"),)),
    rehearsing.StatementLeftOut("CREATE ROLE reader"),
    OBSERVED,
    rehearsing.StepsNotRehearsed(FIRST, 1, 3),
    rehearsing.RuleContradicted(FIRST, 1, "billing_invoice", "SHARE", "ACCESS EXCLUSIVE, rewrites it"),
    rehearsing.StatementRefused(
        migration=FIRST,
        table="billing_invoice",
        column="note",
        statement="SELECT note FROM billing_invoice WHERE id = $1",
        calls=1204,
        roles=("web",),
        reason='column "note" does not exist',
        certain=True,
    ),
    rehearsing.StatementsChecked(
        "statements.jsonl",
        412,
        1,
        (rehearsing.Unchecked("SELECT 1 FROM nowhere", 'relation "nowhere" does not exist'),),
    ),
    rehearsing.PhaseProposed(FIRST, "post_deploy"),
    rehearsing.RehearsalFinished(2, 3, 1, 4.25),
]
