# SPDX-License-Identifier: Apache-2.0
"""States of hosts in two cells, and what a removal of such a host has to leave."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.cli.run import NovaDecom, Ran
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.computes import Host
from tests.lab.servers import Servers
from tests.lab.waiting import wait_until
from tests.scenarios import calls
from tests.scenarios.clean import SETTLE, assert_same, witness

#: Where servers go that leave a host of the cell.
REFUGES = {"cell1": "node2", "cell2": "node2-cell2"}
TWIN = (
    "INSERT INTO compute_nodes (created_at, deleted, mapped, uuid, host, hypervisor_hostname, "
    "vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type, "
    "hypervisor_version, cpu_info) "
    "VALUES (UTC_TIMESTAMP(), 0, 1, UUID(), %s, %s, 1, 1, 1, 0, 0, 0, 'fake', 1, '{}')"
)


def machine(lab: Lab, name: str) -> Host:
    """The host of this name."""
    host = lab.hosts.get(name)
    assert host is not None
    return host


def removed(decom: NovaDecom, host: str, *options: str) -> Ran:
    """The host is removed by one run; no record of it stays, and none of a neighbour changes."""
    before = witness(decom.lab)
    ran = decom.remove(host, "--settle", SETTLE, *options)
    assert (ran.code, ran.host["result"]) == (0, "removed"), ran.shown
    assert Snapshot(decom.lab).traces_of(host) == set()
    assert_same(witness(decom.lab), before)
    return ran


def add_twin(lab: Lab, host: str, twin: str) -> tuple[int, str]:
    """A live compute node of the twin in the host's cell; its id and uuid."""
    cell = machine(lab, host).cell.name
    lab.cell_sql(cell, TWIN, twin, f"{twin}.old")
    named = "SELECT id, uuid FROM compute_nodes WHERE host = BINARY %s"
    ((row, uuid),) = lab.cell_sql(cell, named, twin)
    return row, uuid


def without_databases(lab: Lab, directory: Path) -> str:
    """A clouds.yaml that does not say where the databases are."""
    known = yaml.safe_load(lab.clouds_yaml.read_text())
    section = {k: v for k, v in known["nova-decom"].items() if not k.endswith("db_url")}
    path = directory / "clouds.yaml"
    path.write_text(yaml.safe_dump(known | {"nova-decom": section}))
    return str(path)


def building(lab: Lab, host: str) -> str:
    """A server whose build is asked of the host, as soon as it has its allocation there."""
    server = Servers(lab.connection()).ask(on=host)
    wait_until(
        lambda: bool(calls.holdings(lab, server)),
        timeout=calls.TIMEOUT,
        what=f"server {server} to have an allocation",
    )
    return server


def has_no_host(lab: Lab, server: str) -> bool:
    """True while the server is in BUILD and on no host."""
    shown = calls.show(lab, server)
    return shown["status"] == "BUILD" and shown["OS-EXT-SRV-ATTR:host"] is None


@contextmanager
def ends_its_work(lab: Lab, host: Host) -> Iterator[None]:
    """Within: some seconds after the host was disabled, its hypervisor is busy no more."""

    def work() -> None:
        wait_until(
            lambda: calls.service(lab, host.name)["status"] == "disabled",
            timeout=calls.TIMEOUT,
            what=f"{host.name} to be disabled",
        )
        time.sleep(3)
        host.busy.unlink()

    with ThreadPoolExecutor() as pool:
        done = pool.submit(work)
        yield
    done.result()


def killed(lab: Lab, host: str) -> None:
    """Its nova-compute died without a word."""
    record = lab.processes.record(machine(lab, host).compute)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)


def resized(lab: Lab, host: str, target: str) -> str:
    """A server was moved from the host by a cold migration that nobody has confirmed."""
    (server,) = lab.create_servers(1, on=host)
    calls.act(lab, server, {"migrate": {"host": target}})
    calls.wait_for(lab, server, target, "VERIFY_RESIZE")
    return server


def lives_on(lab: Lab, server: str, host: str) -> None:
    shown = calls.show(lab, server)
    assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", host)
    assert providers(lab, server) == {node(lab, host)}


def providers(lab: Lab, consumer: str) -> set[str]:
    return set(calls.holdings(lab, consumer))


def node(lab: Lab, host: str) -> str:
    statement = "SELECT uuid FROM compute_nodes WHERE host = BINARY %s AND deleted = 0"
    ((uuid,),) = lab.cell_sql(machine(lab, host).cell.name, statement, host)
    return str(uuid)
