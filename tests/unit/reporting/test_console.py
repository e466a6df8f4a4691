"""The log that people read: each event's line in both languages, at each verbosity, with and without colours."""

from __future__ import annotations

import dataclasses
import datetime
import io
from collections.abc import Sequence

import pytest
from django.core.management.base import OutputWrapper
from django.core.management.color import Style, color_style, no_style
from django.utils.translation import override

from auto_migrate import backfill_events, bridge_events, events, fleet_events, record_events, values
from auto_migrate.events import Event
from auto_migrate.findings import AssessedMigration
from auto_migrate.rehearsal import rehearsal_events as rehearsing
from auto_migrate.reporting.rehearsal_console import RehearsalConsole
from auto_migrate.values import Bridge, BridgeKind, Holder, SchemaState
from tests.entries import each_entry
from tests.unit.samples import (
    AT,
    BACKFILL,
    BLOCKER,
    BRIDGE,
    CONTEXT,
    FINDING,
    FIRST,
    HOLDER,
    OBSERVED,
    OPERATION,
    SAMPLES,
    SECOND,
    UNMATCHED,
)

NULL_FILLED = Bridge(BridgeKind.FILL, SECOND, "billing_invoice", "note", "auto_migrate_fill_1")
LOOSENED = Bridge(BridgeKind.FOREIGN_KEY, SECOND, 'sales"."invoice', "")
# Events that have no line of their own at verbosity 1.
SILENT = [
    # Told on a terminal only.
    rehearsing.BaseApplied(FIRST, 1, 41),
    events.RunClaimed(),
    events.LockAcquired(11.0),
    record_events.MigrationsAdopted((FIRST,)),
    # Told by the consoles of an adoption and of drift.
    *(one for one in SAMPLES if type(one).__module__.endswith((".adoption_events", ".drift_events"))),
    fleet_events.SchemaFinished(1, 0.25),
    events.StateCompared(SchemaState.BEHIND, (FIRST,), ()),
    events.RunFailed(1, "Migration billing.0001_initial failed.", "Mend it."),
]
REHEARSALS: list[tuple[Event, str, str]] = [
    (
        rehearsing.LeftoversFound(("rehearsal_1",), ("rehearsal_2",)),
        (
            "🧹 Dropped what a killed rehearsal left: rehearsal_1\n"
            "⚠️  rehearsal_2 bears no mark of a rehearsal. If nobody needs it: DROP DATABASE rehearsal_2\n"
        ),
        (
            "🧹 Removido o que um ensaio morto deixou: rehearsal_1\n"
            "⚠️  rehearsal_2 não tem a marca de um ensaio. Se ninguém precisa dele: DROP DATABASE rehearsal_2\n"
        ),
    ),
    (
        rehearsing.RehearsalStarted("rehearsal_1", 41, (FIRST, SECOND), (SECOND,)),
        (
            "🎭 Rehearsing in rehearsal_1; migrations: 2, applied there before: 41\n"
            "⚠️  Python of these migrations runs, and may call out (mail, HTTP), unless --skip-python: "
            "billing.0002_total\n"
        ),
        (
            "🎭 Ensaiando em rehearsal_1; migrações: 2, aplicadas lá antes: 41\n"
            "⚠️  O Python destas migrações é executado e pode chamar serviços externos (e-mail, HTTP), "
            "a não ser com --skip-python: billing.0002_total\n"
        ),
    ),
    (
        rehearsing.FoundationsMissing(("postgis",)),
        "⚠️  The role cannot make in the scratch database what the real one has: postgis\n",
        "⚠️  O usuário não pode criar no banco provisório o que o real tem: postgis\n",
    ),
    (
        rehearsing.TablesFilled(100, 12, (rehearsing.Unfilled("billing_route", "shape: geometry"),)),
        "🌱 Tables filled: 12; rows in each: 100\n    billing_route: shape: geometry\n",
        "🌱 Tabelas preenchidas: 12; linhas em cada: 100\n    billing_route: shape: geometry\n",
    ),
    (
        rehearsing.StatementLeftOut("CREATE ROLE reader"),
        "  ⚠️  Left out, since it changes more than this database: CREATE ROLE reader\n",
        "  ⚠️  Deixado de fora, pois altera mais que este banco: CREATE ROLE reader\n",
    ),
    (
        OBSERVED,
        (
            '    CREATE INDEX "due" ON "billing_invoice" ("due")\n'
            "      SHARE on billing_invoice; reads all of billing_invoice (rows: 100); 0.004s\n"
        ),
        (
            '    CREATE INDEX "due" ON "billing_invoice" ("due")\n'
            "      SHARE em billing_invoice; lê toda a billing_invoice (linhas: 100); 0,004s\n"
        ),
    ),
    (
        dataclasses.replace(OBSERVED, times=3, locks=(), rewrites=("billing_invoice",), rebuilds=("due",), scans=()),
        (
            '    CREATE INDEX "due" ON "billing_invoice" ("due") (3x)\n'
            "      rewrites billing_invoice; rebuilds due; 0.004s\n"
        ),
        (
            '    CREATE INDEX "due" ON "billing_invoice" ("due") (3x)\n'
            "      reescreve billing_invoice; reconstrói due; 0,004s\n"
        ),
    ),
    (
        rehearsing.StepsNotRehearsed(FIRST, 1, 3),
        ("  · billing.0001_initial:1: rehearsed as it is written; the release step does it online, in 3 steps\n"),
        ("  · billing.0001_initial:1: ensaiada como está escrita; a etapa de release a faz online, em 3 passos\n"),
    ),
    (
        rehearsing.RuleContradicted(FIRST, 1, "billing_invoice", "SHARE", "ACCESS EXCLUSIVE"),
        "  ⚠️  billing.0001_initial:1, billing_invoice: the rules say SHARE, the rehearsal saw ACCESS EXCLUSIVE\n",
        "  ⚠️  billing.0001_initial:1, billing_invoice: as regras dizem SHARE, o ensaio viu ACCESS EXCLUSIVE\n",
    ),
    (
        rehearsing.StatementRefused(FIRST, "invoice", "note", "SELECT note FROM invoice", 7, ("web",), "no note", True),
        (
            "  ❌ billing.0001_initial, invoice.note: the running release could not go on: no note\n"
            "       SELECT note FROM invoice (7 calls, role web)\n"
        ),
        (
            "  ❌ billing.0001_initial, invoice.note: a versão em execução não poderia continuar: no note\n"
            "       SELECT note FROM invoice (7 chamadas, papel web)\n"
        ),
    ),
    (
        rehearsing.StatementRefused(FIRST, "invoice", "", "SELECT 1 FROM invoice", None, (), "perhaps", False),
        (
            "  ⚠️  billing.0001_initial, invoice: the running release may not be able to go on: perhaps\n"
            "       SELECT 1 FROM invoice\n"
        ),
        (
            "  ⚠️  billing.0001_initial, invoice: a versão em execução talvez não possa continuar: perhaps\n"
            "       SELECT 1 FROM invoice\n"
        ),
    ),
    (
        rehearsing.StatementsChecked("a.jsonl", 9, 1, (rehearsing.Unchecked("SELECT 1 FROM x", "no x"),)),
        (
            "🔎 Statements of the running release (a.jsonl): 9; that could not go on: 1\n"
            "⚠️  Not checked, since they cannot be planned before the plan either: 1\n"
            "    SELECT 1 FROM x: no x\n"
        ),
        (
            "🔎 Comandos da versão em execução (a.jsonl): 9; que não poderiam continuar: 1\n"
            "⚠️  Não verificados, pois também não podem ser planejados antes do plano: 1\n"
            "    SELECT 1 FROM x: no x\n"
        ),
    ),
    (
        rehearsing.PhaseProposed(FIRST, "post_deploy"),
        '👉 billing.0001_initial belongs after the running release: phase = "post_deploy"\n',
        '👉 billing.0001_initial deve vir depois da versão em execução: phase = "post_deploy"\n',
    ),
    (
        rehearsing.RehearsalFinished(2, 3, 1, 4.25),
        "✅ Rehearsed in 4.2s; migrations: 2, statements: 3\n",
        "✅ Ensaiado em 4,2s; migrações: 2, comandos: 3\n",
    ),
]
# Lines of Django's own, which are English everywhere.
DJANGOS: list[tuple[Event, str]] = [
    (
        events.PlanMade(("auth", "billing"), None, (FIRST,), backwards=False),
        "Operations to perform:\n  Apply all migrations: auth, billing\nRunning migrations:\n",
    ),
    (
        events.PlanMade((), None, (), backwards=False),
        "Operations to perform:\n  Apply all migrations: (none)\nRunning migrations:\n  No migrations to apply.\n",
    ),
    (
        events.PlanMade(("billing",), SECOND, (SECOND,), backwards=False),
        "Operations to perform:\n  Target specific migration: 0002_total, from billing\nRunning migrations:\n",
    ),
    (
        events.PlanMade(("billing",), values.MigrationKey("billing", "zero"), (FIRST,), backwards=True),
        "Operations to perform:\n  Unapply all migrations: billing\nRunning migrations:\n",
    ),
    (events.MigrationStarted(FIRST, 1, 2, backwards=False), "  Applying billing.0001_initial..."),
    (events.MigrationStarted(FIRST, 1, 2, backwards=True), "  Unapplying billing.0001_initial..."),
    (
        events.MigrationFinished(FIRST, 1, 2, backwards=False, duration=0.0421),
        "  Applying billing.0001_initial... OK (0.042s) [1/2]\n",
    ),
    (
        events.MigrationFinished(FIRST, 2, 2, backwards=True, duration=61.5),
        "  Unapplying billing.0001_initial... OK (61.500s) [2/2]\n",
    ),
]
HELD = "held by web-3:41 for 90s on billing.0002_total for 30s"
HELD_PT = "com web-3:41 há 90s em billing.0002_total há 30s"
TABLES = """\
  ⏳ billing.0001_initial waits for its tables (6s), nobody waits for it:
    billing_invoice: pid 8140, app, gunicorn, active, open for 12s, SELECT 1
"""
TABLES_PT = """\
  ⏳ billing.0001_initial aguarda suas tabelas (6s), ninguém aguarda por ela:
    billing_invoice: pid 8140, app, gunicorn, active, aberta há 12s, SELECT 1
"""
FILLED = "billing.totals: 3.2M/10M rows, 40 s left, waits: the replica web-2 is 12s behind"
FILLED_PT = "billing.totals: 3,2M/10M linhas, faltam 40 s, espera: the replica web-2 is 12s behind"
STANDING = """\
  ⏳ Standing still: another transaction has held the lock on the record for 6s
    billing_invoice: pid 8140, app, gunicorn, active, open for 12s, SELECT 1
"""
STANDING_PT = """\
  ⏳ Parado: outra transação mantém o bloqueio do registro há 6s
    billing_invoice: pid 8140, app, gunicorn, active, aberta há 12s, SELECT 1
"""
FINDING_LINES = """\
  ✖ AM301 billing.0002_total:1 A column is dropped [error]
    The values of billing_invoice.note are gone for good.
    Rule: takes ACCESS EXCLUSIVE on billing_invoice.
    Instead:
      operations = [
          …
      ]
"""
FINDING_LINES_PT = """\
  ✖ AM301 billing.0002_total:1 A column is dropped [erro]
    The values of billing_invoice.note are gone for good.
    Regra: takes ACCESS EXCLUSIVE on billing_invoice.
    Em vez disso:
      operations = [
          …
      ]
"""
MIGRATION_LINES = """\
billing.0002_total (not atomic)
  1. Remove field note from invoice (irreversible)
     takes ACCESS EXCLUSIVE on billing_invoice
       ALTER TABLE "billing_invoice" DROP COLUMN "note";
"""
MIGRATION_LINES_PT = """\
billing.0002_total (não atômica)
  1. Remove field note from invoice (irreversível)
     takes ACCESS EXCLUSIVE on billing_invoice
       ALTER TABLE "billing_invoice" DROP COLUMN "note";
"""
ACKNOWLEDGED = dataclasses.replace(FINDING, acknowledged="nobody reads it")
ASSESSED = AssessedMigration(
    SECOND, backwards=False, atomic=False, phase="post_deploy", operations=(OPERATION,), findings=(FINDING,)
)
# event → its lines in English and in Portuguese.
TRANSLATED: list[tuple[Event, str, str]] = [
    (
        events.NotificationTested("mailto", ""),
        "✅ mailto has taken the test.\n",
        "✅ mailto recebeu o teste.\n",
    ),
    (
        events.NotificationTested("https://hooks.slack.com", "it answered 500"),
        "⚠️  https://hooks.slack.com did not take the test: it answered 500\n",
        "⚠️  https://hooks.slack.com não recebeu o teste: it answered 500\n",
    ),
    *REHEARSALS,
    (events.MigrationAssessed(ASSESSED), MIGRATION_LINES + FINDING_LINES, MIGRATION_LINES_PT + FINDING_LINES_PT),
    (events.PlanAssessed((FINDING,), (FINDING,), ()), FINDING_LINES, FINDING_LINES_PT),
    (
        events.PlanAssessed((FINDING,), (), ()),
        "  ✖ AM301 billing.0002_total:1 A column is dropped [error]\n",
        "  ✖ AM301 billing.0002_total:1 A column is dropped [erro]\n",
    ),
    (
        events.PlanAssessed((ACKNOWLEDGED,), (), (UNMATCHED,)),
        (
            "  ✖ AM301 billing.0002_total:1 A column is dropped (acknowledged: nobody reads it)\n"
            "⚠️  AM302:billing.0002_total is acknowledged (settings) and matches nothing in the plan.\n"
        ),
        (
            "  ✖ AM301 billing.0002_total:1 A column is dropped (aceito: nobody reads it)\n"
            "⚠️  AM302:billing.0002_total foi aceito (settings) e não corresponde a nada no plano.\n"
        ),
    ),
    (
        events.RunStarted(5),
        "📊 Running the database migrations with retry...\n",
        "📊 Executando migrações do banco de dados com retry...\n",
    ),
    (
        events.AttemptStarted(1, 5),
        "🔄 Attempt 1/5 - Testing the connection...\n",
        "🔄 Tentativa 1/5 - Testando conexão...\n",
    ),
    (
        events.AttemptStarted(2, 5),
        "📊 Attempt 2/5 - Testing the connection...\n",
        "📊 Tentativa 2/5 - Testando conexão...\n",
    ),
    (
        events.AttemptFailed(1, 5, "could not connect to server", "Connection refused"),
        "⚠️  Attempt 1 failed: could not connect to server\n",
        "⚠️  Tentativa 1 falhou: could not connect to server\n",
    ),
    (
        events.RetryScheduled(3.0),
        "⏳ Waiting 3s before the next attempt...\n",
        "⏳ Aguardando 3s antes da próxima tentativa...\n",
    ),
    (
        events.RetryScheduled(6.4),
        "⏳ Waiting 6.4s before the next attempt...\n",
        "⏳ Aguardando 6,4s antes da próxima tentativa...\n",
    ),
    (
        events.StateCompared(SchemaState.AHEAD, (), (FIRST, SECOND)),
        (
            "⚠️  The database is ahead of this release: it also has billing.0001_initial, billing.0002_total\n"
            "    If their files were deleted, and no newer release has them: manage.py migrate billing --prune\n"
        ),
        (
            "⚠️  O banco de dados está à frente desta versão: ele também tem billing.0001_initial, billing.0002_total\n"
            "    Se os arquivos foram apagados e nenhuma versão mais nova as tem: manage.py migrate billing --prune\n"
        ),
    ),
    (
        events.WaitStarted(30),
        "🔍 Checking whether the database is ready...\n",
        "🔍 Verificando se o banco de dados está pronto...\n",
    ),
    (events.DatabaseReady(1.0), "✅ The database is ready!\n", "✅ Banco de dados está pronto!\n"),
    (
        events.LockAwaited(10.4, HOLDER),
        f"⏳ Waiting for the deploy lock (10s): {HELD}\n",
        f"⏳ Aguardando a trava de deploy (10s): {HELD_PT}\n",
    ),
    (
        events.LockAwaited(0.0, Holder("", AT - datetime.timedelta(seconds=1))),
        "⏳ Waiting for the deploy lock (0s): held by ? for 1s\n",
        "⏳ Aguardando a trava de deploy (0s): com ? há 1s\n",
    ),
    (
        events.LockAwaited(0.0, None),
        "⏳ Waiting for the deploy lock (0s): its holder has just let go\n",
        "⏳ Aguardando a trava de deploy (0s): acabou de ser liberada\n",
    ),
    (
        events.DatabaseAwaited(0.5, "could not connect to server", "Connection refused"),
        "⏳ Waiting for the database (0s): could not connect to server\n",
        "⏳ Aguardando o banco de dados (0s): could not connect to server\n",
    ),
    (
        events.MigrationsAwaited(3.0, 2, HOLDER),
        f"⏳ Waiting for migrations (3s), 2 pending: the deploy lock is {HELD}\n",
        f"⏳ Aguardando migrações (3s), 2 pendente(s): a trava de deploy está {HELD_PT}\n",
    ),
    (
        events.MigrationsAwaited(3.0, 2, None),
        "⏳ Waiting for migrations (3s), 2 pending: nobody migrates right now\n",
        "⏳ Aguardando migrações (3s), 2 pendente(s): ninguém está migrando agora\n",
    ),
    (
        events.NothingPending(SchemaState.UP_TO_DATE, 0.0),
        "✅ No migrations are pending.\n",
        "✅ Nenhuma migração pendente.\n",
    ),
    (
        events.NothingPending(SchemaState.AHEAD, 0.0),
        "✅ No migrations are pending: this release is older than the database.\n",
        "✅ Nenhuma migração pendente: esta versão é mais antiga que o banco de dados.\n",
    ),
    (
        record_events.RecordMended((FIRST,)),
        "🩹 Completed the record of billing.0001_initial: applied, but recorded by half.\n",
        "🩹 Registro de billing.0001_initial completado: estava aplicado, mas registrado pela metade.\n",
    ),
    (
        fleet_events.SchemasCompared(
            4, (fleet_events.PendingPlan(("acme", "beta"), (SECOND,)),), unprovisioned=("ghost",), drifting=("gamma",)
        ),
        (
            "🏢 2 schemas are behind (acme, beta): billing.0002_total\n"
            "⚠️  Skipped, since they have no schema: ghost\n"
            "⚠️  Their records differ from those of all others: gamma\n"
        ),
        (
            "🏢 2 schemas estão atrasados (acme, beta): billing.0002_total\n"
            "⚠️  Pulados, pois não têm schema: ghost\n"
            "⚠️  Seus registros diferem dos de todos os outros: gamma\n"
        ),
    ),
    (
        fleet_events.SchemasProgressed(1204, 3000, 3, 40.2),
        "  1,204/3,000 schemas, 3 failed, 40 s left\n",
        "  1.204/3.000 schemas, 3 com falha, faltam 40 s\n",
    ),
    (
        fleet_events.TurnAwaited("default", 1.2),
        "⏳ Waiting for the database default (1s), which comes first\n",
        "⏳ Aguardando o banco de dados default (1s), que vem antes\n",
    ),
    (
        events.PoolerNoticed(),
        "⚠️  A pooler is in between; name the server itself: AUTO_MIGRATE['DIRECT_URLS'].\n",
        "⚠️  Há um pooler no meio; indique o próprio servidor: AUTO_MIGRATE['DIRECT_URLS'].\n",
    ),
    (
        events.OlderReleasesNoticed(("shop release=4f2a91c (shop, 2)", "psql (ana, 1)")),
        "⚠️  Other releases may still be at work: shop release=4f2a91c (shop, 2), psql (ana, 1)\n",
        "⚠️  Outras versões ainda podem estar em execução: shop release=4f2a91c (shop, 2), psql (ana, 1)\n",
    ),
    (
        events.StateCompared(SchemaState.UP_TO_DATE, (), (), (FIRST, SECOND)),
        "⏭️  Left for after the deploy: billing.0001_initial, billing.0002_total\n",
        "⏭️  Fica para depois do deploy: billing.0001_initial, billing.0002_total\n",
    ),
    (events.MigratingStarted(), "🔄 Running migrations...\n", "🔄 Executando migrações...\n"),
    (
        events.TablesAwaited(FIRST, 6.0, (BLOCKER,)),
        TABLES,
        TABLES_PT,
    ),
    (
        bridge_events.BridgesFound((BRIDGE, NULL_FILLED), (NULL_FILLED,)),
        (
            "🌉 A bridge stands: billing_invoice.place keeps its default in the database (billing.0001_initial)\n"
            "🌉 A bridge will be taken down: NULL that is written into billing_invoice.note becomes its default "
            "(billing.0002_total)\n"
        ),
        (
            "🌉 Há uma ponte de pé: billing_invoice.place mantém o valor padrão no banco de dados "
            "(billing.0001_initial)\n"
            "🌉 Uma ponte será desfeita: NULL gravado em billing_invoice.note vira o valor padrão "
            "(billing.0002_total)\n"
        ),
    ),
    (
        bridge_events.BridgesRaised((LOOSENED,)),
        "🌉 Until the old code is gone: sales.invoice is held to no foreign key (billing.0002_total)\n",
        "🌉 Até o código antigo sair: sales.invoice não obedece a nenhuma chave estrangeira (billing.0002_total)\n",
    ),
    (
        bridge_events.BridgeTakenDown(BRIDGE, ours=True),
        "🌉 A bridge is taken down: billing_invoice.place keeps its default in the database (billing.0001_initial)\n",
        "🌉 Ponte desfeita: billing_invoice.place mantém o valor padrão no banco de dados (billing.0001_initial)\n",
    ),
    (
        bridge_events.BridgesTakenDown(tuple(dataclasses.replace(BRIDGE, schema=f"t{number}") for number in range(7))),
        (
            "🌉 A bridge is taken down: billing_invoice.place keeps its default in the database "
            "(billing.0001_initial), in 7 schemas: t0, t1, t2, t3, t4 …\n"
        ),
        (
            "🌉 Ponte desfeita: billing_invoice.place mantém o valor padrão no banco de dados "
            "(billing.0001_initial), em 7 schemas: t0, t1, t2, t3, t4 …\n"
        ),
    ),
    (
        bridge_events.BridgeTakenDown(BRIDGE, ours=False),
        (
            "⚠️  A bridge is forgotten, since what stood there was changed by others: "
            "billing_invoice.place keeps its default in the database (billing.0001_initial)\n"
        ),
        (
            "⚠️  Uma ponte foi esquecida, pois o que havia ali foi alterado por outros: "
            "billing_invoice.place mantém o valor padrão no banco de dados (billing.0001_initial)\n"
        ),
    ),
    (
        bridge_events.BridgeKept(BRIDGE, "Not yet."),
        (
            "🌉 A bridge still stands: billing_invoice.place keeps its default in the database "
            "(billing.0001_initial). Not yet.\n"
        ),
        (
            "🌉 Uma ponte continua de pé: billing_invoice.place mantém o valor padrão no banco de dados "
            "(billing.0001_initial). Not yet.\n"
        ),
    ),
    (
        events.OnlineStepStarted(FIRST, 1, 2, 3, "build_index", '"billing_invoice"'),
        '  · operation 1, step 2 of 3: build_index on "billing_invoice"\n',
        '  · operação 1, passo 2 de 3: build_index em "billing_invoice"\n',
    ),
    (
        events.IndexProgressed("billing_invoice", "building index: scanning table", 41.7, 12.5),
        "  ⏳ An index on billing_invoice is being built: building index: scanning table, 42 % (12s)\n",
        "  ⏳ Um índice em billing_invoice está sendo construído: building index: scanning table, 42 % (12s)\n",
    ),
    (
        events.TableCopied(FIRST, 1, "billing_invoice", "Try ALGORITHM=COPY"),
        (
            "  · operation 1 has copied billing_invoice while writes waited; "
            "the server knew no other way: Try ALGORITHM=COPY\n"
        ),
        (
            "  · a operação 1 copiou billing_invoice enquanto as escritas esperavam; "
            "o servidor não conhecia outra forma: Try ALGORITHM=COPY\n"
        ),
    ),
    (
        events.RowsFilled('"billing_invoice"', 41.7, ""),
        '  ⏳ "billing_invoice" is being filled: 42 %\n',
        '  ⏳ "billing_invoice" está sendo preenchida: 42 %\n',
    ),
    (
        events.RowsFilled('"billing_invoice"', 41.7, "the replica standby is 12s behind"),
        '  ⏳ "billing_invoice" is being filled: 42 %, waits: the replica standby is 12s behind\n',
        '  ⏳ "billing_invoice" está sendo preenchida: 42 %, espera: the replica standby is 12s behind\n',
    ),
    (
        events.SessionsAwaited("record", 6.0, (BLOCKER,)),
        STANDING,
        STANDING_PT,
    ),
    (
        BACKFILL,
        f"  ⏳ {FILLED}\n",
        f"  ⏳ {FILLED_PT}\n",
    ),
    (
        backfill_events.BackfillsUnfinished((BACKFILL,)),
        f"⏳ Not finished, in the background: {FILLED}\n",
        f"⏳ Não terminado, em segundo plano: {FILLED_PT}\n",
    ),
    (
        events.MigrationFinished(FIRST, 1, 2, backwards=False, duration=0.5, already=True),
        "  Applying billing.0001_initial... ALREADY DONE (0.500s) [1/2]\n",
        "  Applying billing.0001_initial... JÁ FEITA (0.500s) [1/2]\n",
    ),
    (
        events.MigrationStopped(FIRST, 1, 2, backwards=False, error="ValueError: no"),
        "  Applying billing.0001_initial... STOPPED\n",
        "  Applying billing.0001_initial... PAROU\n",
    ),
    (
        events.VerifyStarted(),
        "✅ Checking the state of the migrations...\n",
        "✅ Verificando status das migrações...\n",
    ),
    (
        events.RunSucceeded(SchemaState.UP_TO_DATE, 2, 11.5),
        "✅ Migrations carried out successfully!\n",
        "✅ Migrações executadas com sucesso!\n",
    ),
    (
        events.RunSucceeded(SchemaState.AHEAD, 0, 0.5),
        "✅ Nothing to do: this release is older than the database.\n",
        "✅ Nada a fazer: esta versão é mais antiga que o banco de dados.\n",
    ),
    (
        events.RunSucceeded(SchemaState.AHEAD, 1, 0.5),
        "✅ Migrations carried out successfully!\n",
        "✅ Migrações executadas com sucesso!\n",
    ),
    (
        events.RunStopped(8, 1),
        "🛑 Stopped at a safe place; 1 applied.\n",
        "🛑 Parada em um ponto seguro; 1 aplicada(s).\n",
    ),
    (events.RunStopped(8, 0, waiting=True), "🛑 Stopped waiting.\n", "🛑 Parou de esperar.\n"),
]


