# SPDX-License-Identifier: Apache-2.0
"""Hosts that may not go, or not whole: refused with reasons, and nothing changed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

OTHERS = ("nova-conductor", "nova-scheduler", "nova-consoleauth")


def test_servers_in_every_state_are_named(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """ACTIVE, SHUTOFF, ERROR and SOFT_DELETED servers all refuse, by name and state."""
    hosts.start("full1")
    states = ("ACTIVE", "SHUTOFF", "ERROR", "SOFT_DELETED")
    servers = {state: lab.create_servers(1, on="full1", status=state)[0] for state in states}
    before = snapshot.rows_of("full1")

    ran = decom.remove("full1")

    assert ran.code == 4
    message = ran.blocked()["servers-present"]
    for state, server in servers.items():
        assert f"{server} {state}" in message
    assert ran.json["changed"] is False
    assert snapshot.rows_of("full1") == before
    assert lab.compute_running("full1")


def test_what_a_host_leaves_to_the_next_test_is_nothing(lab: Lab, hosts: Hosts) -> None:
    """Not even a server that nova shows to nobody who does not ask for it."""
    hosts.start("tidy1")
    lab.create_servers(1, on="tidy1", status="SOFT_DELETED")

    lab.purge_host("tidy1")

    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT uuid FROM instances WHERE host = 'tidy1' AND deleted = 0")
        assert cursor.fetchall() == ()


def test_only_nova_compute_leaves_a_converged_host(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Conductor and scheduler on the same host stay, and are listed as kept."""
    hosts.start("allinone1")
    _register(lab, "allinone1", OTHERS)

    ran = decom.remove("allinone1")

    assert ran.code == 0, ran.shown
    assert {k["binary"] for k in ran.host["kept"]} == set(OTHERS)
    assert snapshot.hosts_in("services").count("allinone1") == len(OTHERS)


def test_all_binaries_takes_those_that_are_down(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Four rows go as in the documented procedure; one that still beats stays."""
    hosts.start("allinone2")
    _register(lab, "allinone2", OTHERS)

    with _beating(lab, "allinone2", "nova-conductor"):
        partly = decom.remove("allinone2", "--all-binaries")
    assert partly.code == 0, partly.shown
    assert [k["binary"] for k in partly.host["kept"]] == ["nova-conductor"]
    assert snapshot.hosts_in("services").count("allinone2") == 1

    _wait_down(lab, "allinone2")
    wholly = decom.remove("allinone2", "--all-binaries")
    assert wholly.code == 0, wholly.shown
    assert "allinone2" not in snapshot.hosts_in("services")


@pytest.mark.parametrize("status", ["allocated", "claimed"])
def test_a_pci_device_in_use_refuses(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot, status: str
) -> None:
    """A device that is allocated or claimed belongs to somebody."""
    name = f"pci-{status}"
    hosts.start(name)
    _pci(lab, name, "0000:81:00.1", status)
    before = snapshot.rows_of(name)

    ran = decom.remove(name)

    assert ran.code == 4
    assert "0000:81:00.1" in ran.blocked()["pci-allocated"]
    assert snapshot.rows_of(name) == before


def test_free_pci_devices_do_not_break_the_purge(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Free and soft-deleted devices go first: the foreign key counts both."""
    hosts.start("pci-free")
    _pci(lab, "pci-free", "0000:81:00.1", "available")
    _pci(lab, "pci-free", "0000:81:00.2", "removed", deleted=True)

    ran = decom.remove("pci-free")

    assert ran.code == 0, ran.shown
    assert snapshot.traces_of("pci-free") == set()
    (purge,) = [c for c in ran.host["changes"] if c["step"] == "purge-rows"]
    assert purge["rows"] == 4


def test_the_last_host_of_a_zone_stays_unless_skipped(
    lab: Lab, decom: NovaDecom, hosts: Hosts
) -> None:
    """Without another enabled host in its zone a host is refused; --skip-guard overrules."""
    hosts.start("last1")
    compute = lab.connection().compute
    zone = compute.create_aggregate(name="last-zone", availability_zone="last-zone")
    try:
        compute.add_host_to_aggregate(zone.id, "last1")
        ran = decom.remove("last1")
        assert ran.code == 4
        assert "last-zone" in ran.blocked()["last-host"]
        assert decom("plan", "last1", "--detailed-exitcode").code == 4

        ran = decom.remove("last1", "--skip-guard", "last-host")
        assert ran.code == 0, ran.shown
    finally:
        compute.delete_aggregate(zone.id)


def _register(lab: Lab, host: str, binaries: tuple[str, ...]) -> None:
    """Services of other binaries on the host that have not been heard of for a while."""
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        for binary in binaries:
            cursor.execute(
                "INSERT INTO services (created_at, host, `binary`, topic, report_count, disabled, "
                "deleted, forced_down, version, uuid, last_seen_up) "
                "VALUES (UTC_TIMESTAMP(), %s, %s, %s, 1, 0, 0, 0, 74, UUID(), "
                "UTC_TIMESTAMP() - INTERVAL 1 HOUR)",
                (host, binary, binary.removeprefix("nova-")),
            )


@contextmanager
def _beating(lab: Lab, host: str, binary: str) -> Iterator[None]:
    """The heartbeat of a service, as the service itself would report it."""
    done = threading.Event()

    def beat() -> None:
        with lab.sql("nova") as connection, connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute(
                    "UPDATE services SET report_count = report_count + 1, "
                    "last_seen_up = UTC_TIMESTAMP() WHERE host = %s AND `binary` = %s",
                    (host, binary),
                )
                done.wait(0.5)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _wait_down(lab: Lab, host: str) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE services SET last_seen_up = UTC_TIMESTAMP() - INTERVAL 1 HOUR WHERE host = %s",
            (host,),
        )


def _pci(lab: Lab, host: str, address: str, status: str, *, deleted: bool = False) -> None:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pci_devices (created_at, deleted, compute_node_id, address, product_id, "
            "vendor_id, dev_type, dev_id, label, status) SELECT UTC_TIMESTAMP(), 0, id, %s, "
            "'154d', '8086', 'type-PF', %s, 'label', %s FROM compute_nodes "
            "WHERE host = %s AND deleted = 0",
            (address, f"pci_{address}", status, host),
        )
        if deleted:
            cursor.execute(
                "UPDATE pci_devices SET deleted = id WHERE id = %s", (cursor.lastrowid,)
            )
