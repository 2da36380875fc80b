# SPDX-License-Identifier: Apache-2.0
"""A proxy before an HTTP API that does bad things by a script, and the script.

Each rule says which requests it means, from which of them on, how often, and what happens. A
request is one connection, so that what happens to one happens to no other.
"""

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

CHUNK = 65536
END = b"\r\n\r\n"
#: Longer than any test has patience.
STALL = 60.0


@dataclass
class Exchange:
    """One request, and what can be done with it."""

    client: socket.socket
    request: bytes
    server_port: int
    given_up: threading.Event

    def forward(self) -> bytes:
        """Ask the server; its whole answer."""
        head, _, body = self.request.partition(END)
        lines = [li for li in head.split(b"\r\n") if not li.lower().startswith(b"connection:")]
        with socket.create_connection(("127.0.0.1", self.server_port), timeout=STALL) as server:
            server.sendall(b"\r\n".join([*lines, b"Connection: close"]) + END + body)
            answer = b""
            while data := server.recv(CHUNK):
                answer += data
        status, _, rest = answer.partition(b"\r\n")
        return b"\r\n".join([status, b"Connection: close", rest])

    def answer(self, data: bytes) -> None:
        self.client.sendall(data)

    def reset(self) -> None:
        """As a firewall or a dying server does it."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.client.close()


Fault = Callable[[Exchange], None]


@dataclass
class Rule:
    """``fault`` for the requests whose first line matches, from the nth on, so many times."""

    matching: str
    fault: Fault
    nth: int = 1
    times: int = 1
    seen: int = 0

    def strikes(self, line: str) -> bool:
        if not re.search(self.matching, line):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass
class Script:
    """The rules, in order, and every request that came."""

    rules: Sequence[Rule] = ()
    requests: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, line: str) -> Fault | None:
        with self._lock:
            self.requests.append(line)
            # Each rule counts, also when an earlier one strikes.
            struck = [rule.fault for rule in self.rules if rule.strikes(line)]
            return struck[0] if struck else None

    def count(self, matching: str) -> int:
        return sum(bool(re.search(matching, line)) for line in self.requests)


class HttpProxy:
    """Passes requests on to a server, as the script has it."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self._threads: list[threading.Thread] = []
        self._given_up = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.script = Script()

    def __enter__(self) -> Self:
        self._run(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self._given_up.set()
        self.refuse()
        for thread in self._threads:
            thread.join(timeout=10)

    def play(self, *rules: Rule) -> Script:
        """A new script from here on."""
        self.script = Script(rules)
        return self.script

    def refuse(self) -> None:
        """Take no more connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._run(lambda c=client: self._serve(c))

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            request = _read(client)
            if not request:
                return
            exchange = Exchange(client, request, self._server_port, self._given_up)
            fault = self.script.fault(request.split(b"\r\n", maxsplit=1)[0].decode())
            if fault is None:
                exchange.answer(exchange.forward())
            else:
                fault(exchange)

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self._threads.append(thread)
        thread.start()


def _read(client: socket.socket) -> bytes:
    """One whole request."""
    data = b""
    while END not in data:
        more = client.recv(CHUNK)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(END)
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(CHUNK)
    return head + END + body


def status(code: int, **headers: str) -> Fault:
    """The server is not asked; somebody before it answers."""
    return lambda exchange: exchange.answer(_page(code, headers))


def status_after(code: int) -> Fault:
    """The server has done it, and somebody before it says that it failed."""

    def fault(exchange: Exchange) -> None:
        exchange.forward()
        exchange.answer(_page(code, {}))

    return fault


def reset(exchange: Exchange) -> None:
    """The connection ends before the server is asked."""
    exchange.reset()


def lose_answer(exchange: Exchange) -> None:
    """The server has done it, and the connection ends before it says so."""
    exchange.forward()
    exchange.reset()


def truncate(exchange: Exchange) -> None:
    """Half of the answer's body."""
    head, _, body = exchange.forward().partition(END)
    if not re.search(rb"(?i)content-length", head):
        head += b"\r\nContent-Length: %d" % max(len(body), 2)
    exchange.answer(head + END + body[: len(body) // 2])


def foreign(exchange: Exchange) -> None:
    """A page for people, where an API should be."""
    exchange.answer(_page(200, {}))


def stall(exchange: Exchange) -> None:
    """Nothing, for longer than anybody waits."""
    exchange.given_up.wait(STALL)


def late(seconds: float) -> Fault:
    """The right answer, later."""

    def fault(exchange: Exchange) -> None:
        exchange.given_up.wait(seconds)
        exchange.answer(exchange.forward())

    return fault


def _page(code: int, headers: dict[str, str]) -> bytes:
    body = b"<html>a page of a load balancer</html>"
    told = {"Content-Type": "text/html", "Content-Length": str(len(body)), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {code} by the script\r\n{lines}\r\n".encode() + body
