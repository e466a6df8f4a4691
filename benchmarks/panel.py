"""What the shop's page asks of the database when there are a million payments.

    python -m benchmarks.panel            prints the table and writes it into docs/performance.md
    python -m benchmarks.panel --dry-run  only prints it
    python -m benchmarks.panel --payments 10000

A year of payments is made up, the busiest days last, each with its deliveries and most with an SMS. The page is asked
for as staff would, its statements are those that Django sent, and each is timed by the server.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Mapping

from benchmarks.measuring import manage
from benchmarks.report import PERFORMANCE, machine, table, write_between
from tests.servers import PostgreSQL, Redis

DATABASE = "panel"
PAYMENTS = 1_000_000
ROUNDS = 9
SETTINGS = "sms_sender.settings"

FILL = """
INSERT INTO webhooks_payment (gateway, gateway_id, external_id, status, method, amount, customer_name, customer_phone,
    customer_email, pix_code, status_at, paid_at, created_at, updated_at)
SELECT CASE WHEN n % 3 = 0 THEN 'tribopay' ELSE 'ghostpay' END, 'gp_' || n, 'pedido-' || n,
    CASE WHEN n % 10 < 4 THEN 'paid' ELSE 'waiting' END, 'pix', 1000 + n % 90000, 'Ana Souza',
    '+55119' || lpad((n % 100000000)::text, 8, '0'), '', '', at, CASE WHEN n % 10 < 4 THEN at + '40 min'::interval END,
    at, at
FROM (SELECT n, now() - '365 days'::interval * (1 - sqrt(n::float / %(payments)s)) AS at
      FROM generate_series(1, %(payments)s) n) made;

INSERT INTO webhooks_webhookevent (gateway, digest, payload, status, note, deliveries, received_at, last_received_at,
    payment_id)
SELECT gateway, 'd' || id, '{"status": "PENDING"}', CASE WHEN id % 500 = 0 THEN 'ignored' ELSE 'processed' END, '', 1,
    created_at, created_at, id FROM webhooks_payment;

INSERT INTO webhooks_recoverysms (payment_id, status, due_at, phone, body, segments, provider, provider_id, attempts,
    claimed_at, sent_at, delivery_status, error, created_at, updated_at)
SELECT id, CASE WHEN id % 20 < 12 THEN 'sent' WHEN id % 1000 = 999 THEN 'failed' WHEN id % 5000 = 998 THEN 'unknown'
        WHEN id % 10000 = 997 THEN 'scheduled' ELSE 'cancelled' END,
    created_at + '10 min'::interval, customer_phone, '', 1, 'twilio', CASE WHEN id % 20 < 12 THEN 's' || id ELSE '' END,
    1, created_at, CASE WHEN id % 20 < 12 THEN created_at + '10 min'::interval END,
    CASE WHEN id % 20 < 10 THEN 'delivered' ELSE '' END, '', created_at, created_at
FROM webhooks_payment WHERE id % 10 < 8;
"""

STATEMENTS = {
    "recovered today, in 7 and 30 days, and on each of them": "figures.recovery(now)",
    "SMS that wait": "figures.waiting(now)",
    "deliveries by hour": "figures.deliveries_by_hour(now)",
    "the last delivery of each gateway": "figures.last_deliveries()",
    "dead letters": "figures.dead_letters(figures.start_of(30, now))",
    "SMS by outcome": "figures.outcomes(figures.start_of(30, now))",
    "a phone, searched for in the admin": "list(search.payments('(11) 90000-4711'))",
    "an order, searched for in the admin": "list(search.payments('pedido-4711'))",
}
"""What is timed, and the code that asks for it."""


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each piece in each round; raise `RuntimeError` if one found nothing."""
    from django.utils import timezone

    from webhooks import search
    from webhooks.panel import figures

    names = {"figures": figures, "search": search, "now": timezone.now()}
    if not figures.recovery(timezone.now())[0][-1].payments:
        raise RuntimeError("Nothing was recovered, so nothing is measured.")
    return {title: [_timed(code, names) for _round in range(rounds)] for title, code in STATEMENTS.items()}


def _timed(code: str, names: Mapping[str, object]) -> float:
    from time import perf_counter

    began = perf_counter()
    eval(code, dict(names))  # of the table above
    return (perf_counter() - began) * 1000


def rows(found: Mapping[str, list[float]]) -> list[list[str]]:
    """Return the lines of the table."""
    lines = [[title, f"{statistics.median(times):,.1f} ms", f"{max(times):,.1f} ms"] for title, times in found.items()]
    whole = [sum(times) for times in zip(*found.values(), strict=True)]
    return [*lines, ["all of it", f"{statistics.median(whole):,.1f} ms", f"{max(whole):,.1f} ms"]]


def fill(server: PostgreSQL, payments: int) -> None:
    """Make the year up, and let the server look at it as its autovacuum would."""
    for statement in FILL.replace("%(payments)s", str(payments)).split(";\n"):
        if statement.strip():
            server.execute(statement, database=DATABASE)
    server.execute("VACUUM ANALYZE", database=DATABASE)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="leave the document as it is")
    parser.add_argument("--payments", type=int, default=PAYMENTS)
    options = parser.parse_args()
    with PostgreSQL() as server, Redis() as broker:
        variables = {"DATABASE_URL": server.create_database(DATABASE), "REDIS_URL": broker.url()}
        manage("auto_migrate", settings=SETTINGS, env=variables)
        fill(server, options.payments)
        os.environ.update(variables | {"DJANGO_SETTINGS_MODULE": SETTINGS, "SECRET_KEY": "a-benchmarks"})
        import django

        django.setup()
        found = measure(ROUNDS)
        version = server.execute("SHOW server_version")[0][0]
    heads = ["what the page and support ask for", "median", "slowest"]
    text = f"PostgreSQL {version}, {options.payments:,} payments of a year, {machine()}.\n\n{table(heads, rows(found))}"
    print(text)
    if not options.dry_run:
        write_between("panel", text, PERFORMANCE)


if __name__ == "__main__":
    main()
