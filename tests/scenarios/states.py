# SPDX-License-Identifier: Apache-2.0
"""Brings hosts into states, each by the means that would have caused it in the field."""

import os
import signal
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios.calls import (
    TIMEOUT,
    act,
    compute,
    node_uuid,
    nodes,
    placement,
    rows,
    service,
    services,
    show,
    sql,
    wait_for,
)

#: Where servers go that leave a host.
REFUGE = "node1"


# What everybody does


def no_quota(lab: Lab) -> None:
    """As many servers as the scenarios need."""
    project = lab.connection().current_project_id
    unlimited = {"quota_set": {"instances": -1, "cores": -1, "ram": -1}}
    compute(lab, "PUT", f"/os-quota-sets/{project}", unlimited)


def down(lab: Lab, *hosts: str) -> None:
    """nova-compute was stopped, long enough ago for nova to say so."""
    lab.stop_compute(*hosts)
    await_down(lab, *hosts)


def await_down(lab: Lab, *hosts: str) -> None:
    """Nova says that nova-compute of these hosts is down."""
    for host in hosts:
        wait_until(partial(_is_down, lab, host), timeout=TIMEOUT, what=f"{host} to be down")


def stopped(lab: Lab, host: str) -> None:
    """Disabled first: nova would call a nova-compute that it takes for alive, and wait for it."""
    disabled(lab, host)
    lab.stop_compute(host)


def disabled(lab: Lab, host: str, reason: str = "to be removed") -> None:
    """``openstack compute service set --disable``."""
    body = {"status": "disabled", "disabled_reason": reason}
    compute(lab, "PUT", f"/os-services/{service(lab, host)['id']}", body)


def in_aggregate(lab: Lab, host: str) -> None:
    """The host is a member of an aggregate."""
    api = lab.connection().compute
    api.add_host_to_aggregate(api.create_aggregate(name=f"of-{host}").id, host)


# By SQL, as the guides have it


def service_removed_by_sql(lab: Lab, host: str) -> None:
    sql(lab, "nova", "DELETE FROM services WHERE host = %s", host)


def compute_node_removed_by_sql(lab: Lab, host: str) -> None:
    sql(lab, "nova", "DELETE FROM compute_nodes WHERE hypervisor_hostname = %s", host)


def removed_by_sql(lab: Lab, host: str) -> None:
    """The documented procedure: disable, stop, two DELETE statements."""
    stopped(lab, host)
    service_removed_by_sql(lab, host)
    compute_node_removed_by_sql(lab, host)


def hidden_by_sql(lab: Lab, host: str) -> None:
    """The guides that write ``deleted = 1`` where nova writes the id."""
    lab.stop_compute(host)
    for table in ("services", "compute_nodes"):
        statement = f"UPDATE {table} SET deleted = 1, deleted_at = NOW() WHERE host = %s"
        sql(lab, "nova", statement, host)


def service_id_forgotten(lab: Lab, host: str) -> None:
    """A compute node as older releases left it."""
    sql(lab, "nova", "UPDATE compute_nodes SET service_id = NULL WHERE host = %s", host)


def still_mapped(lab: Lab, host: str) -> None:
    """What nova without the fix of bug 2085135 leaves behind when it deletes a service."""
    sql(lab, "nova", "UPDATE compute_nodes SET mapped = 1 WHERE host = %s AND deleted = id", host)


def conductor_beside(lab: Lab, host: str) -> None:
    """A converged host: its nova-conductor has a row of its own."""
    sql(
        lab,
        "nova",
        "INSERT INTO services (created_at, host, `binary`, topic, report_count, disabled, "
        "deleted, forced_down, version, uuid, last_seen_up) VALUES (UTC_TIMESTAMP(), %s, "
        "'nova-conductor', 'conductor', 1, 0, 0, 0, 74, UUID(), "
        "UTC_TIMESTAMP() - INTERVAL 1 HOUR)",
        host,
    )


