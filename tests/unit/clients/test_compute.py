# SPDX-License-Identifier: Apache-2.0
"""Nova's API: what a token may not see is not taken for what is not there."""

from __future__ import annotations

import pytest

from nova_decom.clients.openstack.compute import Compute
from nova_decom.errors import MissingRightError
from nova_decom.model.cloud import TERMINAL_MIGRATIONS

SERVER = {
    "id": "s1",
    "name": "web",
    "status": "ACTIVE",
    "flavor": {},
    "OS-EXT-SRV-ATTR:host": "node1",
    "OS-EXT-STS:task_state": None,
}
MIGRATION = {
    "id": 5,
    "uuid": "m1",
    "instance_uuid": "s1",
    "status": "running",
    "source_compute": "node1",
    "dest_compute": None,
}


class Api:
    """Answers with these entries, in one page each; ``asked`` are the filters."""

    def __init__(self, servers=(), migrations=(), groups=()):
        """Of each list."""
        self.lists = {"servers": servers, "migrations": migrations, "server_groups": groups}
        self.asked = []

    def get(self, _service, path, _wanted, **params):
        """The whole list, then the empty page behind it."""
        self.asked.append(params)
        key = next(k for k in self.lists if k in path.replace("-", "_"))
        is_behind = "marker" in params or "offset" in params
        return {key: [] if is_behind else list(self.lists[key])}

    def find(self, _service, _path, _wanted):
        """The first server."""
        return {"server": self.lists["servers"][0]}


def without(entry, field):
    """The entry, as a token without a right gets it."""
    return {k: v for k, v in entry.items() if k != field}


READS = {
    "of a host": lambda c: c.servers_of(["node1"]),
    "of all": lambda c: c.servers(),
    "one of them": lambda c: c.server("s1"),
    "any": lambda c: c.one_server(),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    ("field", "right"),
    [
        ("OS-EXT-SRV-ATTR:host", "os_compute_api:os-extended-server-attributes"),
        ("OS-EXT-STS:task_state", "os_compute_api:os-extended-status"),
    ],
)
def test_a_server_whose_host_is_not_shown_is_not_elsewhere(read, field, right):
    """The error names the right that the token lacks."""
    with pytest.raises(MissingRightError, match=right):
        read(Compute(Api(servers=(without(SERVER, field),))))


@pytest.mark.parametrize("host", [None, "", "node2"])
def test_a_server_on_no_host_or_another_is_not_this_hosts(host):
    """A host that is shown as None is one that the server does not have."""
    compute = Compute(Api(servers=(SERVER, SERVER | {"id": "s2", "OS-EXT-SRV-ATTR:host": host})))

    assert [s.id for s in compute.servers_of(["node1"])] == ["s1"]
    assert [s.host for s in compute.servers()] == ["node1", host or ""]


MIGRATION_READS = {
    "of hosts": lambda c: c.migrations_of(["node1"]),
    "of all": lambda c: c.migrations(),
    "the newest": lambda c: c.newest_migrations("node1"),
    "any": lambda c: c.one_migration(),
}


@pytest.mark.parametrize("read", MIGRATION_READS.values(), ids=MIGRATION_READS)
def test_a_migration_whose_hosts_are_not_shown_is_not_elsewhere(read):
    """Nova 32 and newer shows None for both."""
    hidden = MIGRATION | {"source_compute": None}

    with pytest.raises(MissingRightError, match="os-migrations:index:host"):
        read(Compute(Api(migrations=(hidden,))))


STATUSES = ("running", "running (post-copy)", "finished", "a status of a release to come")


def test_migrations_that_are_not_over_are_told_by_no_list_of_ours():
    """Nova is asked without a status; what it does not call over goes on."""
    entries = [
        MIGRATION | {"uuid": f"m{n}", "status": status}
        for n, status in enumerate((*STATUSES, *sorted(TERMINAL_MIGRATIONS)))
    ]
    api = Api(migrations=entries)

    assert [m.status for m in Compute(api).migrations()] == list(STATUSES)
    assert [sorted(asked) for asked in api.asked] == [["limit"], ["limit", "marker"]]


def test_open_evacuations_are_listed_with_those_that_are_not_over():
    """Of many hosts without databases, no other list shows them."""
    entries = [
        MIGRATION | {"uuid": f"{kind}, {status}", "migration_type": kind, "status": status}
        for kind in ("evacuation", "live-migration")
        for status in ("done", "completed")
    ]

    assert [m.uuid for m in Compute(Api(migrations=entries)).migrations()] == ["evacuation, done"]


def test_migrations_of_two_cells_have_the_same_ids():
    """The uuid tells them apart."""
    other = MIGRATION | {"uuid": "m2", "source_compute": "node2"}

    found = Compute(Api(migrations=(MIGRATION, other))).migrations_of(["node1", "node2"])

    assert [(m.id, m.uuid) for m in found] == [(5, "m1"), (5, "m2")]


SHOWN = [
    ("below 2.96", {}, (None, False)),
    ("pinned", {"pinned_availability_zone": "az2"}, ("az2", True)),
    ("pinned to none", {"pinned_availability_zone": None}, (None, True)),
]


