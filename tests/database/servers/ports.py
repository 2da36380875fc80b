# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that are told theirs."""

import contextlib
import random
import socket

#: Below the kernel's own range of outgoing ports (32768 and up); each is given once.
PORTS = iter(random.sample(range(26000, 32000), 6000))


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, and that the kernel gives to nobody else."""
    ports: list[int] = []
    while len(ports) < number:
        port = next(PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
    return ports