class Flushed(io.StringIO):
    """A stream that knows how much a reader can have seen."""

    seen = 0

    def flush(self) -> None:
        self.seen = self.tell()


def written(
    told: Sequence[Event],
    *,
    language: str | None = "en",
    style: Style | None = None,
    verbosity: int = 1,
    lists_pending: bool = False,
) -> str:
    """Return what the events leave on standard output; all of it was flushed."""
    stream = Flushed()
    with override(language):
        console = RehearsalConsole(OutputWrapper(stream), style=style, verbosity=verbosity, lists_pending=lists_pending)
    for event in told:
        # As around a migration, where the engine has translations switched off.
        with override(None):
            console(event, CONTEXT)
        assert stream.seen == len(stream.getvalue())
    return stream.getvalue()


@pytest.mark.parametrize(("event", "english", "portuguese"), TRANSLATED, ids=lambda value: getattr(value, "kind", ""))
def test_the_line_of_an_event_in_both_languages(event: Event, english: str, portuguese: str) -> None:
    assert written([event], language="en") == english
    assert written([event], language="pt-br") == portuguese


@pytest.mark.parametrize(("event", "line"), DJANGOS, ids=lambda value: getattr(value, "kind", ""))
@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_what_migrate_writes_too_is_in_djangos_own_words(event: Event, line: str, language: str) -> None:
    assert written([event], language=language) == line


