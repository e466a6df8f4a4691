"""MariaDB and MySQL, for the databases whose every DDL statement commits."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import ClassVar

from tests.requirements import MARIADB, MYSQLCLIENT, Requirement, chosen, need
from tools.servers import HOST, Server, ServerFailed

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

    @property
    def program(self) -> str:
        """The server's program."""
        return MARIADB.path("mariadbd")

    @property
    def places(self) -> list[str]:
        """Where the server finds what came with it, and where it keeps its data."""
        base = Path(self.program).parent.parent
        [share] = [place.parent for place in base.glob("share/*/charsets") if place.parent.name in {"mariadb", "mysql"}]
        came = [f"--basedir={base}", f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets"]
        return [*came, f"--datadir={self.data}", self.temporary_files]

    def prepare(self) -> None:
        self.account.write_text(ACCOUNT.format(user=self.user, host=HOST, password=self.password))
        if not self.data.exists():
            self.initialize()

    def initialize(self) -> None:
        """Make the server's own tables."""
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"]
        options.append("--skip-name-resolve")
        self.run([MARIADB.path("mariadb-install-db"), "--no-defaults", *self.places, *options])

    def command(self) -> list[str]:
        own = [f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid"]
        network = [f"--bind-address={HOST}", f"--port={self.port}", f"--init-file={self.account}"]
        return [self.program, "--no-defaults", *self.places, *own, *network, *FAST]

    def is_ready(self) -> bool:
        """Return whether the port answers; it opens after the init file has run."""
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def execute(self, statement: str, *, database: str = "") -> list[list[str]]:
        """Run statements and return the rows as text; raise `ServerFailed`."""
        import MySQLdb  # as late as its server, without which nobody has it

        rows: list[list[str]] = []
        try:
            connection = MySQLdb.connect(
                host=HOST, port=self.port, user=self.user, password=self.password, database=database,
                charset="utf8mb4", autocommit=True, conv={},
            )  # fmt: skip
            with contextlib.closing(connection):
                connection.query(statement)
                while True:
                    if result := connection.store_result():
                        rows += [list(map(text, row)) for row in result.fetch_row(0)]
                    if connection.next_result() != 0:
                        return rows
        except MySQLdb.Error as error:
            raise ServerFailed(f"{self.name} refuses {statement}: {error}") from error

    def create_database(self, name: str) -> str:
        """Create a database and return its URL."""
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists."""
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def create_user(self, name: str, password: str, *, options: str = "", owns: str = "") -> None:
        """Create an account anew, with all rights in the database that it owns, and in no other."""
        account = f"{name}@'{HOST}'"
        self.execute(f"DROP USER IF EXISTS {account}; CREATE USER {account} IDENTIFIED BY '{password}' {options}")
        if owns:
            self.execute(f"GRANT ALL ON `{owns}`.* TO {account}")

    def url(self, database: str) -> str:
        """Return the DATABASE_URL of a database."""
        return f"mysql://{self.user}:{self.password}@{HOST}:{self.port}/{database}"


def text(value: bytes | str | None) -> str:
    """Return a value as the servers' own clients write it."""
    if value is None:
        return "NULL"
    return value.decode() if isinstance(value, bytes) else value


class MySQLServer(MariaDB):
    """A throw-away MySQL, out of the folders that were chosen."""

    name = "mysql"
    needs: ClassVar[tuple[Requirement, ...]] = (MYSQLCLIENT,)

    @property
    def program(self) -> str:
        return str(chosen("mysqld"))

    @property
    def places(self) -> list[str]:
        return [*super().places, "--secure-file-priv=NULL", "--mysqlx=OFF"]

    def initialize(self) -> None:
        self.run([self.program, "--no-defaults", "--initialize-insecure", *self.places])


def maria_or_mysql() -> MariaDB:
    """Return a MySQL if one was chosen, else a MariaDB, which brings programs of MySQL's names."""
    return MySQLServer() if chosen("mysqld") and not chosen("mariadbd") else MariaDB()
