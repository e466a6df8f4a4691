"""The real servers that tests run against, started on demand."""

from tests.servers.mariadb import MariaDB, maria_or_mysql
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgresql import PostgreSQL, PostgreSQL15
from tests.servers.proxy import Proxy
from tools.servers import Redis, Server, ServerFailed, ServerMissing, free_port

__all__ = [
    "MariaDB",
    "PgBouncer",
    "PostgreSQL",
    "PostgreSQL15",
    "Proxy",
    "Redis",
    "Server",
    "ServerFailed",
    "ServerMissing",
    "free_port",
    "maria_or_mysql",
]