@each_entry("event", SILENT, ids=lambda event: event.kind)
def test_what_others_tell_has_no_line(event: Event) -> None:
    assert written([event]) == ""


def test_every_event_is_tried_here() -> None:
    tried = [event for event, *_lines in (*TRANSLATED, *DJANGOS)] + SILENT
    assert {type(event) for event in tried} == {type(event) for event in SAMPLES}


def test_a_migration_is_one_line_that_is_begun_before_it_is_known_how_it_ends() -> None:
    told = [
        events.MigrationStarted(FIRST, 1, 2, backwards=False),
        events.MigrationFinished(FIRST, 1, 2, backwards=False, duration=0.5),
        events.MigrationStarted(SECOND, 2, 2, backwards=False),
        events.MigrationStopped(SECOND, 2, 2, backwards=False, error="ValueError: no"),
    ]
    assert written(told) == (
        "  Applying billing.0001_initial... OK (0.500s) [1/2]\n  Applying billing.0002_total... STOPPED\n"
    )


@pytest.mark.parametrize("times", [1, 2])
def test_a_migrations_line_that_was_interrupted_is_begun_anew(times: int) -> None:
    told = [
        events.MigrationStarted(FIRST, 1, 2, backwards=False),
        *[events.TablesAwaited(FIRST, 6.0, (BLOCKER,))] * times,
        events.MigrationFinished(FIRST, 1, 2, backwards=False, duration=7.25),
    ]
    assert written(told) == (
        "  Applying billing.0001_initial...\n"
        + TABLES * times
        + "  Applying billing.0001_initial... OK (7.250s) [1/2]\n"
    )


