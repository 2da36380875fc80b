# SPDX-License-Identifier: Apache-2.0
"""The machines behind ssh, as the cloud is read: whom nova is asked about, and what is stopped."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nova_decom.clients.cloud import LiveCloud
from nova_decom.clients.consumers import Clients
from nova_decom.errors import ChangeFailedError
from nova_decom.guards.service import machine_identity
from nova_decom.model.machine import Machine, SystemdUnit, UnitIdentity
from nova_decom.model.plan import Verdict
from nova_decom.model.request import Part, StopWith
from tests.unit.build import NODE, facts, node, node_row, request, server, service

UNIT = SystemdUnit("nova-compute.service", active=True, enabled=True)
OFF = SystemdUnit("nova-compute.service", active=False, enabled=False)


class Machines:
    """Remote machines by the name of ssh; notes who was asked."""

    def __init__(self, **machines):
        """A machine that is None does not answer."""
        self.machines, self.asked = machines, []

    def machine(self, host):
        """What it says of itself."""
        self.asked.append(host)
        if self.machines[host] is None:
            raise ChangeFailedError("ssh failed", "mend it")
        return Machine((host,), tuple(self.machines[host]), "1-2")


class Rows:
    """The databases of all cells: one compute node of node1, one of node2."""

    api = object()
    asked = ()

    def compute_nodes(self, uuids):
        """Whose these are."""
        self.asked = (*self.asked, set(uuids))
        known = (node_row(), node_row(9, uuid="of-node2", host="node2"))
        return tuple(r for r in known if r.uuid in uuids)


def cloud(machines, databases=None, **asked):
    """A cloud of node1 and node2, whose API tells of their compute nodes."""
    nodes = (node(), node("node2", uuid="of-node2"))
    services = (service(), service("node2", id="s2"))
    compute = SimpleNamespace(
        deletes_without_node=lambda: True,
        services=lambda _host=None: services,
        compute_nodes=lambda: nodes,
        servers=None,
    )
    return LiveCloud(Clients(compute, None, None, databases, machines, None), request(**asked))


def test_only_hosts_on_which_nova_compute_is_stopped_are_asked():
    """A host that is off, and one of which nothing is left, is not."""
    machines = Machines(node1=[UnitIdentity(UNIT, "node1")])
    other = facts("node2", unit=OFF)

    found = cloud(machines).ask_machines([facts(), other])

    assert machines.asked == ["node1"]
    assert found[0].machine == Machine(("node1",), (UnitIdentity(UNIT, "node1"),), "1-2")
    assert found[1] == other


@pytest.mark.parametrize(
    "asked", [{"stop_with": StopWith.NONE}, {"stop_with": StopWith.COMMAND}, {"offline": True}]
)
def test_a_run_without_ssh_asks_no_machine(asked):
    """The operator has said so."""
    machines = Machines()
    here = facts(request=request(**asked))

    assert cloud(machines, **asked).ask_machines([here]) == (here,)
    assert machines.asked == []


def test_a_machine_that_does_not_answer_is_a_warning():
    """The plan is made all the same; what cannot be stopped ends the run later."""
    (found,) = cloud(Machines(node1=None)).ask_machines([facts()])

    objection = machine_identity(found)
    assert (objection.verdict, objection.remedy) == (Verdict.WARNING, "mend it")
    assert "ssh failed" in objection.message


@pytest.mark.parametrize("rows", [None, Rows()], ids=["by the API", "by rows"])
@pytest.mark.parametrize(
    ("host", "uuid", "owners"),
    [("node1", "of-node2", {"node2"}), (None, NODE, {"node1"}), ("node1", "nobody's", set())],
)
def test_nova_is_asked_whose_a_strange_compute_id_is(rows, host, uuid, owners):
    """Also for one of the host's own while the configuration proves nothing."""
    machines = Machines(node1=[UnitIdentity(UNIT, host, frozenset({uuid}))])

    (found,) = cloud(machines, rows).ask_machines([facts()])

    assert found.machine.units[0].node_hosts == owners


def test_nova_is_not_asked_about_a_machine_that_is_plainly_the_host():
    """So that a removal takes as many calls as before."""
    rows = Rows()
    found = cloud(Machines(node1=[UnitIdentity(UNIT, "node1", frozenset())]), rows)

    found.ask_machines([facts()])

    assert rows.asked == ()


@pytest.mark.parametrize(
    ("units", "unit"),
    [
        ([UnitIdentity(UNIT, "node1")], UNIT),
        ([UnitIdentity(UNIT, "node2"), UnitIdentity(OFF, "node1")], OFF),
        ([UnitIdentity(UNIT, "node2")], UNIT),
        ([UnitIdentity(OFF, "node2")], OFF),
    ],
    ids=["its own", "its own is off, another's runs", "another's only", "none runs"],
)
def test_the_unit_of_a_host_is_its_own(units, unit):
    """It is off when its own is, whatever other units the machine runs."""
    found = cloud(Machines(node1=units))
    found.read_hosts(["node1"], frozenset({Part.SERVICES}))

    assert found.refresh("node1", frozenset({Part.UNIT})).unit == unit


def test_an_overview_shows_hosts_on_which_servers_were_left():
    """Beside the hosts of all compute services, in one order; hosts that are named stay those."""
    found = cloud(Machines())
    stranded = (server(host="lost"), server(host="node2"))
    found.clients.compute.servers = lambda: stranded
    found.clients.compute.servers_of = lambda hosts: tuple(s for s in stranded if s.host in hosts)
    parts = frozenset({Part.SERVICES, Part.SERVERS})

    assert [f.host for f in found.read_hosts(None, parts)] == ["lost", "node1", "node2"]
    assert [len(f.servers) for f in found.read_hosts(None, parts)] == [1, 0, 1]
    assert [f.host for f in found.read_hosts(["node1"], parts)] == ["node1"]
    assert [f.host for f in found.read_hosts(None, frozenset({Part.SERVICES}))] == [
        *("node1", "node2"),
    ]
