# SPDX-License-Identifier: Apache-2.0
"""Cinder, masakari and blazar: what they list, what a run does there, and what is left."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from nova_decom.errors import ConflictError, MissingRightError
from nova_decom.exit_codes import ExitCode
from nova_decom.guards import judge
from nova_decom.model.plan import Met, Verdict
from nova_decom.model.report import Result
from nova_decom.model.snapshot import CloudSnapshot
from nova_decom.plan.jobs import DRAIN
from nova_decom.plan.leftovers import kept, leftovers
from nova_decom.plan.planner import make_plan
from nova_decom.registrars import with_registrars
from nova_decom.registrars.blazar import Blazar, DeleteReservableHost, ReservableHost
from nova_decom.registrars.cinder import Cinder, CinderService
from nova_decom.registrars.masakari import DeleteSegmentHost, Masakari, SegmentHost
from nova_decom.registrars.project import Records
from nova_decom.verify.audit import AuditSnapshot, audit
from tests.unit import build
from tests.unit.build import absent, facts, ghost, neighbour, request
from tests.unit.world import World

HOST = SegmentHost("h1", "s1", "node1", on_maintenance=False)
RESERVABLE = ReservableHost("7", "node1")
PROJECTS = pytest.mark.parametrize(
    "registrar", [Cinder(), Masakari(), Blazar()], ids=lambda r: r.name
)


def known(name, *records, **what):
    """Facts with these records of a project."""
    return {name: Records(tuple(records), is_there=True, **what)}


class Services:
    """Answers lists by path; every service is in the catalogue."""

    def __init__(self, lists):
        """Path -> entries."""
        self.lists, self.asked = lists, []

    def has(self, _service):
        """It is."""
        return True

    def list(self, _service, path, _key, _version=None, **params):
        """The entries of the path, or a refusal."""
        self.asked.append((path, params))
        if path not in self.lists:
            raise MissingRightError(f"GET {path}: HTTP 403", "give the right")
        return self.lists[path]

    def marked(self, service, path, key, _mark):
        """As a list."""
        return self.list(service, path, key)


MANY = [f"node{n}" for n in range(1, 500)]
LISTS = {
    "/os-services": [
        {"binary": "cinder-volume", "host": f"{host}@lvm", "state": "down"} for host in MANY
    ],
    "/segments": [{"uuid": "s1"}],
    "/segments/s1/hosts": [
        {"uuid": f"u-{host}", "name": host, "on_maintenance": False} for host in MANY
    ],
    "/os-hosts": [{"id": n, "service_name": host} for n, host in enumerate(MANY)],
    "/os-hosts/allocations": [
        {"resource_id": 0, "reservations": [{"lease_id": "l1"}, {"lease_id": "l2"}]}
    ],
}


@PROJECTS
def test_the_requests_do_not_grow_with_the_hosts_and_only_the_hosts_own_count(registrar):
    """node1 is no part of node10, and a ghost is found once."""
    access = Services(LISTS)
    reading = registrar.read(access, None, None)
    view = CloudSnapshot(registrars={registrar.name: reading})

    assert len(access.asked) <= 2
    assert len(reading.records) == len(MANY)
    assert [r.host for r in registrar.of(with_registrars(facts(), view)).records] == ["node1"]
    assert [g.name for g in registrar.ghosts(reading, {"node2", "other"})] == ["node2"]
    assert registrar.check(access).detail == f"{len(MANY)} records of hosts"


def test_an_audit_knows_a_ghost_by_masakari_alone_and_a_machine_of_cinder_is_none():
    """A dead service of cinder may be of a storage node, unless the name is a compute host's."""
    access = Services(LISTS | {"/segments/s1/hosts": LISTS["/segments/s1/hosts"][1:3]})
    readings = {r.name: r.read(access, None, None) for r in (Cinder(), Masakari())}
    view = CloudSnapshot(services=(neighbour("node2"),), registrars=readings)

    traces = audit(AuditSnapshot(view, None))

    found = [(t.host, t.leftover.kind) for t in traces]
    assert [x for x in found if x != ("node2", "compute-service")] == [
        ("node3", "cinder-service"),
        ("node3", "segment-host"),
    ]


@PROJECTS
def test_a_project_that_cannot_be_read_keeps_no_host_from_being_removed(registrar):
    """What it keeps is then unknown, with what to look for by hand."""
    access = Services({})
    view = CloudSnapshot(registrars={registrar.name: registrar.read(access, None, None)})
    state = with_registrars(facts(), view)

    (condition,) = registrar.conditions(state)
    assert condition.met is Met.UNKNOWN
    assert "node1" in condition.remedy
    assert "HTTP 403" in next(t for t in state.unchecked if t.startswith(registrar.name))
    assert registrar.check(access).remedy == registrar.remedy
    assert [f for f in judge(state) if f.verdict is Verdict.BLOCKED] == []


