# SPDX-License-Identifier: Apache-2.0
"""A host that died with servers on it: they are built anew elsewhere, and it stays away."""

from pathlib import Path

import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.moving.servers import Fleet, await_down
from tests.scenarios import beside, calls, volumes


def died(lab: Lab, host: str) -> None:
    lab.stop_compute(host)
    await_down(lab, host)


def with_volumes(lab: Lab, host: str, servers: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Volumes with their servers: one that a new server boots from, one attached, one to two."""
    boot, attached = volumes.volumes(lab, 2)
    (shared,) = volumes.volumes(lab, 1, shared=True)
    first, second, *_ = servers
    booted = beside.boot_from(lab, boot, host)
    servers[booted] = "ACTIVE"
    users = {boot: (booted,), attached: (first,), shared: (first, second)}
    for volume in (attached, shared):
        for server in users[volume]:
            volumes.attach(lab, server, volume)
    return users


def test_a_living_host_is_not_evacuated(decom: NovaDecom, hosts: Hosts, fleet: Fleet) -> None:
    """--offline does not make it dead."""
    hosts.start("alive1")
    fleet.boot("alive1", ACTIVE=1)

    ran = decom.remove("alive1", "--offline", "--servers", "evacuate")

    assert ran.code == 4
    assert "up" in ran.blocked()["service-alive"]
    assert [host for host, _ in fleet.now().values()] == ["alive1"]


@pytest.mark.usefixtures("cinder")
def test_servers_of_a_dead_host_run_elsewhere_and_the_host_is_removed(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet, snapshot: Snapshot
) -> None:
    """What ran runs, what was stopped is stopped, and each holds only what it uses now.

    Volumes are attached on the new hosts only. A new machine of the name does not bring the
    servers back, and when one was moved there it survives each restart of nova-compute: no
    evacuation is open any more that would destroy it.
    """
    hosts.start("dead1")
    servers = fleet.boot("dead1", ACTIVE=4, SHUTOFF=2)
    disks = with_volumes(lab, "dead1", servers)
    fleet.servers |= servers
    old = calls.node_uuid(lab, "dead1")
    died(lab, "dead1")

    refused = decom.remove("dead1", "--offline", "--servers", "evacuate")
    assert refused.code == 4
    assert refused.blocked()["local-disks"].startswith("6 servers have local disks, ")
    options = ("--offline", "--servers", "evacuate", "--rebuild-local-disks")
    # As nova's own user: to close evacuations is no right that a removal needs.
    nova = {"NOVA_DECOM_CELL_DB_URL": lab.db_url("nova")}
    ran = decom.remove("dead1", *options, "--close-evacuations", **nova)

    assert ran.code == 0, ran.shown
    evacuations = "SELECT DISTINCT status FROM migrations WHERE source_compute = %s"
    assert lab.cell_sql("cell1", evacuations, "dead1") == [("completed",)]
    fence = [f for f in ran.host["findings"] if f["guard"] == "servers-present"]
    assert [(f["verdict"], "fenced" in f["message"]) for f in fence] == [("warning", True)]
    for server, (host, status) in fleet.now().items():
        assert (host != "dead1", status) == (True, servers[server])
    for server, providers in fleet.holdings().items():
        assert providers == {calls.node_uuid(lab, fleet.now()[server][0])}
        assert old not in providers
    for disk, users in disks.items():
        assert volumes.attached(lab, disk) == sorted(fleet.now()[user][0] for user in users)
    assert snapshot.traces_of("dead1") == set()
    assert decom("verify", "dead1").code == 0

    where = fleet.now()
    lab.wipe_compute("dead1")
    lab.start_compute("dead1")
    verified = decom("verify", "dead1", "-f", "json")
    assert verified.code == 3
    assert "compute-service" in {trace["kind"] for trace in verified.host["leftovers"]}
    assert fleet.now() == where
    plain = servers.keys() - {user for users in disks.values() for user in users}
    back = next(server for server in plain if servers[server] == "ACTIVE")
    calls.act(lab, back, {"os-migrateLive": {"host": "dead1", "block_migration": "auto"}})
    calls.wait_for(lab, back, "dead1", "ACTIVE")
    for _ in range(2):
        lab.stop_compute("dead1")
        lab.start_compute("dead1")
        assert fleet.now() == where | {back: ("dead1", "ACTIVE")}
        assert fleet.holdings()[back] == {calls.node_uuid(lab, "dead1")}


def test_servers_can_be_left_stopped(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet, tmp_path: Path
) -> None:
    """With --leave-stopped an operator starts them when the host is surely off.

    Nova answers an evacuation with a password for the server: it reaches no log. With --partial
    a server that nova cannot evacuate keeps no other from leaving, and the host from its removal.
    """
    hosts.start("dead2")
    first, second, paused = fleet.boot("dead2", ACTIVE=2, PAUSED=1)
    died(lab, "dead2")

    log = tmp_path / "log"
    losing = ("--leave-stopped", "--rebuild-local-disks")
    options = ("--offline", *losing, "--yes", "--debug", "--log-file", str(log))
    ran = decom("drain", "dead2", *options, "--server", first, "-f", "json")

    assert ran.code == 0, ran.shown
    assert _has_left(fleet, first)
    assert "/action" in log.read_text("utf-8")
    assert "adminPass" not in log.read_text("utf-8")
    refused = decom.remove("dead2", "--offline", "--servers", "evacuate", *losing)
    assert (refused.code, [*refused.blocked()]) == (4, ["servers-movable"]), refused.shown

    ran = decom.remove("dead2", "--offline", "--servers", "evacuate", "--partial", *losing)

    assert ran.code == 1, ran.shown
    assert _has_left(fleet, second)
    assert fleet.now()[paused] == ("dead2", "PAUSED")
    assert paused in str(ran.host["error"])
    assert calls.service(lab, "dead2")["status"] == "disabled"


def _has_left(fleet: Fleet, server: str) -> bool:
    """It is on another host, and stopped there."""
    host, status = fleet.now()[server]
    return (host != "dead2", status) == (True, "SHUTOFF")
