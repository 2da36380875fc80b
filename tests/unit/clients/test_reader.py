# SPDX-License-Identifier: Apache-2.0
"""Parts of the cloud that several systems tell: which one is asked, and what is believed."""

from __future__ import annotations

from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from nova_decom.clients.consumers import Clients
from nova_decom.clients.destinations import Destinations
from nova_decom.clients.heartbeats import Heartbeats
from nova_decom.clients.host_history import HostHistory
from nova_decom.clients.openstack.listing import Paging, read_list
from nova_decom.clients.reader import CloudReader
from nova_decom.clients.readings import BY_HOST, Readings
from nova_decom.clock import Clock
from nova_decom.errors import MissingRightError, UnavailableError
from nova_decom.model.cloud import ComputeNode, Port, ServerGroup
from nova_decom.model.host import HostIdentity
from nova_decom.model.own_providers import own_providers
from nova_decom.model.request import Part, Servers
from nova_decom.model.resource_query import ResourceQuery
from nova_decom.registrars import PLANNED_PARTS
from nova_decom.registrars.agent_records import NAME
from nova_decom.registrars.ovn_agents import GHOST_HOST
from tests.unit.build import (
    NODE,
    agent,
    allocation,
    database,
    node,
    node_row,
    provider,
    request,
    server,
    service,
)

PARTS = frozenset({Part.SERVICES, Part.DATABASE, Part.COMPUTE_NODES, Part.PROVIDERS})
NODES, ALIEN = "api", ComputeNode("alien", "node2", "node1", "QEMU")


class Compute:
    """Nova's API; notes when it is asked for all compute nodes, which takes it long."""

    def __init__(self, *hosts):
        """These hosts have a service, all with an answer of their own."""
        self.hosts, self.asked = hosts, 0

    def services(self, host=None):
        """All, or those of one host."""
        return tuple(
            service(id=f"of {h}", host=h, status="enabled")
            for h in self.hosts
            if host in {None, h}
        )

    def deletes_without_node(self):
        """Not a nova of before Xena."""
        return False

    def server_groups(self):
        """There are none."""
        return ()

    def newest_microversion(self):
        """That of nova 34."""
        return "2.104"

    def may_have_shares(self):
        """There is no manila."""
        return False

    def compute_nodes(self):
        """What the API tells, and no rows do."""
        self.asked += 1
        return (node("node1", uuid=NODES), ALIEN)


class Databases:
    """The databases; ``owners`` are rows of other hosts, told by uuid only."""

    def __init__(self, rows, owners=(), *, all_cells=True):
        """Rows of compute nodes, by host."""
        self.rows, self.owners, self.asked = rows, owners, []
        self.api = object() if all_cells else None

    def facts(self, hosts):
        """The rows of these hosts."""
        return {h: database(compute_nodes=self.rows.get(h, ()), services=()) for h in hosts}

    def compute_nodes(self, uuids):
        """Whose these are."""
        self.asked.append(set(uuids))
        return tuple(r for r in self.owners if r.uuid in uuids)

    def oldest_compute(self):
        """Of all cells."""
        return 74

    def checks(self):
        """Nothing to object to."""
        return ()

    def report_counts(self, _hosts, _ids):
        """Nobody beats."""
        return {}


def readings(compute, databases, *providers):
    """Readings of a cloud with these providers and no network service."""
    placement = SimpleNamespace(providers=lambda: providers, free=dict)
    network = SimpleNamespace(available=lambda: False)
    access = SimpleNamespace(has=lambda _service: False)
    clients = Clients(compute, placement, network, databases, None, access)
    history, clock = HostHistory(lambda _host: None), Clock()
    heartbeats = Heartbeats(history, databases, frozenset(), clock)
    return Readings(clients, request(), history, heartbeats, lambda _kind, _names: None, clock)


def reader(found):
    """A reader that fills the readings."""
    has_rows = found._clients.databases is not None
    return CloudReader(found, found._heartbeats, found._clock, has_rows=has_rows)


