"""A TCP proxy that fails on demand, as networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from tools.servers import HOST, Server, free_port


class Proxy:
    """Passes connections on to `target`, cuts them, refuses them, or lets them hang."""

    def __init__(self, target: Server) -> None:
        self.target = target
        self.port = free_port()
        self._listener: socket.socket | None = None
        self._sockets: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._swallowing = False
        # The ends of conversations of which something was swallowed: TCP would carry nothing more of them in order.
        self._dumb: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def accept(self) -> None:
        """Take new connections (again)."""
        if self._listener is None:
            self._listener = socket.create_server((HOST, self.port))
            self._spawn(self._serve, self._listener)

    def refuse(self) -> None:
        """Refuse new connections; those that stand go on."""
        if self._listener is not None:
            # Closing alone does not wake a thread that is in accept().
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def cut(self) -> None:
        """Cut every connection that stands."""
        with self._guard:
            for end in self._sockets:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def freeze(self) -> None:
        """Hold everything back without closing anything, as a lost route does."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything flow again, what was held back included."""
        self._flowing.set()

    def swallow(self) -> None:
        """Take everything and pass nothing on, without closing anything; what is sent meanwhile is lost for ever."""
        self._swallowing = True

    def restore(self) -> None:
        """Carry new connections again; those of which something was lost stay dumb."""
        self._swallowing = False

    def strand(self) -> None:
        """Carry nothing more over the connections that stand, as after a failover that tells nobody."""
        with self._guard:
            self._dumb |= self._sockets

    @property
    def connections(self) -> int:
        """Count the clients that are connected."""
        with self._guard:
            return len(self._sockets) // 2

    def url(self, of_target: str) -> str:
        """Return a URL of the target as it reads through the proxy."""
        parts = urlsplit(of_target)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}{HOST}:{self.port}"))

    def close(self) -> None:
        """Refuse, cut and wait for the threads."""
        self.refuse()
        self.thaw()
        self.cut()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spawn(self, function: object, *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((HOST, self.target.port))
            except OSError:
                client.close()
                continue
            with self._guard:
                self._sockets |= {client, server}
            self._spawn(self._converse, client, server)

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
        back.start()
        self._copy(client, server)
        back.join()
        with self._guard:
            self._sockets -= {client, server}
        client.close()
        server.close()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flowing.wait()
                if self._swallowing:
                    self._dumb |= {source, sink}
                if source not in self._dumb:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