def test_what_the_database_hides_of_a_blocker_is_left_out() -> None:
    hidden = dataclasses.replace(BLOCKER, user="", application="", state="", age=None, query="")
    assert written([events.TablesAwaited(FIRST, 6.0, (hidden,))]).endswith("    billing_invoice: pid 8140\n")


def test_that_the_database_is_ahead_is_said_once() -> None:
    compared = events.StateCompared(SchemaState.AHEAD, (), (SECOND,))
    assert written([compared, compared]).count("ahead") == 1


def test_those_who_only_ask_see_what_is_pending() -> None:
    compared = events.StateCompared(SchemaState.BEHIND, (FIRST, SECOND), ())
    assert written([compared], lists_pending=True) == "  billing.0001_initial\n  billing.0002_total\n"


@each_entry("event", SAMPLES, ids=lambda event: event.kind)
def test_verbosity_zero_writes_nothing(event: Event) -> None:
    assert written([event], verbosity=0) == ""


@each_entry("event", SAMPLES, ids=lambda event: event.kind)
def test_verbosity_two_adds_what_the_driver_said_and_nothing_else(event: Event) -> None:
    more = "    Connection refused\n" if isinstance(event, events.AttemptFailed) else ""
    assert written([event], verbosity=2) == written([event]) + more


def test_colours_are_only_where_the_style_has_them() -> None:
    plain = written(SAMPLES, style=no_style())
    assert "\x1b" not in plain
    assert written(SAMPLES) == plain
    coloured = written(SAMPLES, style=color_style(force_color=True))
    assert coloured.count("\x1b[0m") == coloured.count("\x1b[") / 2 > 0
    for text in ("Operations to perform:", "Running migrations:", "OK", "STOPPED"):
        assert f"m{text}\x1b[0m" in coloured