@pytest.mark.parametrize(("more", "pin"), [pytest.param(m, p, id=c) for c, m, p in SHOWN])
def test_the_zone_to_which_a_server_is_pinned(more, pin):
    """Not shown is not the same as none."""
    found = Compute(Api(servers=(SERVER | more,))).server("s1")

    assert (found.pinned_zone, found.pin_is_known) == pin


class Manila:
    """Nova of a microversion, in a cloud with manila or without; one server has shares."""

    def __init__(self, newest, *, has_manila):
        """This is the newest microversion."""
        self.newest, self.has_manila = newest, has_manila

    def microversion(self, _service, wanted):
        """The wanted one, if it is known."""
        return min(wanted, self.newest)

    def has(self, service):
        """By the catalogue."""
        assert service == "shared-file-system"
        return self.has_manila

    def find(self, _service, path, wanted):
        """The shares of a server; of one that is gone there is no answer."""
        assert wanted == "2.97"
        shares = {"/servers/a/shares": [{"share_id": "s"}], "/servers/b/shares": []}
        return {"shares": shares[path]} if path in shares else None


@pytest.mark.parametrize(
    ("newest", "has_manila", "may"),
    [("2.97", True, True), ("2.97", False, False), ("2.96", True, False)],
)
def test_shares_are_asked_for_where_there_may_be_some(newest, has_manila, may):
    """Each server costs a request."""
    assert Compute(Manila(newest, has_manila=has_manila)).may_have_shares() is may


def test_a_server_has_shares():
    """Or none; one that was deleted has none."""
    compute = Compute(Manila("2.97", has_manila=True))

    assert [compute.has_share(s) for s in "abc"] == [True, False, False]


def test_image_properties_of_a_server():
    """As nova shows them from 2.98; below there are none."""
    image = {"id": "i", "properties": {"hw_tpm_version": "2.0", "hw_mem_encryption": True}}

    for shown, known in ((image, 2), ({"id": "i"}, 0), ("", 0)):
        found = Compute(Api(servers=(SERVER | {"image": shown},))).server("s1")
        assert len(found.image_properties) == known
        assert all(isinstance(value, str) for _, value in found.image_properties)


DISKS = [
    ("a volume", {"image": ""}, {}, False),
    ("an image", {"image": {"id": "i1"}}, {}, True),
    ("a volume, with an ephemeral disk", {"image": ""}, {"ephemeral": 1}, True),
    ("a volume, with swap", {"image": ""}, {"swap": 512}, True),
    ("a volume, without swap", {"image": ""}, {"ephemeral": 0, "swap": ""}, False),
]


@pytest.mark.parametrize(
    ("server", "flavor", "local"), [pytest.param(*rest, id=c) for c, *rest in DISKS]
)
def test_a_server_has_a_local_disk(server, flavor, local):
    """It boots from an image, or its flavor has a disk beside the root disk."""
    api = Api(servers=(SERVER | server | {"flavor": {"extra_specs": {}, **flavor}},))

    assert Compute(api).server("s1").has_local_disk is local


def test_the_times_at_which_records_changed():
    """As nova writes them; there are none where it never changed a record."""
    moment = "2026-11-23T04:00:00Z"
    api = Api([SERVER | {"updated": moment}], [MIGRATION | {"updated_at": moment}])

    assert Compute(api).servers()[0].updated_at == moment
    assert Compute(api).migrations()[0].updated_at == moment
    assert Compute(Api([SERVER])).servers()[0].updated_at is None


def test_a_server_of_a_cell_that_does_not_answer_is_on_no_host():
    """Nova shows its id and UNKNOWN (from 2.69), and not its host."""
    (one,) = Compute(Api(servers=({"id": "s1", "status": "UNKNOWN"},))).servers()

    assert (one.id, one.host, one.status) == ("s1", "", "UNKNOWN")


RULES = [
    ({"policy": "anti-affinity", "rules": {"max_server_per_host": 3}}, ("anti-affinity", 3)),
    ({"policy": "anti-affinity", "rules": {}}, ("anti-affinity", 1)),
    ({"policies": ["affinity"]}, ("affinity", 1)),
    ({"policies": []}, ("", 1)),
]


@pytest.mark.parametrize(("more", "wanted"), RULES)
def test_the_policy_and_the_rule_of_a_server_group(more, wanted):
    """One policy with its rules from 2.64, a list of policies before."""
    api = Api(groups=({"id": "g1", "name": "g", "members": ["s1"]} | more,))

    (group,) = Compute(api).server_groups()

    assert (group.policy, group.max_per_host) == wanted
    assert group.members == ("s1",)


@pytest.mark.parametrize(
    ("newest", "deletes"), [("2.87", False), ("2.88", False), ("2.90", True), ("2.104", True)]
)
def test_only_nova_before_xena_fails_to_delete_a_service_without_node(newest, deletes):
    """Victoria and Wallaby have point releases that can; their microversion is the same."""
    api = Api()
    api.microversion = lambda _service, wanted: wanted if deletes else newest

    assert Compute(api).deletes_without_node() is deletes
