# SPDX-License-Identifier: Apache-2.0
"""Builders of facts: a host in order by default, and each test says only what differs."""

from __future__ import annotations

from dataclasses import replace

from nova_decom.model.cloud import (
    NOVA_COMPUTE,
    Aggregate,
    Allocation,
    ComputeNode,
    ComputeService,
    Migration,
    ResourceProvider,
    Server,
)
from nova_decom.model.heartbeat import Heartbeat
from nova_decom.model.host import Fleet, HostFacts, HostIdentity
from nova_decom.model.request import Request, Rows, StopWith
from nova_decom.model.rows import (
    AggregateHostRow,
    ComputeNodeRow,
    DatabaseFacts,
    HostMappingRow,
    InstanceRow,
    PciDeviceRow,
    ServiceRow,
)
from nova_decom.registrars import agent_records

HOST = "node1"
CELL = "cell1"
SERVICE = "11111111-0000-0000-0000-000000000001"
CONDUCTOR = "11111111-0000-0000-0000-00000000000c"
NODE = "22222222-0000-0000-0000-000000000001"
AGENT = "33333333-0000-0000-0000-000000000001"


def service(host=HOST, **what):
    """nova-compute, enabled and up."""
    known = {"id": SERVICE, "binary": NOVA_COMPUTE, "host": host, "zone": "nova"}
    return ComputeService(**known | what)


def conductor(host=HOST, **what):
    """Another binary on the same host."""
    return service(host, **{"id": CONDUCTOR, "binary": "nova-conductor"} | what)


def neighbour(name="node2", **what):
    """The nova-compute service of another host."""
    return service(name, **{"id": f"service-of-{name}"} | what)


def node(host=HOST, **what):
    """A compute node as nova's API tells it."""
    return ComputeNode(**{"uuid": NODE, "host": host, "hypervisor_hostname": host} | what)


def server(name="web", **what):
    """A server on the host."""
    return Server(**{"id": f"id-of-{name}", "name": name, "host": HOST, "status": "ACTIVE"} | what)


def migration(number=7, **what):
    """A live migration from the host, in progress."""
    known = {
        "id": number,
        "uuid": f"migration-{number}",
        "server": "id-of-web",
        "status": "running",
        "type": "live-migration",
        "source": HOST,
        "destination": "node2",
        "created_at": "2026-11-23T04:15:00",
    }
    return Migration(**known | what)


def aggregate(number=5, name="fast", hosts=(HOST, "node2")):
    """A host aggregate with the host in it."""
    return Aggregate(number, name, tuple(hosts))


def provider(uuid=NODE, name=HOST, root=None, parent=None):
    """The root resource provider of the host's tree."""
    return ResourceProvider(uuid, name, root or uuid, parent)


def allocation(of=NODE, consumer="id-of-web", resources=(("VCPU", 2),), **what):
    """What a consumer holds of a provider."""
    return Allocation(of, consumer, tuple(resources), **what)


def agent(**what):
    """A neutron agent of the host."""
    known = {
        "id": AGENT,
        "binary": "neutron-openvswitch-agent",
        "agent_type": "Open vSwitch agent",
        "host": HOST,
        "alive": False,
    }
    return agent_records.NetworkAgent(**known | what)


def agents(*of_host, **what):
    """Facts of the registrar of network agents, as all registrars' facts of a host."""
    return {agent_records.NAME: agent_records.Agents(tuple(of_host), **what)}


def agent_reading(*of_cloud):
    """A reading of the registrar of network agents."""
    return {agent_records.NAME: agent_records.AgentReading(tuple(of_cloud))}


def hosted(name="r1", kind="l3-routers", **what):
    """A router that only the host's dead L3 agent serves, and the agent that could."""
    known = {"id": f"id-of-{name}", "agent": AGENT, "host": HOST, "target": "other-agent"}
    return agent_records.Hosted(kind=kind, name=name, **known | what)


def service_row(number=3, **what):
    """The live row of nova-compute."""
    known = {"id": number, "uuid": SERVICE, "host": HOST, "binary": NOVA_COMPUTE, "deleted": 0}
    return ServiceRow(**known | what)


def node_row(number=8, **what):
    """The live row of the compute node."""
    known = {
        "id": number,
        "uuid": NODE,
        "host": HOST,
        "hypervisor_hostname": HOST,
        "service_id": 3,
        "deleted": 0,
    }
    return ComputeNodeRow(**known | what)


def pci_row(number=21, **what):
    """A PCI device that nobody uses."""
    known = {
        "id": number,
        "compute_node_id": 8,
        "address": "0000:01:00.0",
        "status": "available",
        "instance_uuid": None,
        "deleted": 0,
    }
    return PciDeviceRow(**known | what)


def instance_row(name="web", **what):
    """A row of instances that is not deleted."""
    return InstanceRow(**{"uuid": f"id-of-{name}", "name": name, "vm_state": "active"} | what)


def database(**what):
    """The rows of a host in order."""
    known = {
        "cell": CELL,
        "cells_naming_host": (CELL,),
        "cell_hosts": frozenset({HOST, "node2"}),
        "host_mapping": HostMappingRow(7, "uuid-of-cell1"),
        "services": (service_row(),),
        "compute_nodes": (node_row(),),
    }
    return DatabaseFacts(**known | what)


