"""The servers that other tests rely on do what those tests believe."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from tests.manage import ROOT, run_manage
from tests.requirements import SETPRIV, need
from tests.servers import MariaDB, PgBouncer, PostgreSQL, Proxy, Redis, ServerFailed, free_port
from tools.servers import HOST, is_free, wait_until


def test_a_wrong_password_is_refused(postgresql: PostgreSQL) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgresql.url(password="wrong"))


def test_each_test_gets_an_empty_database(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone() == (0,)
        connection.execute("CREATE TABLE here (id int)")


def test_a_database_can_be_cloned(postgresql: PostgreSQL) -> None:
    postgresql.create_database("original")
    postgresql.execute("CREATE TABLE kept AS SELECT 7 AS id", database="original")
    postgresql.create_database("copy", template="original")
    assert postgresql.execute("SELECT id FROM kept", database="copy") == [(7,)]
    postgresql.drop_database("copy")
    postgresql.drop_database("original")


def test_both_versions_serve(postgresql: PostgreSQL, postgresql15: PostgreSQL) -> None:
    (eighteen,), (fifteen,) = (server.execute("SHOW server_version")[0] for server in (postgresql, postgresql15))
    assert eighteen.startswith("18.")
    assert fifteen.startswith("15.")


def test_data_and_port_survive_a_crash() -> None:
    with PostgreSQL() as server:
        url = server.create_database("durable")
        server.execute("CREATE TABLE kept (id int)", database="durable")
        server.execute("CHECKPOINT")
        server.restart("immediate")
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT * FROM kept").fetchall() == []


@pytest.mark.parametrize("kind", [Redis, PostgreSQL])
def test_a_server_whose_port_was_taken_meanwhile_takes_another(kind: type[Redis | PostgreSQL]) -> None:
    server = kind()
    taken = server.port
    with socket.create_server((HOST, taken)), server:
        assert server.port != taken
        assert server.is_ready()


def test_a_server_keeps_the_port_that_it_was_given() -> None:
    port = free_port()
    with socket.create_server((HOST, port)), pytest.raises(ServerFailed, match="Address already in use"):
        Redis(port=port).start()


def test_a_port_that_was_found_is_nobody_elses() -> None:
    port = free_port()
    script = f"from tools import servers; servers.PORTS = range({port}, {port + 1}); servers.free_port()"
    other = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "No free port" in other.stderr
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))
    with Redis(port=port) as server:
        server.restart()
        assert server.is_ready()


def test_a_server_dies_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    need(SETPRIV)
    script = "from tests.servers import PostgreSQL; s = PostgreSQL(); s.start(); print(s.port, flush=True); input()"
    starter = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout
        port = int(starter.stdout.readline())
        assert not is_free(port)
        starter.kill()
    wait_until(lambda: is_free(port), timeout=30, message=lambda: f"Something still listens on port {port}.")


def test_the_pooler_shares_one_server_connection_between_clients(postgresql: PostgreSQL) -> None:
    with PgBouncer(postgresql, pool_size=1) as pooler:
        clients = [psycopg.connect(pooler.url(), autocommit=True, prepare_threshold=None) for _ in range(3)]
        backends = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients}
        for client in clients:
            client.close()
    assert len(backends) == 1


def test_mariadb_has_databases_of_its_own(mariadb: MariaDB, mariadb_url: str) -> None:
    name = mariadb_url.rpartition("/")[2]
    mariadb.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (3)", database=name)
    assert mariadb.execute("SELECT id FROM t", database=name) == [["3"]]


def test_redis_answers(redis_server: Redis) -> None:
    assert redis_server.is_ready()


def test_the_proxy_cuts_refuses_and_takes_again(postgresql: PostgreSQL) -> None:
    with Proxy(postgresql) as proxy:
        url = proxy.url(postgresql.url())
        client = psycopg.connect(url)
        proxy.cut()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        client.close()
        proxy.refuse()
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)
        proxy.accept()
        psycopg.connect(url).close()


def test_the_proxy_holds_back_what_is_sent_while_frozen(redis_server: Redis) -> None:
    with Proxy(redis_server) as proxy, socket.create_connection(("127.0.0.1", proxy.port)) as client:
        client.sendall(b"PING\r\n")
        assert client.recv(16) == b"+PONG\r\n"
        proxy.freeze()
        client.sendall(b"PING\r\n")
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(client.recv(16)))
        reader.start()
        reader.join(0.2)
        assert answers == []
        proxy.thaw()
        reader.join()
        assert answers == [b"+PONG\r\n"]


def test_management_commands_run_as_processes_of_their_own(database_url: str) -> None:
    done = run_manage("migrate", "--help", database_url=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage:")