def read(found, *hosts, parts=PARTS):
    """Read these parts of the hosts; the compute nodes by host."""
    reader(found).read(dict.fromkeys(hosts, parts))
    return {h: [n.uuid for n in found.view.compute_nodes if n.host == h] for h in hosts}


def test_compute_nodes_come_from_the_rows_of_all_cells():
    """The API is not asked: it looks up the service of each node that there is."""
    compute = Compute("node1", "node2")
    rows = {
        "node1": (node_row(1), node_row(2, uuid="older", deleted=2)),
        # Of another host, tied to the service of this one: not a node of this host.
        "node2": (node_row(3, uuid="its own", host="node2"), node_row(4, uuid="tied")),
    }

    found = read(readings(compute, Databases(rows)), "node1", "node2")

    assert found == {"node1": [NODE], "node2": ["its own"]}
    assert compute.asked == 0


@pytest.mark.parametrize("databases", [None, Databases({}, all_cells=False)])
def test_compute_nodes_come_from_the_api_where_not_all_rows_are_read(databases):
    """Without databases, or with some cells only, a node may be where nobody looks."""
    compute = Compute("node1")

    assert read(readings(compute, databases), "node1") == {"node1": [NODES]}
    assert compute.asked == 1


def test_compute_nodes_come_from_the_api_in_a_look_without_rows():
    """Rows of an earlier look are old."""
    compute = Compute("node1")
    found = readings(compute, Databases({"node1": (node_row(1),)}))
    read(found, "node1")

    assert read(found, "node1", parts=PARTS - {Part.DATABASE}) == {"node1": [NODES]}


def test_a_compute_node_without_a_service_is_not_shown():
    """As the API hides it: it is found among the rows."""
    found = read(readings(Compute("node2"), Databases({"node1": (node_row(1),)})), "node1")

    assert found == {"node1": []}


def test_a_node_that_is_gone_from_the_rows_is_gone():
    """Nothing of the look before stays; the nodes of hosts that were not asked for do."""
    databases = Databases(
        {"node1": (node_row(1),), "node2": (node_row(2, uuid="two", host="node2"),)}
    )
    found = readings(Compute("node1", "node2"), databases)
    read(found, "node1", "node2")
    databases.rows.clear()

    assert read(found, "node1") == {"node1": []}
    assert [n.uuid for n in found.view.compute_nodes] == ["two"]


OWNER = node_row(9, uuid="alien", host="node2", hypervisor_hostname="node1")


@pytest.mark.parametrize(
    ("owners", "ours"),
    [((OWNER,), []), ((replace(OWNER, host="gone"),), []), ((), ["alien"])],
    ids=["of a living host", "of a host without service", "of nobody"],
)
def test_a_provider_of_our_name_is_ours_only_if_it_is_no_other_hosts_node(owners, ours):
    """A host that was renamed keeps its node, and a provider with the old name."""
    databases = Databases({"node1": (node_row(1),)}, owners)
    providers = (provider(NODE, "node1"), provider("alien", "node1"), provider("x", "node3"))
    found = readings(Compute("node1", "node2"), databases, *providers)
    read(found, "node1")

    assert databases.asked == [{NODE, "alien"}]
    mine = own_providers(found.view, "node1", found.identity("node1"))
    assert [p.uuid for p in mine] == [NODE, *ours]

    # Who has it now counts, not who had it at the look before.
    databases.owners = ()
    read(found, "node1")
    mine = own_providers(found.view, "node1", found.identity("node1"))
    assert [p.uuid for p in mine] == [NODE, "alien"]


def test_a_provider_that_is_another_hosts_node_too_is_not_ours():
    """Nova keeps uuids apart within a cell: our own node says nothing of the other cells."""
    elsewhere = node_row(9, uuid=NODE, host="node2")
    databases = Databases({"node1": (node_row(1),)}, (node_row(1), elsewhere))
    found = readings(Compute("node1", "node2"), databases, provider(NODE, "node1"))
    read(found, "node1")

    assert own_providers(found.view, "node1", found.identity("node1")) == ()


