# SPDX-License-Identifier: Apache-2.0
"""Hosts that blazar, cinder, masakari and OVN know as well: real services, by their own means."""

import shlex
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from nova_decom.cli.context import Context
from tests.cli.client import Client
from tests.cli.conftest import app
from tests.cli.requests_sent import note_requests
from tests.cli.run import NovaDecom
from tests.cli.test_audit import GHOSTS, found, ghosts
from tests.lab import Lab
from tests.lab.extras.cinder import Cinder
from tests.lab.extras.ovn import OvnNetwork, restart_neutron
from tests.lab.rabbitmq_api import RabbitMQ
from tests.lab.waiting import wait_until
from tests.scenarios import beside, calls, known_elsewhere, states
from tests.scenarios import volumes as of_cinder
from tests.scenarios.registry import scenario

__all__ = ["app", "ghosts"]

pytestmark = pytest.mark.lab
EXTRAS = ("blazar", "cinder", "masakari", "ovn")
TIMEOUT, AGENT_DOWN_TIME = 60.0, 11
OTHER = "node2"
LOST = "ghost-chassis"


@pytest.fixture(scope="module", autouse=True)
def ovn(lab: Lab, hosts: object) -> Iterator[OvnNetwork]:  # noqa: ARG001
    """The services beside the nova that runs; OVN, and a chassis of which only a part is left."""
    network = OvnNetwork(lab.extras.place("ovn"))
    network.start()
    network.sbctl("create", "Chassis_Private", f"name={LOST}")
    restart_neutron(lab.extras.place("ovn"), with_ovn=True)
    lab.extras.start("blazar", "cinder", "masakari")
    yield network
    lab.extras.remove(*EXTRAS)


@pytest.fixture
def decom(lab: Lab, tmp_path: Path) -> NovaDecom:
    """The command line of a user with exactly the role admin, as docs/security.md has it."""
    login = beside.login(lab, "admin", tmp_path)
    return NovaDecom(lab, tmp_path / "state", login)


@scenario(
    "H01",
    state="a hyperconverged host: cinder serves volumes there, two servers boot from them, one "
    "is SHUTOFF, a third is there when the machine dies; cinder has a volume attached to the host "
    "for a server that is long gone; masakari watches the host",
    by_hand="masakari evacuates the host when nova-compute is stopped, and keeps it for ever; "
    "services of cinder stay in the list",
    does="refuses because of the volumes; moves the servers live, cold and by evacuation, their "
    "attachments too; has masakari pause before it disables, takes that back when the stop fails, "
    "deletes the record with the host; names the attachment and the service of cinder before and "
    "after, with the lines that delete them",
    result="exit 4 until the volumes may stay, exit 3 until the attachment and cinder's service "
    "are deleted, then clean",
)
def test_volumes_and_segment_host(
    lab: Lab, decom: NovaDecom, client: Client, host: str, tmp_path: Path
) -> None:
    """The end is read from masakari and cinder themselves."""
    Cinder().serve_volumes(lab.extras.place("cinder"), host)
    wait_until(partial(beside.is_scheduled_to, lab, host), timeout=TIMEOUT, what="cinder-volume")
    *volumes, third, forgotten = beside.volumes(lab, 4)
    live, cold = (beside.boot_from(lab, volume, host) for volume in volumes)
    states.brought_to(lab, cold, "os-stop", "SHUTOFF")
    Cinder().serve_more(lab.extras.place("cinder"), "controller")
    stale = beside.attach(lab, forgotten, host)
    beside.watched(lab, host)
    assert beside.attached(lab, [*volumes, forgotten]) == [[host], [host], [host]]

    refused = decom.remove(host, "--servers", "auto")

    assert refused.code == 4, refused.shown
    assert set(refused.blocked()) == {"volumes-on-host"}
    assert all(volume in refused.blocked()["volumes-on-host"] for volume in volumes)
    (named,) = (f for f in refused.host["findings"] if f["guard"] == "volume-attachments")
    assert named["message"].partition(": ")[2].startswith(f"{stale} (volume {forgotten}, ")
    of_cinder.leaves(lab, client, refused, third)
    seen = tmp_path / "seen"
    options = ("--servers", "auto", "--skip-guard", "volumes-on-host", "--target", "node2")
    stop = (
        "--stop-with",
        "command",
        "--stop-command",
        beside.failing_stop(lab, host, tmp_path, seen),
    )

    failed = decom.remove(host, *options, *stop)

    assert failed.code == 1, failed.shown
    (still,) = (f for f in failed.host["findings"] if f["guard"] == "volumes-on-host")
    assert third not in still["message"]
    assert seen.read_text().strip() == "1"
    assert beside.watching(lab, host) == [False]
    assert beside.attached(lab, volumes) == [["node2"], ["node2"]]
    assert calls.show(lab, live)["status"] == "ACTIVE"
    assert decom("enable", host).code == 0
    lost = beside.boot_from(lab, third, host)
    states.down(lab, host)

    removed = decom.remove(host, *options, "--servers", "evacuate", "--offline")

    assert removed.code == 3, removed.shown
    (left,) = removed.host["leftovers"]
    assert (left["kind"], left["target"]) == ("volume-attachment", stale)
    done = removed.changes("done")
    assert done.index("pause-recovery pause") < done.index("disable-service disable")
    assert beside.watching(lab, host) == []
    assert beside.attached(lab, [*volumes, third]) == [["node2"], ["node2"], ["node2"]]
    assert [k["host"] for k in removed.host["kept"]] == [f"{host}@lab"]
    assert left["remedy"].endswith(f" {stale}")
    client.typed(left["remedy"], "volume attachment delete")
    lab.delete_servers(live, cold, lost)
    for volume in (*volumes, third, forgotten):
        beside.cinder(lab, "DELETE", f"/volumes/{volume}")
    of_cinder.service_goes(lab, decom, client, host)


