# SPDX-License-Identifier: Apache-2.0
"""Every list of every service is read whole, whatever hides in its pages."""

import json

import pytest

from nova_decom.clients.access import LiveAccess
from nova_decom.clients.openstack.compute import Compute
from nova_decom.clients.openstack.placement import Placement
from nova_decom.errors import MissingRightError, UnavailableError
from nova_decom.exit_codes import ExitCode
from tests.chaos.process import NEIGHBOURS
from tests.database.rows import CellRows
from tests.faults import proxy
from tests.faults.openstack import Limits
from tests.faults.proxy import Rule

pytestmark = pytest.mark.usefixtures("rows")

HOSTS = ("node1", *NEIGHBOURS)
OVER, HIDDEN = {"status": "completed"}, {"status": "completed", "hidden": 1}


@pytest.fixture
def rows(cloud):
    """Ghosts among the compute nodes, servers, and migrations of every kind."""
    with cloud.site.server.connect() as connection:
        cell = CellRows(connection, "nova")
        for number in range(3):
            cell.compute_node(f"ghost{number}")
            cell.compute_node("node2", f"node2.{number}")
        for number in range(7):
            cell.instance("node1" if number % 2 else "node2", display_name=f"web{number}")
        for more in (HIDDEN, {}, HIDDEN, OVER, HIDDEN, {"status": "running (post-copy)"}):
            cell.migration("node1", "node2", **({"status": "running"} | more))
        state = cloud.openstack.state
        for number in range(5):
            state.groups[str(number)] = {
                "id": str(number),
                "name": f"group{number}",
                "policy": "affinity",
                "members": [],
            }
            state.agents[f"agent{number}"] = {
                "id": f"agent{number}",
                "binary": "neutron-openvswitch-agent",
                "agent_type": "Open vSwitch agent",
                "host": HOSTS[number % 4],
                "alive": True,
            }
        state.write()
        yield cell


LISTS = {
    "compute nodes": lambda api: Compute(api).compute_nodes(),
    "servers": lambda api: Compute(api).servers(),
    "servers of a host": lambda api: Compute(api).servers_of(HOSTS),
    "migrations": lambda api: Compute(api).migrations(),
    "migrations of a host": lambda api: Compute(api).migrations_of(HOSTS),
    "server groups": lambda api: Compute(api).server_groups(),
    "services": lambda api: Compute(api).services(),
    "aggregates": lambda api: Compute(api).aggregates(),
    "providers": lambda api: Placement(api).providers(),
    "agents": lambda api: LiveAccess(api).list("network", "/agents", "agents"),
}


@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
def test_short_pages_hide_nothing(cloud, read):
    """With hidden entries in a page it is short, and nova gives no link; the list goes on."""
    api = cloud.api()
    whole = read(api)
    assert whole

    for limit in (2, 3, 4):
        cloud.openstack.limits = Limits(nova=limit, neutron=limit)
        assert read(api) == whole


CUT = [name for name in LISTS if name not in {"services", "aggregates", "providers"}]


@pytest.mark.parametrize("name", [n for n in CUT if n != "server groups"])
def test_a_front_end_that_drops_the_marker(cloud, name):
    """The same page again is an error that says so, and not the end of the list."""
    cloud.openstack.limits = Limits(nova=2, neutron=2, ignores_marker=True)

    with pytest.raises(UnavailableError, match="a page repeats") as caught:
        LISTS[name](cloud.api())

    assert caught.value.exit_code == ExitCode.UNAVAILABLE


REQUESTS = {
    "compute nodes": ("GET /compute/v2.1/os-hypervisors", 2),
    "servers": ("GET /compute/v2.1/servers", 2),
    "migrations": ("GET /compute/v2.1/os-migrations", 2),
    "server groups": ("GET /compute/v2.1/os-server-groups", 2),
    "services": ("GET /compute/v2.1/os-services", 1),
    "aggregates": ("GET /compute/v2.1/os-aggregates", 1),
    "providers": ("GET /placement/resource_providers", 1),
    "agents": ("GET /network/v2.0/agents", 1),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_a_list_costs(cloud, name):
    """One request, and one more for the empty page where a service cuts."""
    request, count = REQUESTS[name]
    script = cloud.proxy.play()
    LISTS[name](cloud.api())

    assert script.count(request) == count


HIDDEN_FIELDS = {
    "os-extended-server-attributes": "OS-EXT-SRV-ATTR:host",
    "os-extended-status": "OS-EXT-STS:task_state",
}


@pytest.mark.parametrize(("right", "field"), HIDDEN_FIELDS.items())
def test_a_token_that_may_not_see_where_servers_are(cloud, right, field):
    """The host is not empty: nothing is changed, and the error names the right."""
    cloud.openstack.limits = Limits(hidden_fields=frozenset({field}))

    with pytest.raises(MissingRightError, match=right):
        Compute(cloud.api()).servers_of(["node1"])


def test_a_token_that_may_not_see_where_migrations_go(cloud):
    """Nova shows None for both hosts."""
    hidden = frozenset({"source_compute", "dest_compute"})
    cloud.openstack.limits = Limits(hidden_fields=hidden)

    with pytest.raises(MissingRightError, match="os-migrations:index:host"):
        Compute(cloud.api()).migrations_of(["node1"])


@pytest.mark.parametrize("field", HIDDEN_FIELDS.values())
def test_a_removal_by_such_a_token_changes_nothing(cloud, field):
    """The live servers of the host keep their allocations, and nova-compute runs on."""
    cloud.openstack.limits = Limits(hidden_fields=frozenset({field}))

    ended = cloud.remove()

    assert ended.code == ExitCode.UNAVAILABLE
    assert cloud.writes == []


def test_every_right_that_is_missing_is_named_at_once(cloud):
    """Nobody has to ask for one right after the other."""
    hidden = frozenset({"OS-EXT-SRV-ATTR:host", "source_compute", "dest_compute"})
    cloud.openstack.limits = Limits(hidden_fields=hidden)
    cloud.proxy.play(Rule("GET /compute/v2.1/os-aggregates", proxy.status(403), times=99))

    ended = cloud.remove()

    assert (ended.code, cloud.writes) == (ExitCode.UNAVAILABLE, [])
    for right in ("os-extended-server-attributes", "os-migrations:index:host", "/os-aggregates"):
        assert right in json.dumps(ended.output)