def test_a_cloud_without_room_has_no_hosts_with_room():
    """Placement names no provider, and no row is asked for."""
    databases = Databases({"node1": (node_row(1),)})
    found = readings(Compute("node1"), databases)
    found._request = request(servers=Servers.LIVE)
    found._keep(servers=(server(),))
    reader(found).read({"node1": frozenset({Part.ROOM})})

    assert found.view.rooms == ()


def test_each_reader_comes_after_those_of_the_parts_that_it_uses():
    """Rows tell of nodes and migrations, nodes which providers may be ours, and these of more."""
    parts = [reader.part for reader in readings(Compute(), None).parts]

    for position, reader in enumerate(readings(Compute(), None).parts):
        assert set(reader.after) <= set(parts[:position])
    assert {Part.SERVICES, *parts} == PLANNED_PARTS


def test_every_right_that_the_token_lacks_is_named_at_once():
    """And nothing is believed of the host."""

    def refuse(right):
        def read(*_hosts):
            raise MissingRightError(f"the token lacks {right}", "give it")

        return read

    compute = Compute("node1")
    compute.servers_of, compute.migrations_of = refuse("servers"), refuse("migrations")
    compute.aggregates = tuple
    found = readings(compute, None)

    with pytest.raises(MissingRightError, match="lacks servers; the token lacks migrations"):
        read(found, "node1", parts=frozenset({Part.SERVERS, Part.MIGRATIONS, Part.AGGREGATES}))


#: policy, members, hosts of the members, servers that are read one by one
GROUPS = [
    ("anti-affinity", ("id-of-web", "b", "c"), {"id-of-web": "node1", "b": "node2"}, ["b", "c"]),
    ("anti-affinity", ("b", "c"), {}, []),
    ("affinity", ("id-of-web", "b"), {}, []),
    ("soft-anti-affinity", ("id-of-web", "b"), {}, []),
]


@pytest.mark.parametrize(("policy", "members", "hosts", "read_singly"), GROUPS)
def test_the_hosts_of_members_are_read_where_they_decide(policy, members, hosts, read_singly):
    """Only anti-affinity asks for them, and only for a server that leaves; "c" has no host."""
    asked = []

    def one(identity):
        asked.append(identity)
        return server("b", id="b", host="node2") if identity == "b" else server("c", host="")

    compute = Compute("node1")
    compute.server_groups = lambda: (ServerGroup("g", policy, members),)
    compute.server = one
    found = readings(compute, Databases({}))
    found._request = request(servers=Servers.LIVE)
    found._keep(servers=(server(),))
    reader(found).read({"node1": frozenset({Part.ROOM})})

    (group,) = found.view.groups
    assert dict(group.hosts) == hosts
    assert asked == read_singly


@pytest.mark.parametrize(
    ("hosts", "names", "asked"),
    [
        (["node1"], {"node1"}, {"node1"}),
        (["node1"], {"node1", "hv1.lan"}, {"hv1.lan", "node1"}),
        (["node1", "node2"], {"node1", "hv1.lan"}, None),
    ],
    ids=["one name", "its hypervisor has another", "several hosts"],
)
def test_agents_are_asked_for_by_every_name_of_a_host(hosts, names, asked):
    """One call for all names of a single host, and one for all agents of many hosts."""
    calls = []

    def listed(service, path, key, _version, host=None):
        assert (service, path, key) == ("network", "/agents", "agents")
        calls.append(host and {*host} - {GHOST_HOST})
        known = (agent(id="a"), agent(id="b", host="hv1.lan"), agent(id="c", host="node2"))
        return [asdict(a) for a in known if host is None or a.host in host]

    found = readings(Compute(*hosts), None)
    found._clients = replace(
        found._clients, access=SimpleNamespace(has=lambda _service: True, list=listed)
    )
    found._history.add("node1", identity=HostIdentity(names=frozenset(names)))
    read(found, *hosts, parts={NAME})
    read(found, *hosts, parts={NAME})

    assert calls == [asked, asked]
    expected = {"a"} | ({"b"} if "hv1.lan" in names else set()) | (set() if asked else {"c"})
    assert sorted(a.id for a in found.view.registrars[NAME].agents) == sorted(expected)


