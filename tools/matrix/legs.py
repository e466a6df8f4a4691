"""The combinations that are run: not each with each, but every version once, the oldest and the newest together."""

from __future__ import annotations

from dataclasses import dataclass

BASIC = (
    "tests/integration/applying",
    "tests/integration/commands",
    "tests/integration/databases/test_indexes.py",
    "tests/integration/databases/test_roles.py",
    "tests/integration/databases/test_sqlite.py",
    "tests/integration/databases/test_statements.py",
    "tests/integration/planning",
)
"""What every leg on PostgreSQL runs; Python brings a SQLite of its own."""
THOROUGH = ("tests/unit", *BASIC)
"""With what depends on Django and Python alone."""

MYSQL = (
    "tests/integration/databases/test_mysql_faults.py",
    "tests/integration/databases/test_mysql_journal.py",
    "tests/integration/databases/test_mysql_lock.py",
    "tests/integration/databases/test_mysql_online.py",
    "tests/integration/databases/test_mysql_runs.py",
    "tests/integration/databases/test_mysql_statistics.py",
    "tests/integration/databases/test_mysql_table_parts.py",
    "tests/integration/databases/test_statements.py",
    "tests/integration/bridges/test_other_databases.py",
    "tests/integration/drift/test_other_databases.py",
    "tests/integration/phases/test_other_databases.py",
    "tests/integration/safety/test_effects_mysql.py",
)
"""What the tests have for servers whose every DDL statement commits."""


@dataclass(frozen=True)
class Leg:
    """One combination; `driver` is a name of tests/drivers.py, or nothing for psycopg 3 as Django takes it."""

    name: str
    python: str
    django: str
    server: str
    requirements: tuple[str, ...]
    driver: str = ""
    suites: tuple[str, ...] = BASIC


# The oldest that pyproject.toml allows.
OLD_POSTGRESQL = ("psycopg==3.2.0", "psycopg-binary==3.2.0")
OLD_MYSQL = "mysqlclient==2.2.1"
NEW_MYSQL = "mysqlclient"
LEGS = (
    Leg("oldest", "3.11", "5.2", "PostgreSQL 14", (*OLD_POSTGRESQL, OLD_MYSQL), suites=THOROUGH),
    Leg("psycopg2", "3.13", "5.2.*", "PostgreSQL 15", ("psycopg2-binary", NEW_MYSQL), "psycopg2"),
    Leg("pool", "3.12", "6.0.*", "PostgreSQL 16", ("psycopg-pool", NEW_MYSQL), "pool"),
    Leg("server-side-binding", "3.13", "6.0.*", "PostgreSQL 17", (NEW_MYSQL,), "server_side_binding"),
    Leg("newest", "3.14", "6.1.*", "PostgreSQL 18", (NEW_MYSQL,), suites=THOROUGH),
    Leg("mariadb-oldest", "3.11", "5.2", "MariaDB 10.11", (OLD_MYSQL,), suites=MYSQL),
    Leg("mariadb-newest", "3.13", "6.1.*", "MariaDB 11.8", (NEW_MYSQL,), suites=MYSQL),
    Leg("mysql", "3.12", "6.0.*", "MySQL 9.7", (NEW_MYSQL,), suites=MYSQL),
)


def find(name: str) -> Leg:
    """Return the leg of a name; raise `LookupError` if there is none."""
    for leg in LEGS:
        if leg.name == name:
            return leg
    raise LookupError(f"There is no leg {name}; choose from {', '.join(leg.name for leg in LEGS)}.")
