# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before the server that does one bad thing, once, to the packet that commits."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from typing import Self

COMMIT = b"\x03COMMIT"
CHUNK = 65536
#: The bit of the server's greeting that offers TLS.
TLS = 0x08

Fault = Callable[[socket.socket, socket.socket, bytes], None]


class Proxy:
    """Forwards each connection in a thread of its own, until ``fault`` is due."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.fault: Fault | None = None
        self.hides_tls = False

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self.refuse()
        for open_socket in self._sockets:
            _end(open_socket)
        for thread in self._threads:
            thread.join(timeout=10)

    def lead_to(self, server_port: int) -> None:
        """Send the connections to come to another server."""
        self._server_port = server_port

    def refuse(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                self._run(lambda c=client, s=server: self._serve(c, s))

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, contextlib.suppress(OSError):
            client.sendall(self._greeting(server.recv(CHUNK)))
            while client.fileno() >= 0 <= server.fileno():
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(CHUNK)
                    if not data:
                        return
                    if ready is client and COMMIT in data and self.fault is not None:
                        fault, self.fault = self.fault, None
                        fault(client, server, data)
                    else:
                        (server if ready is client else client).sendall(data)

    def _greeting(self, data: bytes) -> bytes:
        if not self.hides_tls:
            return data
        # Packet header, protocol, version up to its NUL, thread id, salt, filler: capabilities.
        place = data.index(b"\0", 5) + 1 + 4 + 8 + 1 + 1
        return data[:place] + bytes([data[place] & ~TLS]) + data[place + 1 :]

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


def lose_reply(client: socket.socket, server: socket.socket, data: bytes) -> None:
    """The server commits, and the client is never told."""
    server.sendall(data)
    server.recv(CHUNK)
    _end(client)


def lose_request(client: socket.socket, server: socket.socket, _data: bytes) -> None:
    """The server is never asked to commit: it sees the connection end, and rolls back."""
    _end(server)
    _end(client)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