@scenario(
    "H02",
    state="masakari watches the host, and blazar has a lease of it; a run was killed after it had "
    "masakari pause, another one has removed the host, and both are restored; then somebody "
    "deletes the service by the API",
    by_hand="masakari refuses the notifications of the host for ever; blazar keeps giving leases "
    "of it, which end in error, and does not delete its record",
    does="refuses because of the lease; deletes both records with the host; restore names the "
    "command of each service that makes its record again; a record of a host that nova does not "
    "know, or knows by another spelling, is named with the commands that delete it",
    result="each command does what it is named for; no record is left",
)
def test_host_known_elsewhere(
    lab: Lab, decom: NovaDecom, client: Client, host: str, tmp_path: Path
) -> None:
    """Each command is typed as it is printed, without a terminal."""
    beside.watched(lab, host)
    beside.reservable(lab, host)
    known_elsewhere.lease_goes(lab, decom, client, host)
    stop = beside.killing_stop(tmp_path)
    killed = decom.remove(host, "--stop-with", "command", "--stop-command", stop)
    assert killed.code == -signal.SIGKILL
    assert beside.watching(lab, host) == [True]

    client.typed(known_elsewhere.to_do(decom)["masakari"], "segment host update")

    assert beside.watching(lab, host) == [False]
    removed = decom.remove(host)
    assert removed.code == 0, removed.shown
    assert (beside.watching(lab, host), beside.reserving(lab, host)) == ([], [])

    known_elsewhere.records_come_back(lab, decom, client, host)
    known_elsewhere.other_spelling_goes(lab, decom, client, host)
    known_elsewhere.forgotten_host_goes(lab, decom, client, host)


@scenario(
    "X16",
    state="ML2/OVN: the metadata agent is dead and ovn-controller lives; then the machine dies, "
    "its chassis is still in the southbound database; another time only Chassis_Private is left",
    by_hand="leaves the chassis, and neutron gives new routers to it",
    does="deletes no agent of a chassis that lives, and names them; deletes them when two "
    "readings show all of them dead, and the chassis with them; names a Chassis_Private without "
    "chassis with the commands that cure",
    result="clean in OVN too; the chassis of the neighbour has the same uuid",
)
def test_dead_chassis(lab: Lab, decom: NovaDecom, host: str, ovn: OvnNetwork) -> None:
    """The end state is read from OVN itself."""
    agents = partial(calls.network, lab, "GET", "/agents")
    for name in (host, OTHER):
        ovn.start_chassis(name)
    wait_until(lambda: {host, OTHER} <= set(beside.chassis(ovn)), timeout=30, what="the chassis")
    before = beside.chassis(ovn)
    metadata = beside.with_metadata_agent(ovn, host)
    wait_until(lambda: metadata in {a["id"] for a in agents()["agents"]}, timeout=30, what="it")
    agents()  # two signs of life are missing now
    states.stopped(lab, host)
    states.await_down(lab, host)
    time.sleep(AGENT_DOWN_TIME)
    seen = {
        t["target"]: t["detail"] for t in decom("verify", host, "-f", "json").host["leftovers"]
    }
    assert seen[metadata].endswith("not alive, but another agent of its chassis is")
    assert seen[host].endswith("still alive")

    kept = decom.remove(host, "--offline", "--settle", "2")

    assert kept.code == 3, kept.shown
    assert {t["target"] for t in kept.host["leftovers"]} == {host, metadata}
    assert beside.chassis(ovn)[host] == before[host]
    ovn.kill_chassis(host)
    # The first list after a silence shows a dead one as alive.
    assert [a["alive"] for a in agents()["agents"] if a["id"] == host] == [True]

    ran = decom.remove(host, "--offline", "--settle", "2")

    assert ran.code == 0, ran.shown
    assert "delete-agents delete" in ran.changes("done")
    assert host not in beside.chassis(ovn)
    assert host not in beside.chassis(ovn, "Chassis_Private")
    assert beside.chassis(ovn)[OTHER] == before[OTHER]

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

    assert host not in beside.chassis(ovn, "Chassis_Private")
    verified = decom("verify", host, "-f", "json")
    assert (verified.code, verified.host["leftovers"]) == (0, []), verified.out


