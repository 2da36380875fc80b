# SPDX-License-Identifier: Apache-2.0
"""The lab keeps to the machine that it runs on."""

import os
import re
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address

from tests.lab import Lab


def test_the_lab_listens_on_loopback_addresses_only(lab: Lab) -> None:
    """Whoever tries it opens nothing to the network: everybody knows its passwords."""
    leaders = {record.pid for record in lab.processes.records()}
    ours = {(address, port) for address, port, pid in _listening() if _session(pid) in leaders}

    assert set(lab.site.ports.values()) <= {port for _, port in ours}
    assert [place for place in ours if not ip_address(place[0]).is_loopback] == []


def _listening() -> Iterator[tuple[str, int, int]]:
    """Address, port and pid of whoever listens; ``*`` is every address of both families."""
    done = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        for pid in re.findall(r"pid=(\d+)", line):
            yield address.strip("[]").replace("*", "::"), int(port), int(pid)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None
