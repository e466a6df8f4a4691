"""MariaDB, for the databases whose every DDL statement commits."""

from __future__ import annotations

import socket
from typing import ClassVar

from tests.requirements import MARIADB, MYSQLCLIENT, Requirement, need
from tools.servers import HOST, Server

# Run at each start: the account that tests use, over TCP only.
ACCOUNT = """\
CREATE USER IF NOT EXISTS '{user}'@'{host}' IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON *.* TO '{user}'@'{host}' WITH GRANT OPTION;
"""
FAST = ["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin", "--skip-name-resolve"]


class MariaDB(Server):
    """A throw-away MariaDB with one account that may do everything; of no use without the driver."""

    name = "mariadb"
    needs: ClassVar[tuple[Requirement, ...]] = (MARIADB, MYSQLCLIENT)
    refuses_root = True
    user = "tester"
    password = "tester"

    def __init__(self, *, port: int | None = None) -> None:
        need(*self.needs)
        super().__init__(port=port)
        self.data = self.folder / "data"
        self.account = self.folder / "account.sql"
        # A server that begins removes what it takes for left-overs from here, be they another server's.
        self.temporary_files = f"--tmpdir={self.folder}"

    def prepare(self) -> None:
        self.account.write_text(ACCOUNT.format(user=self.user, host=HOST, password=self.password))
        if self.data.exists():
            return
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"]
        places = [f"--datadir={self.data}", self.temporary_files]
        self.run([MARIADB.path("mariadb-install-db"), "--no-defaults", *places, *options])

    def command(self) -> list[str]:
        places = [f"--datadir={self.data}", f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        places.append(self.temporary_files)
        network = [f"--bind-address={HOST}", f"--port={self.port}", f"--init-file={self.account}"]
        return [MARIADB.path("mariadbd"), "--no-defaults", *places, *network, *FAST]

    def is_ready(self) -> bool:
        """Return whether the port answers; it opens after the init file has run."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def execute(self, statement: str, *, database: str = "") -> list[list[str]]:
        """Run statements through the client and return the rows as text."""
        login = ["--no-defaults", f"--host={HOST}", f"--port={self.port}", f"--user={self.user}"]
        client = [MARIADB.path("mariadb"), *login, f"--password={self.password}", "--batch", "--skip-column-names"]
        printed = self.run([*client, *([database] if database else [])], stdin=statement)
        return [line.split("\t") for line in printed.splitlines()]

    def create_database(self, name: str) -> str:
        """Create a database and return its URL."""
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists."""
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database."""
        return f"mysql://{self.user}:{self.password}@{HOST}:{self.port}/{database}"