@contextmanager
def pci_device_held(lab: Lab, host: str) -> Iterator[None]:
    """The host has a free PCI device, and somebody's transaction holds its row."""
    sql(
        lab,
        "nova",
        "INSERT INTO pci_devices (created_at, deleted, compute_node_id, address, product_id, "
        "vendor_id, dev_type, dev_id, label, status) SELECT UTC_TIMESTAMP(), 0, id, "
        "'0000:81:00.1', '154d', '8086', 'type-PF', 'pci_81', 'label', 'available' "
        "FROM compute_nodes WHERE host = %s AND deleted = 0",
        host,
    )
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        node = "SELECT id FROM compute_nodes WHERE host = %s AND deleted = 0"
        ((node_id,),) = rows(lab, "nova", node, host)
        cursor.execute("START TRANSACTION")
        cursor.execute(
            "SELECT id FROM pci_devices WHERE compute_node_id = %s FOR UPDATE", (node_id,)
        )
        yield
        cursor.execute("ROLLBACK")


def version_of_long_ago(lab: Lab, host: str, version: int) -> None:
    sql(lab, "nova", "UPDATE services SET version = %s WHERE host = %s", version, host)


def serves_ironic(lab: Lab, host: str) -> None:
    statement = "UPDATE compute_nodes SET hypervisor_type = 'ironic' WHERE host = %s"
    sql(lab, "nova", statement, host)


def known_by_fqdn(lab: Lab, host: str, fqdn: str) -> None:
    """libvirt knows the host by another name than nova.conf."""
    node = node_uuid(lab, host)
    statement = "UPDATE compute_nodes SET hypervisor_hostname = %s WHERE host = %s"
    sql(lab, "nova", statement, fqdn, host)
    known = placement(lab, "GET", f"/resource_providers/{node}")
    placement(lab, "PUT", f"/resource_providers/{node}", {"name": fqdn})
    assert known["name"] == host


# By the API


@contextmanager
def conductor_hangs(lab: Lab) -> Iterator[None]:
    """Within: no heartbeat reaches the database, and nova takes every nova-compute for down."""
    conductor = lab.processes.record("nova-conductor")
    assert conductor is not None
    hosts = {s["host"] for s in compute(lab, "GET", "/os-services")["services"]}
    os.killpg(conductor.pid, signal.SIGSTOP)  # its workers too
    try:
        for host in hosts:
            if services(lab, host):
                wait_until(partial(_is_down, lab, host), timeout=TIMEOUT, what=f"{host} down")
        yield
    finally:
        os.killpg(conductor.pid, signal.SIGCONT)
        for host in hosts:
            if services(lab, host) and lab.compute_running(host):
                wait_until(partial(_is_up, lab, host), timeout=TIMEOUT, what=f"{host} up")


def deleted_by_api(lab: Lab, host: str) -> None:
    """``openstack compute service delete``."""
    compute(lab, "DELETE", f"/os-services/{service(lab, host)['id']}")


def migration_stuck(lab: Lab, host: str, status: str) -> int:
    """A migration whose work ended days ago without a word; its id."""
    (server,) = lab.create_servers(1, on=REFUGE)
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO migrations (created_at, deleted, source_compute, source_node, "
            "dest_compute, dest_node, status, instance_uuid, migration_type, uuid, hidden, "
            "cross_cell_move) VALUES (UTC_TIMESTAMP() - INTERVAL 3 DAY, 0, %s, %s, %s, %s, %s, "
            "%s, 'live-migration', %s, 0, 0)",
            (host, host, REFUGE, REFUGE, status, server, str(uuid.uuid4())),
        )
        return int(cursor.lastrowid)


def migration_ended(lab: Lab, migration: int) -> None:
    sql(lab, "nova", "UPDATE migrations SET status = 'error' WHERE id = %s", migration)


def migrated_but_not_told(lab: Lab, host: str) -> str:
    """The migration is completed, and the server still says that it is here."""
    (server,) = lab.create_servers(1, on=host)
    migration = migration_stuck(lab, host, "completed")
    sql(lab, "nova", "UPDATE migrations SET instance_uuid = %s WHERE id = %s", server, migration)
    statement = "UPDATE instances SET task_state = 'migrating' WHERE uuid = %s"
    sql(lab, "nova", statement, server)
    return server