@PROJECTS
def test_a_record_under_the_name_of_another_host_is_not_the_hosts(registrar):
    """Hypervisor hostnames are looked for too, unless a host is called so."""
    reading = registrar.read(Services(LISTS), None, None)
    view = CloudSnapshot(services=(neighbour("node1"),), registrars={registrar.name: reading})
    state = with_registrars(facts("node9", request=request(aliases=frozenset({"node1"}))), view)

    assert [r.host for r in registrar.of(state).records] == ["node9"]


@PROJECTS
def test_no_record_is_a_condition_that_is_met(registrar):
    """The project was read."""
    (condition,) = registrar.conditions(facts(registrars=known(registrar.name)))

    assert condition.met is Met.MET


def test_the_record_of_masakari_is_on_maintenance_before_nova_compute_stops(run):
    """And gone when the host is."""
    world = World(facts(registrars=known("masakari", HOST)))

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert world.writes == [
        *("on_maintenance=True", "disable", "stop", "delete", "masakari", "purge")
    ]


def test_maintenance_is_taken_back_when_the_run_ends_early(run):
    """Masakari protects the host as before."""
    world = World(facts(registrars=known("masakari", HOST)))
    world.failures = {4: ConflictError("HTTP 409", "look"), 5: ConflictError("HTTP 409", "look")}
    world.failures[6] = ConflictError("HTTP 409", "look")

    report = run(world).go()

    assert report.exit_code == ExitCode.FAILED
    assert world.writes[-1] == "on_maintenance=False"
    assert world.truth.registrars["masakari"].records == (HOST,)


def test_a_host_that_was_on_maintenance_before_stays_so(run):
    """Nothing was prepared, so nothing is taken back."""
    paused = SegmentHost("h1", "s1", "node1", on_maintenance=True)
    world = World(facts(registrars=known("masakari", paused)))
    world.failures = {n: ConflictError("HTTP 409", "look") for n in (3, 4, 5)}

    run(world).go()

    assert "on_maintenance=False" not in world.writes
    assert world.truth.registrars["masakari"].records == (paused,)


def test_a_record_that_masakari_does_not_give_up_is_asked_for_again(run):
    """A notification of its segment is not finished."""
    world = World(facts(registrars=known("masakari", HOST)))
    world.failures = {n: ConflictError("HTTP 409: in-use", "look") for n in range(5, 12)}

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert world.writes.count("masakari") == 8
    assert DeleteSegmentHost.attempts > 8


def test_a_drain_does_not_touch_masakari():
    """Nova-compute goes on, so nothing is to be evacuated."""
    state = facts(registrars=known("masakari", HOST))

    assert {c.step for c in make_plan(state, DRAIN).changes} == {"disable-service"}


def test_the_record_of_blazar_goes_while_nova_knows_the_host(run):
    """Afterwards it could not be deleted any more."""
    world = World(facts(registrars=known("blazar", RESERVABLE)))

    report = run(world).go()

    assert report.result is Result.REMOVED
    assert world.writes == ["disable", "stop", "blazar", "delete", "purge"]


def test_a_reserved_host_is_refused():
    """With the leases."""
    state = facts(registrars=known("blazar", ReservableHost("7", "node1", ("l1", "l2"))))
    (finding,) = [f for f in judge(state) if f.guard == "host-reserved"]

    assert finding.verdict is Verdict.BLOCKED
    assert finding.message == "the host is reserved by 2 leases of blazar: l1, l2"


def test_what_blazar_keeps_of_a_host_that_nova_forgot_is_named_with_its_cure():
    """No step can delete it."""
    state = ghost(registrars=known("blazar", RESERVABLE))

    assert tuple(DeleteReservableHost().changes(state)) == ()
    (left,) = [x for x in leftovers(state) if x.kind == "reservable-host"]
    assert left.remedy.endswith("freepool node1; openstack reservation host delete 7")


VOLUME = CinderService("cinder-volume", "node1@lvm", is_up=True, volumes=("v1",))
BACKUP = CinderService("cinder-backup", "node1", is_up=False)


def test_services_of_cinder_that_are_down_are_left_and_those_that_are_up_are_kept():
    """Cinder may go on where nova-compute ended."""
    state = absent(registrars=known("cinder", VOLUME, BACKUP))

    (left,) = [x for x in leftovers(state) if x.kind == "cinder-service"]
    assert left.target == "node1"
    assert left.remedy.startswith("cinder-manage service remove cinder-backup node1, then: ")
    assert [k.host for k in kept(state)] == ["node1@lvm"]
    (condition,) = Cinder().conditions(state)
    assert condition.met is Met.MET


def volume(id_, place, **attached_to):
    """A volume of cinder; server -> the host to which it is attached for that server."""
    entries = [
        {"attachment_id": f"a-{server}", "server_id": None if server == "none" else server,
         "host_name": host}
        for server, host in attached_to.items()
    ]  # fmt: skip
    return {"id": id_, "os-vol-host-attr:host": place, "attachments": entries}