@pytest.mark.parametrize("gone", [True, False])
def test_a_provider_without_answer_is_gone_only_if_it_is_no_longer_listed(gone):
    """Nova deletes it with the service; a proxy that answers 404 proves nothing."""
    own = provider(uuid=NODE, name="node1", root=NODE)
    found = readings(Compute("node1"), Databases({"node1": (node_row(uuid=NODE),)}), own)
    read(found, "node1")
    placement = found._clients.placement
    placement.allocations = lambda _uuid: None
    placement.providers = lambda: () if gone else (own,)

    if gone:
        read(found, "node1", parts=frozenset({Part.ALLOCATIONS}))
        assert (found.view.providers, found.view.allocations) == ((), ())
    else:
        with pytest.raises(UnavailableError, match="answers 404"):
            read(found, "node1", parts=frozenset({Part.ALLOCATIONS}))


def moving(compute, databases=None, hosts=("node1", "node2")):
    """Readings of a run that moves one server off each of these hosts."""
    found = readings(compute, databases)
    found._request = request(servers=Servers.LIVE)
    found._keep(servers=tuple(server(f"of-{h}", host=h) for h in hosts))
    return found


ROOM = frozenset({Part.ROOM})


@pytest.mark.parametrize(
    ("databases", "oldest"),
    [(None, None), (Databases({}, all_cells=False), None), (Databases({}), 74)],
    ids=["none", "one cell", "all cells"],
)
def test_the_oldest_compute_is_known_where_all_cells_are_read(databases, oldest):
    """Nova asks all cells for it."""
    found = moving(Compute("node1"), databases)
    reader(found).read({"node1": ROOM})

    assert (found.view.nova.release, found.view.nova.computes) == (34, oldest)


def test_ports_are_read_by_one_list_for_each_host():
    """Those of hosts that are not read again stay as they were."""
    asked = []

    def ports(host):
        asked.append(host)
        return (Port(f"id-of-of-{host}", f"type {len(asked)}"),)

    found = moving(Compute("node1", "node2"))
    found._clients.network.available = lambda: True
    found._clients.network.ports = ports
    reader(found).read({"node1": ROOM, "node2": ROOM, "node3": ROOM})
    reader(found).read({"node2": ROOM})

    assert asked == ["node1", "node2", "node2"]
    assert [p.vnic_type for p in found.view.ports] == ["type 1", "type 3"]


@pytest.mark.parametrize(
    ("manila", "asked", "found"),
    [(True, ["id-of-of-node1", "id-of-of-node2"], {"id-of-of-node2"}), (False, [], set())],
)
def test_each_server_is_asked_once_for_its_shares(manila, asked, found):
    """And only in a cloud with manila."""
    seen, compute = [], Compute("node1", "node2")
    compute.may_have_shares = lambda: manila
    compute.has_share = lambda identity: seen.append(identity) or identity.endswith("2")
    reading = moving(compute)
    reader(reading).read({"node1": ROOM, "node2": ROOM})
    reader(reading).read({"node1": ROOM})

    assert seen == asked
    assert reading.view.with_shares == found


@pytest.mark.parametrize("number", [2, BY_HOST, BY_HOST + 1])
def test_hosts_of_servers_that_have_no_service_are_found(number):
    """All servers are read once: of many hosts they were."""
    names = [f"node{n}" for n in range(number)]
    compute, read_lists = Compute(*names), []
    listed = (server(host="node0"), server(host="old"), server(host=""))
    compute.servers = lambda: read_lists.append(1) or listed
    compute.servers_of = lambda _hosts: ()
    found = readings(compute, None)
    found.services(None)
    reader(found).beside_services(dict.fromkeys(names, frozenset({Part.SERVERS})))

    assert found.hosts_without_service() == ("old",)
    assert read_lists == [1]


