# SPDX-License-Identifier: Apache-2.0
"""The hosts that may take a server, and the reasons why none may."""

from __future__ import annotations

import pytest

from nova_decom.model.cloud import ServerGroup
from nova_decom.model.request import Servers
from nova_decom.moves.candidates import candidates, hosts_for, no_candidate
from tests.unit.build import facts, fleet, neighbour, request, server, service

WEB = server()
CANDIDATES = [
    ("another", neighbour(), ("node2",)),
    ("itself", service(id="second"), ()),
    ("disabled", neighbour(status="disabled"), ()),
    ("down", neighbour(state="down"), ()),
    ("of another zone", neighbour(zone="west"), ("node2",)),
    ("another binary", neighbour(binary="nova-conductor"), ()),
]


@pytest.mark.parametrize(
    ("other", "wanted"), [pytest.param(o, w, id=case) for case, o, w in CANDIDATES]
)
def test_candidates(other, wanted):
    """Hosts to which the scheduler may send servers; the zone is the server's matter."""
    assert candidates(facts(fleet=fleet(service(), other))) == wanted


@pytest.mark.parametrize(("target", "wanted"), [("node3", ("node3",)), ("node9", ())])
def test_a_target_is_the_only_candidate(target, wanted):
    """Where one is named."""
    state = facts(
        request=request(target=target), fleet=fleet(service(), neighbour(), neighbour("node3"))
    )

    assert candidates(state) == wanted


def test_hosts_that_leave_in_the_same_run_are_no_candidates():
    """They are emptied themselves."""
    state = facts(
        request=request(leaving=frozenset({"node1", "node2"})),
        fleet=fleet(service(), neighbour(), neighbour("node3")),
    )

    assert candidates(state) == ("node3",)


TWO_ZONES = fleet(service(), neighbour(), neighbour("node3", zone="west"))
#: the pin of the server; hosts; words of the reason where only the own zone has none
PINS = [
    ("pinned to none", {"pin_is_known": True}, ("node2", "node3")),
    ("to its own", {"pin_is_known": True, "pinned_zone": "nova"}, ("node2",)),
    ("to another than its host's", {"pin_is_known": True, "pinned_zone": "west"}, ("node3",)),
    ("to one without hosts", {"pin_is_known": True, "pinned_zone": "east"}, ()),
    ("not shown by nova", {}, ("node2",)),
]


@pytest.mark.parametrize(("pin", "hosts"), [pytest.param(p, h, id=c) for c, p, h in PINS])
def test_a_pin_bounds_the_hosts_of_its_server(pin, hosts):
    """Below 2.96 nova does not show it, and the zone of its host is assumed."""
    assert hosts_for(facts(fleet=TWO_ZONES), server(**pin)) == hosts


def test_without_a_service_and_a_pin_every_zone_will_do():
    """The zone of the host is not known."""
    state = facts(service=None, fleet=fleet(neighbour(zone="west")))

    assert hosts_for(state, WEB) == ("node2",)


#: the pin, the target; words of the text, words of the cure
OUTSIDE = [
    ({"pin_is_known": True, "pinned_zone": "east"}, None,
     "is pinned to availability zone 'east', where no other enabled host is up", "unset --pinned"),
    ({"pin_is_known": True, "pinned_zone": "nova"}, "node3",
     "is pinned to availability zone 'nova', and --target node3 is in another", "unset --pinned"),
    ({}, "node3",
     "may be pinned to availability zone 'nova', and --target node3 is in another (nova",
     "enable a host in that zone"),
]  # fmt: skip


@pytest.mark.parametrize(("pin", "target", "words", "cure"), OUTSIDE)
def test_a_zone_without_hosts_is_named(pin, target, words, cure):
    """With the assumption, where it is one."""
    why = no_candidate(facts(request=request(target=target), fleet=TWO_ZONES), server(**pin))

    assert words in why.text
    assert cure in why.remedy


OTHERS = fleet(service(), neighbour(), neighbour("node3"))


def group(policy="anti-affinity", /, *where, most=1):
    """A server group of web and of members on these hosts."""
    members = ("id-of-web", *(f"m{n}" for n in range(len(where))))
    on = tuple((m, host) for m, host in zip(members[1:], where, strict=True) if host)
    return ServerGroup("g", policy, members, (("id-of-web", "node1"), *on), most)


#: the group, the hosts left, words of the reason where none is
GROUPS = [
    ("apart, members on other hosts", group("anti-affinity", "node3"), ("node2",), None),
    ("apart, a member everywhere", group("anti-affinity", "node2", "node3"), (),
     "other members are on each host that could take it: node2, node3"),
    ("apart, two members on one host", group("anti-affinity", "node3", "node3"), ("node2",), None),
    ("apart, members without host", group("anti-affinity", "", "", ""), ("node2", "node3"), None),
    ("apart, members on hosts that take none", group("anti-affinity", "x", "y"),
     ("node2", "node3"), None),
    ("apart, one more may come", group("anti-affinity", "node2", "node3", most=2),
     ("node2", "node3"), None),
    ("apart, no more may come", group("anti-affinity", "node2", "node2", most=2),
     ("node3",), None),
    ("together, alone", group("affinity"), ("node2", "node3"), "not even the only one"),
    ("together, others elsewhere", group("affinity", "node2"), ("node2", "node3"), "(affinity)"),
    ("rather together", group("soft-affinity", "node1"), ("node2", "node3"), None),
    ("rather apart", group("soft-anti-affinity", "node2", "node3"), ("node2", "node3"), None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "hosts", "words"), [pytest.param(g, h, w, id=c) for c, g, h, w in GROUPS]
)
def test_server_groups_bound_the_hosts_of_their_members(own, hosts, words):
    """Hosts that have a member count, and not members; groups of others do not."""
    foreign = ServerGroup("other", "affinity", ("somebody",))
    state = facts(groups=(foreign, own), fleet=OTHERS)

    why = no_candidate(state, WEB)

    assert hosts_for(state, WEB) == hosts
    assert (why is None) is (words is None)
    if words:
        assert words in why.text
        assert "openstack server group delete" in why.remedy


def test_three_members_in_three_zones_leave_the_fourth_host_free():
    """One member on each of three hosts; the second host of the first zone is free."""
    hosts = [("node1", "az1"), ("node2", "az1"), ("node3", "az2"), ("node4", "az3")]
    state = facts(
        service=service(zone="az1"),
        groups=(group("anti-affinity", "node3", "node4"),),
        fleet=fleet(*(neighbour(host, zone=zone) for host, zone in hosts)),
    )

    assert no_candidate(state, WEB) is None
    assert hosts_for(state, WEB) == ("node2",)


def test_without_any_candidate_it_is_not_for_the_servers_sake():
    """A guard says so of the host."""
    state = facts(
        groups=(group("affinity"),), request=request(servers=Servers.AUTO), fleet=fleet(service())
    )

    assert no_candidate(state, WEB) is None
