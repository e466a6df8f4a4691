"""What an author's own SQL sets where each text has a transaction for itself, in which it is noted as well."""

from __future__ import annotations

from tests.integration.fallback.project import Project

OPERATIONS = [
    "CREATE SCHEMA apart; GRANT ALL ON SCHEMA apart TO pg_read_all_stats",
    "SET LOCAL search_path = apart; CREATE TABLE one (number int)",
    "DO $$ BEGIN SET LOCAL search_path = apart; CREATE TABLE two (number int); END $$",
    "SET LOCAL ROLE pg_read_all_stats; CREATE TABLE apart.three (number int)",
]


def test_what_a_text_sets_for_its_transaction_keeps_no_run_from_its_history(on_postgresql: Project) -> None:
    on_postgresql.app("shop")
    operations = ", ".join(f"migrations.RunSQL({sql!r})" for sql in OPERATIONS)
    on_postgresql.migration("shop", "0001_initial", operations, head="atomic = False")
    done = on_postgresql.run("auto_migrate")
    assert done.code == 0, done.text
    made = on_postgresql.query("SELECT tablename FROM pg_tables WHERE schemaname = 'apart' ORDER BY 1")
    assert made == [("one",), ("three",), ("two",)]