@pytest.mark.parametrize(
    ("others", "hosts", "asked"),
    [
        (10, ["node1"], ["node1"]),
        (10, ["node1", "node2"], [None]),
        (98, ["node1", "node2"], ["node1", "node2"]),
        (98, ["node1", "node2", "node3"], [None]),
    ],
)
def test_services_of_a_few_hosts_of_a_large_cloud_are_read_by_host(others, hosts, asked):
    """The list of all takes nova longer the larger the cloud is; a plan needs it all the same."""
    seen, compute = [], Compute(*hosts, *(f"other{n}" for n in range(others)))
    found = readings(compute, None)
    found.services(None)
    read_services = compute.services
    compute.services = lambda host=None: seen.append(host) or read_services(host)

    read(found, *hosts, parts=frozenset({Part.SERVICES}))

    assert seen == asked
    assert {s.host for s in found.view.services} == set(compute.hosts)


def test_nova_is_not_asked_for_servers_and_migrations_of_which_no_row_tells():
    """Where the rows of all cells were read, and unless servers move, whose ends no row tells."""
    parts = frozenset({Part.DATABASE, Part.SERVERS, Part.MIGRATIONS})
    full, busy = database(instances=("row",)), database(active_migrations=("row",))
    rows = {"empty": database(), "full": full, "busy": busy}
    databases = Databases({})
    databases.facts = lambda hosts: {host: rows[host] for host in hosts}
    for servers, asked in ((Servers.REFUSE, ["busy"]), (Servers.AUTO, [*rows])):
        seen, compute = [], Compute(*rows)
        compute.servers_of = lambda hosts, seen=seen: seen.append(list(hosts)) or ()
        compute.migrations_of = compute.servers_of
        found = readings(compute, databases)
        found._request = request(servers=servers)
        reader(found).beside_services(dict.fromkeys(rows, parts))

        assert seen == [["full"], asked]


def test_placement_is_asked_once_for_each_flavor_and_image():
    """Of what only some hosts have; images are read once in a run."""
    fast, asked, images = (("trait:FAST", "required"),), [], []
    plain = server("plain")
    same = [server(f"f{n}", extra_specs=fast, image="i") for n in range(3)]
    held = [allocation(consumer=s.id, resources=(("VCPU", 1),)) for s in (plain, *same)]

    def roots_with(query):
        asked.append(query)
        return frozenset({NODE, "unknown"})

    found = moving(Compute("node1"), Databases({"node2": (node_row(1, host="node2"),)}))
    found._clients.databases.owners = (node_row(1, host="node2"),)
    found._clients.placement.roots_with = roots_with

    def image(identity):
        images.append(identity)
        return {"trait:B": "x"}

    found._destinations = Destinations(replace(found._clients, image=image))
    found._keep(servers=(plain, *same), allocations=tuple(held))
    reader(found).read({"node1": ROOM})
    reader(found).read({"node1": ROOM})

    query = ResourceQuery((("VCPU", 1),), ("FAST",))
    assert asked == [query, query]
    assert images == ["i"]
    assert found.view.fitting == {query: {"node2"}}
    assert found.view.images == {"i": {"trait:B": "x"}}


def test_a_question_without_answer_leaves_its_servers_unjudged():
    """No host is ruled out by it."""
    web = server(extra_specs=(("trait:UNKNOWN", "required"),))
    found = moving(Compute("node1"))
    found._clients.placement.roots_with = lambda _query: None
    found._keep(servers=(web,), allocations=(allocation(),))
    reader(found).read({"node1": ROOM})

    assert found.view.fitting == {}


def test_a_list_without_links_is_taken_as_it_is_though_its_entries_have_no_id():
    """Cinder's services have none."""

    class Whole:
        def get(self, *_what, **_params):
            """A list that is not cut."""
            return {"services": [{"host": "node1@lvm"}, {"host": "node2@lvm"}]}

    found = read_list(Whole(), "block-storage", "/os-services", "services", paging=Paging.LINKS)

    assert [entry["host"] for entry in found] == ["node1@lvm", "node2@lvm"]