def verify_resize(lab: Lab, host: str) -> str:
    """A server was moved away by a cold migration that nobody has confirmed; its id."""
    (server,) = lab.create_servers(1, on=host)
    act(lab, server, {"migrate": {"host": REFUGE}})
    wait_for(lab, server, REFUGE, "VERIFY_RESIZE")
    return server


def confirm(lab: Lab, server: str) -> None:
    act(lab, server, {"confirmResize": None})
    wait_for(lab, server, REFUGE, "ACTIVE")


def evacuated(lab: Lab, host: str) -> str:
    """The host died and its server was evacuated; its id. It keeps its allocation here."""
    (server,) = lab.create_servers(1, on=host)
    down(lab, host)
    act(lab, server, {"evacuate": {"host": REFUGE}})
    # Below microversion 2.95 nova starts it again.
    stays = int(lab.site.release.microversion.removeprefix("2.")) >= 95
    wait_for(lab, server, REFUGE, "SHUTOFF" if stays else "ACTIVE")
    # Nova notes the end later, and the neighbour's records must not change from now on.
    noted = (
        "SELECT e.id FROM instance_actions_events e JOIN instance_actions a ON a.id = e.action_id "
        "WHERE a.instance_uuid = %s AND e.finish_time IS NULL"
    )
    wait_until(lambda: not rows(lab, "nova", noted, server), timeout=TIMEOUT, what="its end")
    return server


def brought_to(lab: Lab, server: str, action: str, status: str) -> None:
    """The server after an action such as ``pause``."""
    host = show(lab, server)["OS-EXT-SRV-ATTR:host"]
    act(lab, server, {action: None})
    wait_for(lab, server, host, status)


# In placement


def provider_missing(lab: Lab, host: str) -> None:
    """Somebody deleted the resource provider, in the wrong order."""
    placement(lab, "DELETE", f"/resource_providers/{node_uuid(lab, host)}")


def orphan_allocation(lab: Lab, *providers: str, resource: str = "VCPU") -> str:
    """A consumer that nova knows nothing of holds something of these providers; its uuid."""
    consumer = str(uuid.uuid4())
    body = {
        "allocations": {p: {"resources": {resource: 1}} for p in providers},
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
        "project_id": "gone",
        "user_id": "gone",
    }
    placement(lab, "PUT", f"/allocations/{consumer}", body)
    return consumer


def child_provider(lab: Lab, parent: str, name: str) -> str:
    """A nested provider, as a device or an agent has one; its uuid."""
    child = str(uuid.uuid4())
    body = {"uuid": child, "name": name, "parent_provider_uuid": parent}
    placement(lab, "POST", "/resource_providers", body)
    inventory = {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 4}}}
    placement(lab, "PUT", f"/resource_providers/{child}/inventories", inventory)
    return child


def came_back_beside_its_provider(lab: Lab, host: str) -> None:
    """Another machine of the name starts while the old one's provider still has the name."""
    old = node_uuid(lab, host) if nodes(lab, host) else None
    lab.wipe_compute(host)
    lab.start_compute(host, wait=False)
    wait_until(
        lambda: [n for n in nodes(lab, host) if n != old] != [] and bool(services(lab, host)),
        timeout=TIMEOUT,
        what=f"{host} to register",
    )
    lab.discover_hosts()


def forget(lab: Lab, hosts: Iterable[str]) -> None:
    """Servers that left these hosts, and their aggregates, are gone."""
    api = lab.connection().compute
    names = {f"of-{host}": host for host in hosts}
    for aggregate in api.aggregates():
        if aggregate.name in names:
            sql(
                lab,
                "nova_api",
                "DELETE FROM aggregate_hosts WHERE aggregate_id = %s",
                aggregate.id,
            )
            api.delete_aggregate(aggregate.id)
    query = (
        "SELECT DISTINCT i.uuid FROM instances i JOIN migrations m ON m.instance_uuid = i.uuid "
        "WHERE i.deleted = 0 AND i.host <> m.source_compute AND m.source_compute = %s"
    )
    for host in names.values():
        lab.delete_servers(*(server for (server,) in rows(lab, "nova", query, host)))


def _is_down(lab: Lab, host: str) -> bool:
    return bool(service(lab, host)["state"] == "down")


def _is_up(lab: Lab, host: str) -> bool:
    return bool(service(lab, host)["state"] == "up")