@pytest.mark.usefixtures("ghosts")
def test_a_ghost_of_every_service_is_found_once(lab: Lab, decom: NovaDecom) -> None:
    """Nova's own beside one in cinder, masakari, RabbitMQ and OVN."""
    rabbit = RabbitMQ(lab.site)
    rabbit.add_user()
    rabbit("PUT", "queues/%2F/compute.ghost-queue", durable=True)
    with beside.many(lab, 1):
        audited = decom("audit", "-f", "json", **rabbit.given())
    rabbit("DELETE", "queues/%2F/compute.ghost-queue")

    seen = {host: sorted(kinds.elements()) for host, kinds in found(audited).items()}
    expected = GHOSTS | {
        "many1": ["cinder-service", "segment-host"],
        "ghost-queue": ["message-queue"],
        LOST: ["ovn-chassis"],
    }
    assert {host: seen.pop(host, []) for host in expected} == expected
    # The queues of the hosts of other tests outlive them.
    assert {kind for kinds in seen.values() for kind in kinds} <= {"message-queue"}


def test_the_requests_of_an_audit_do_not_grow_with_the_hosts(lab: Lab, app: Context) -> None:
    """Each record is found; masakari's list of more than a thousand takes one page more."""
    with beside.many(lab, 1):
        cloud = app.reading()
        few = note_requests(cloud)
        cloud.read_for_audit()
    with beside.many(lab, 1100):
        cloud = app.reading()
        lots = note_requests(cloud)
        reading = cloud.read_for_audit().view.registrars

    hosts = {f"many{number}" for number in range(1, 1101)}
    for name in ("cinder", "masakari"):
        assert hosts <= {record.host for record in reading[name].records}
    more = Counter(service for service, _method, _path in lots)
    assert more - Counter(service for service, _method, _path in few) == {"instance-ha": 1}


def test_each_role_tells_what_it_lacks(lab: Lab, decom: NovaDecom, tmp_path: Path) -> None:
    """Neutron hides, and the others refuse: none of it is an all-clear."""
    projects = ("blazar's hosts", "cinder's services", "masakari's hosts")
    names = ("resource providers", "network agents", *projects)
    for role, sees in {"admin": names, "service": names[:1], "manager": (), "reader": ()}.items():
        checked = decom("doctor", "-f", "json", **beside.login(lab, role, tmp_path))
        checks = {c["name"].removeprefix("right to list "): c for c in checked.json["checks"]}
        read = {n for n in names if checks[n]["ok"] and "not read" not in checks[n]["detail"]}
        assert read == set(sees), (role, checked.out)
        assert checked.code == (0 if role == "admin" else 69)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("blazar", "blazar:oshosts:get_allocations"),
        ("cinder", "volume_extension:services:index"),
        ("cinder", "volume_extension:volume_host_attribute"),
        ("masakari", "os_masakari_api:segments:index"),
    ],
)
def test_a_service_that_refuses_the_token_is_unknown(
    lab: Lab, decom: NovaDecom, name: str, right: str
) -> None:
    """An admin of nova may be none of another service: verify says so, with the right."""
    beside.volume_row(lab)
    with beside.refused(lab, name, right):
        verified = decom("verify", "node1", "-f", "json")

    conditions = {c["name"]: c for c in verified.host["readd"]["conditions"]}
    assert conditions[name]["met"] == "unknown", verified.out
    assert "node1" in conditions[name]["remedy"]
    assert any(thing.startswith(f"{name}: ") for thing in verified.host["unchecked"])