def heartbeat(of=SERVICE, still=0.0, **what):
    """A heartbeat that stood still for so many seconds."""
    known = {"service": of, "binary": NOVA_COMPUTE, "value": "count 41", "since": 100.0}
    return Heartbeat(**known | {"until": 100.0 + still} | what)


def fleet(*services, names=()):
    """All hosts of the cloud: this one and a neighbour, unless told otherwise."""
    services = services or (service(), neighbour())
    return Fleet(tuple(services), frozenset({s.host for s in services} | set(names)))


def request(**what):
    """What the operator asked for."""
    known = {"claim": "nova-decom RUN by ops@jump: old", "rows": Rows.PURGE}
    return Request(**known | what)


def facts(host=HOST, **what):
    """A host in order: enabled, up, empty, with a compute node, a provider and its rows.

    ``service=None`` is a host without nova-compute; ``service=...`` another state of it.
    """
    here = what.pop("service", service(host))
    others = tuple(what.pop("other_services", ()))
    services = (*([here] if here else []), *others)
    if what.keys() & {"agents", "agents_by_hypervisor", "hosted"}:
        beside, served = what.pop("agents_by_hypervisor", ()), what.pop("hosted", ())
        own = what.pop("agents", ())
        what["registrars"] = agents(*own, by_hypervisor=beside, hosted=served)
    known = {
        "request": request(),
        "services": services,
        "compute_nodes": (node(host),) if here else (),
        "providers": (provider(name=host),),
        "database": database(),
        "heartbeats": tuple(
            heartbeat(s.id, binary=s.binary) for s in services if s.id is not None
        ),
        "identity": HostIdentity(frozenset({NODE}), frozenset({host})),
        "fleet": Fleet((*services, neighbour()), frozenset({host, "node2"})),
    }
    return HostFacts(host=host, **known | what)


def absent(host=HOST, **what):
    """A host that nothing names."""
    known = {
        "service": None,
        "compute_nodes": (),
        "providers": (),
        "database": DatabaseFacts(),
        "identity": HostIdentity(),
        "fleet": fleet(neighbour()),
    }
    return facts(host, **known | what)


def ghost(**what):
    """A host whose service went with its row, by SQL; its node's row and provider stay."""
    return facts(**{"service": None, "database": database(services=())} | what)


def history(**what):
    """A host that nova deleted: only soft-deleted rows are left."""
    rows = database(
        host_mapping=None,
        services=(service_row(deleted=3),),
        compute_nodes=(node_row(deleted=8),),
    )
    return facts(**{"service": None, "providers": (), "database": rows} | what)


CHILD = provider("child", "node1_pci", root=NODE, parent=NODE)
PCI_ROWS = database(pci_devices=(pci_row(), pci_row(22, status="deleted", deleted=22)))
OTHER_SPELLING = database(
    services=(service_row(), service_row(4, uuid="other", host="NODE1", deleted=4)),
    compute_nodes=(node_row(), node_row(9, uuid="other", host="NODE1", deleted=9)),
)
WITH_CONDUCTOR = database(
    services=(service_row(), service_row(5, uuid=CONDUCTOR, binary="nova-conductor"))
)

#: States that nothing forbids to remove, by name.
REMOVABLE: dict[str, HostFacts] = {
    "in order": facts(),
    "already disabled": facts(service=service(status="disabled", disabled_reason="broken fan")),
    "silent for long": facts(heartbeats=(heartbeat(still=60),)),
    "no heartbeat heard": facts(heartbeats=()),
    "dead and offline": facts(service=service(state="down"), request=request(offline=True)),
    "stopped by a command": facts(request=request(stop_with=StopWith.COMMAND)),
    "stopped by the operator": facts(request=request(stop_with=StopWith.NONE)),
    "without a database": facts(database=None),
    "rows kept": facts(request=request(rows=Rows.KEEP)),
    "compute node still needed": facts(database=database(nodes_needed={"cell1": 3})),
    "with PCI devices": facts(database=PCI_ROWS),
    "other spelling in history": facts(database=OTHER_SPELLING),
    "in aggregates": facts(
        aggregates=(aggregate(),),
        database=replace(database(), aggregate_hosts=(AggregateHostRow(31, 5),)),
    ),
    "all in one": facts(other_services=(conductor(),), database=WITH_CONDUCTOR),
    "all in one, all binaries, conductor down": facts(
        other_services=(conductor(state="down"),),
        database=WITH_CONDUCTOR,
        request=request(all_binaries=True),
    ),
    "all in one, all binaries, conductor up": facts(
        other_services=(conductor(),),
        database=WITH_CONDUCTOR,
        request=request(all_binaries=True),
    ),
    "live ghost rows": ghost(providers=()),
    "live ghost rows, kept": ghost(providers=(), request=request(rows=Rows.KEEP)),
    "history only": history(),
    "history only, kept": history(request=request(rows=Rows.KEEP)),
    "absent, and that is fine": absent(request=request(absent_ok=True)),
    "known from an earlier run": absent(was_known=True),
    "provider stuck on an allocation": facts(
        providers=(provider(), CHILD), allocations=(allocation("child"),)
    ),
    "with a dead agent": facts(agents=(agent(),)),
}
