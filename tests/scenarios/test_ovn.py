# SPDX-License-Identifier: Apache-2.0
"""A host whose neutron is ML2/OVN: its chassis goes with it, the neighbour's stays the same."""

import shlex
from collections.abc import Iterator

import pytest

from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.lab.extras.ovn import OvnNetwork, restart_neutron
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states
from tests.scenarios.registry import scenario

OTHER = "node2"


@pytest.fixture(scope="module")
def ovn(lab: Lab) -> Iterator[OvnNetwork]:
    """ML2/OVN in the lab, for this module only."""
    lab.extras.start("ovn")
    yield OvnNetwork(lab.extras.place("ovn"))
    lab.extras.remove("ovn")


def chassis(ovn: OvnNetwork, table: str = "Chassis") -> dict[str, str]:
    """Name -> uuid of the records of OVN."""
    listed = ovn.sbctl(
        "--bare", "--no-heading", "--format=csv", "--columns=name,_uuid", "list", table
    )
    return dict(line.split(",") for line in listed.split())


@scenario(
    "X16",
    state="ML2/OVN: the machine died, its chassis is still in the southbound database; another "
    "time only Chassis_Private is left",
    by_hand="leaves the chassis, and neutron gives new routers to it",
    does="deletes the agents when two readings show them dead, and the chassis with them; names "
    "a Chassis_Private without chassis with the commands that cure",
    result="clean in OVN too; the chassis of the neighbour has the same uuid",
)
def test_dead_chassis(lab: Lab, decom: NovaDecom, host: str, ovn: OvnNetwork) -> None:
    """The end state is read from OVN itself."""
    for name in (host, OTHER):
        ovn.start_chassis(name)
    wait_until(lambda: {host, OTHER} <= set(chassis(ovn)), timeout=30, what="the chassis")
    before = chassis(ovn)
    states.stopped(lab, host)
    states.await_down(lab, host)
    ovn.kill_chassis(host)
    assert host in {a["host"] for a in calls.network(lab, "GET", "/agents")["agents"]}

    ran = decom.remove(host, "--offline", "--settle", "2")

    assert ran.code == 0, ran.out + ran.err
    assert "delete-agents delete" in ran.changes("done")
    assert host not in chassis(ovn)
    assert host not in chassis(ovn, "Chassis_Private")
    assert chassis(ovn)[OTHER] == before[OTHER]

    ovn.sbctl("create", "Chassis_Private", f"name={host}")
    restart_neutron(lab.extras.place("ovn"), with_ovn=True)
    left = decom("verify", host, "-f", "json")
    (trace,) = left.host["leftovers"]
    assert (left.code, trace["kind"], trace["target"]) == (3, "ovn-chassis", host)
    audited = decom("audit", "-f", "json")
    found = [t["remedy"] for h in audited.json["hosts"] for t in h["leftovers"]]
    assert found.count(trace["remedy"]) == 1

    in_ovn, in_neutron = trace["remedy"].split("; ")
    program, *cure = shlex.split(in_ovn)
    assert (program, in_neutron) == ("ovn-sbctl", f"openstack network agent delete {host}")
    ovn.sbctl(*cure)
    calls.network(lab, "DELETE", f"/agents/{host}")

    assert host not in chassis(ovn, "Chassis_Private")
    verified = decom("verify", host, "-f", "json")
    assert (verified.code, verified.host["leftovers"]) == (0, []), verified.out