def state_with(*volumes, **of_host):
    """The facts of node1 where cinder lists these volumes, and how often they were asked for."""
    access = Services({**LISTS, "/volumes/detail": list(volumes)})
    registrar = Cinder()
    reading = registrar.of_run(access, registrar.read(access, None, None), {"node1"})
    asked = [path for path, _params in access.asked]
    return with_registrars(
        facts(**of_host), CloudSnapshot(registrars={"cinder": reading})
    ), asked.count("/volumes/detail")


def test_volumes_on_a_backend_of_the_host_are_named_before():
    """They could not be managed any more; another pool or host is none of it."""
    state, asked = state_with(
        *(volume("v1", "node1@lvm#pool"), volume("v2", "node10@lvm#pool")),
        *(volume("v3", "node1@other#p"), volume("v4", None)),
    )

    (finding,) = [f for f in judge(state) if f.guard == "volumes-on-host"]
    assert finding.verdict is Verdict.BLOCKED
    assert finding.message == "on backends of the host (node1@lvm): 1 volume, v1"
    assert asked == 1


def test_attachments_to_the_host_are_named_unless_its_own_servers_use_them():
    """One list of volumes tells both; a host of a longer name is another one."""
    server = build.server(id="s1")
    state, asked = state_with(
        volume("v1", "node7@lvm#p", s1="node1", s2="node10", s3=None),
        volume("v2", "node7@lvm#p", gone="node1", none="node1"),
        servers=(server,),
    )

    (finding,) = [f for f in judge(state) if f.guard == "volume-attachments"]
    assert finding.verdict is Verdict.WARNING
    assert "a-gone (volume v2, server gone), a-none (volume v2, no server)" in finding.message
    left = [x for x in leftovers(state) if x.kind == "volume-attachment"]
    assert [x.target for x in left] == ["a-gone", "a-none"]
    assert left[0].remedy.endswith("volume attachment delete a-gone")
    assert asked == 1


SERVICES = {"/os-services": LISTS["/os-services"]}
WITHOUT_HOSTS = SERVICES | {"/volumes/detail": [{"id": "v1", "attachments": []}]}


@pytest.mark.parametrize(
    "lists", [{}, SERVICES, WITHOUT_HOSTS], ids=["nothing", "no volumes", "no hosts"]
)
def test_volumes_that_cannot_be_listed_are_unknown(lists):
    """The services alone are no all-clear; nothing is listed where the services were refused."""
    access, registrar = Services(lists), Cinder()
    reading = registrar.of_run(access, registrar.read(access, None, None), {"node1"})
    state = with_registrars(facts(), CloudSnapshot(registrars={"cinder": reading}))

    assert [c.met for c in registrar.conditions(state)] == [Met.UNKNOWN]
    assert [f for f in judge(state) if f.verdict is Verdict.BLOCKED] == []
    assert [path for path, _params in access.asked] == ["/os-services", "/volumes/detail"][
        : 1 + bool(lists)
    ]


@pytest.mark.parametrize(
    ("registrar", "record", "words"),
    [
        (Masakari(), HOST, "openstack segment host create node1"),
        (Blazar(), RESERVABLE, "openstack reservation host create node1"),
    ],
    ids=["masakari", "blazar"],
)
def test_a_restore_says_how_a_record_is_made_again(registrar, record, words):
    """Only of one that the run has deleted, and that is not there again."""
    state = facts(registrars=known(registrar.name, record))
    saved = [asdict(r) for r in registrar.records(state)]

    (told,) = registrar.lost(saved, {record.id}, facts())
    assert words in told
    assert [*registrar.lost(saved, (), facts()), *registrar.lost(saved, {record.id}, state)] == []


def test_a_restore_names_a_maintenance_that_was_not_taken_back():
    """The run could not reach masakari any more."""
    paused = SegmentHost("h1", "s1", "node1", on_maintenance=True)
    state = facts(registrars=known("masakari", paused))

    (told,) = Masakari().lost([asdict(HOST)], {"h1"}, state)

    assert told.endswith("openstack segment host update --on_maintenance False s1 h1")


@pytest.mark.parametrize(
    ("on", "state"), [(True, "on maintenance"), (False, "taking notifications")]
)
def test_a_record_that_is_left_in_masakari_says_whether_it_takes_notifications(on, state):
    """A new host of the name would inherit it."""
    left = facts(registrars=known("masakari", SegmentHost("h1", "s1", "node1", on_maintenance=on)))

    (found,) = Masakari().leftovers(left)

    assert (found.kind, found.target) == ("segment-host", "h1")
    assert found.detail == f"node1 in segment s1, {state}"
    assert found.remedy == "nova-decom remove node1"
