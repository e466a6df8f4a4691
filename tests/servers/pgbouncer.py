"""PgBouncer, if nobody says otherwise in transaction mode, where no session outlives a transaction."""

from __future__ import annotations

import signal
import socket
from typing import ClassVar
from urllib.parse import quote

from tests.requirements import PGBOUNCER, Requirement
from tools.servers import HOST, PostgreSQL, Server

CONFIGURATION = """\
[databases]
* = host={host} port={server_port}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
admin_users = {user}
pool_mode = {pool_mode}
default_pool_size = {pool_size}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


class PgBouncer(Server):
    """A pooler before `server`; every database of the server is there under its own name."""

    name = "pgbouncer"
    needs: ClassVar[tuple[Requirement, ...]] = (PGBOUNCER,)
    # SIGINT lets running transactions end first; SIGTERM does not.
    stop_signals: ClassVar = {"fast": signal.SIGTERM, "immediate": signal.SIGKILL}
    refuses_root = True

    def __init__(
        self, server: PostgreSQL, *, pool_size: int = 20, pool_mode: str = "transaction", port: int | None = None
    ) -> None:
        self.binary = PGBOUNCER.path("pgbouncer")
        super().__init__(port=port)
        self.server = server
        self.pool_size = pool_size
        self.pool_mode = pool_mode
        self.configuration = self.folder / "pgbouncer.ini"

    def prepare(self) -> None:
        users = self.folder / "users.txt"
        users.write_text(f'"{self.server.user}" "{self.server.password}"\n')
        self.configuration.write_text(
            CONFIGURATION.format(
                host=HOST,
                port=self.port,
                server_port=self.server.port,
                users=users,
                user=self.server.user,
                pool_size=self.pool_size,
                pool_mode=self.pool_mode,
            )
        )

    def command(self) -> list[str]:
        return [self.binary, str(self.configuration)]

    def is_ready(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def url(self, database: str = "postgres") -> str:
        """Return the DATABASE_URL through the pooler; the database `pgbouncer` is its console."""
        user, secret = self.server.user, quote(self.server.password, safe="")
        return f"postgresql://{user}:{secret}@{HOST}:{self.port}/{database}"
