"""What changes more than its own database is told from what does not."""

from __future__ import annotations

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from auto_migrate.rehearsal.server_wide_statements import ServerWideStatements, reaches_beyond

BEYOND = [
    "CREATE ROLE reader",
    "  alter user reader PASSWORD 'secret'",
    "-- a comment\nDROP ROLE reader",
    "/* another */ GRANT admin TO reader",
    "REVOKE admin FROM reader",
    "ALTER DATABASE shop SET work_mem = '1GB'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "COMMENT ON DATABASE shop IS 'ours'",
    "CREATE TABLESPACE fast LOCATION '/fast'",
    "CREATE SUBSCRIPTION copy CONNECTION 'host=other' PUBLICATION all_of_it",
    "DROP OWNED BY reader",
    "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'r') THEN CREATE ROLE r; END IF; END $$",
]
WITHIN = [
    "GRANT SELECT ON shop_order TO reader",
    "REVOKE ALL ON SCHEMA public FROM reader",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader",
    "CREATE USER MAPPING FOR reader SERVER other",
    "COMMENT ON COLUMN shop_order.role IS 'CREATE ROLE'",
    "INSERT INTO shop_note VALUES ('ALTER SYSTEM')",
    "CREATE FUNCTION grow() RETURNS void LANGUAGE sql AS 'ALTER DATABASE shop RESET ALL'",
    "DO $$ BEGIN ALTER TABLE shop_order ADD x int; END $$",
    "ALTER TABLE shop_order OWNER TO reader",
]


@pytest.mark.parametrize("statement", BEYOND)
def test_what_reaches_beyond_is_known(statement: str) -> None:
    assert reaches_beyond(statement)


@pytest.mark.parametrize("statement", WITHIN)
def test_what_stays_within_is_known(statement: str) -> None:
    assert not reaches_beyond(statement)


def test_of_several_statements_those_that_stay_within_are_sent(shop: BaseDatabaseWrapper) -> None:
    left_out: list[str] = []
    with shop.execute_wrapper(ServerWideStatements(left_out.append)), shop.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE one (note text); CREATE ROLE unrehearsed; INSERT INTO one VALUES ('ALTER ROLE; %')"
        )
        cursor.execute("INSERT INTO one VALUES (%s)", ["CREATE ROLE"])
        cursor.execute("SELECT note FROM one ORDER BY note")
        assert cursor.fetchall() == [("ALTER ROLE; %",), ("CREATE ROLE",)]
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'unrehearsed'")
        assert cursor.fetchall() == []
    assert left_out == ["CREATE ROLE unrehearsed;"]
