# SPDX-License-Identifier: Apache-2.0
"""Moves that fail: told, bounded, the others unaffected, nothing deleted; and runs that die."""

import json
import os
import signal
import subprocess
import time
from typing import Any

from nova_decom.model.cloud import TERMINAL_MIGRATIONS
from tests.cli.conftest import Hosts
from tests.cli.run import PROGRAM, NovaDecom
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.moving.servers import Fleet, await_down, in_progress, migrations
from tests.scenarios import calls

PATIENCE = 60.0
SECOND_LATER = 1.0
LIST = "openstack server list --all-projects"


def begin(decom: NovaDecom, *arguments: str) -> subprocess.Popen[str]:
    """Start a command and do not wait for it."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    lab = decom.lab.env() | {"NOVA_DECOM_STATE_DIR": str(decom.state_dir)}
    return subprocess.Popen(
        [str(PROGRAM), *arguments],
        env=keep | lab,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def await_moves(lab: Lab, host: str) -> None:
    def moving() -> bool:
        return in_progress(lab, host) > 0

    wait_until(moving, timeout=PATIENCE, what=f"a migration from {host} to be in progress")


def test_a_host_without_room_is_told_before_anything_moves(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """Placement has no room for a server: refused; overruled, nova's own failure is told."""
    hosts.start("large1", "small1")
    fleet.boot("large1", ACTIVE=1)
    calls.sql(
        lab,
        "placement",
        "UPDATE inventories i JOIN resource_providers p ON p.id = i.resource_provider_id "
        "SET i.reserved = i.total WHERE p.uuid = %s AND i.resource_class_id = 1",
        calls.node_uuid(lab, "small1"),
    )

    ran = decom.remove("large1", "--servers", "live", "--target", "small1")

    assert ran.code == 4
    assert "no other host has room for 1 of 1" in ran.blocked()["capacity"]

    ran = decom.remove("large1", "--servers", "live", "--target", "small1",
                       "--skip-guard", "capacity", "--move-timeout", "60")  # fmt: skip

    assert ran.code == 1
    assert "ended as error" in ran.host["error"]["message"]
    assert "delete-service delete" in ran.changes("pending")
    assert {host for host, _ in fleet.now().values()} == {"large1"}


def test_a_destination_that_dies_in_the_middle_holds_back_only_its_own(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """The server that was lost on its way there is told, the others leave, nothing is deleted."""
    hosts.start("source1", "dying1")
    (bound, *others) = fleet.boot("source1", ACTIVE=3)
    calls.act(lab, bound, {"os-migrateLive": {"host": "dying1", "block_migration": "auto"}})

    def running() -> bool:
        return [m["status"] for m in migrations(lab, "source1")] == ["running"]

    wait_until(running, timeout=PATIENCE, what="the live migration to run")
    lab.stop_compute("dying1")
    await_down(lab, "dying1")

    ran = decom.remove("source1", "--servers", "auto", "--move-timeout", "90")

    assert ran.code == 1, ran.shown
    assert ran.host["result"] == "failed"
    assert bound in ran.host["error"]["message"]
    assert "delete-service delete" in ran.changes("pending")
    assert lab.compute_running("source1")
    where = fleet.now()
    assert {where[server][1] for server in others} == {"ACTIVE"}, where
    assert {where[server][0] for server in others} <= {"node1", "node2"}, where


def test_a_migration_that_another_operator_aborts_is_tried_once_more_elsewhere(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """Aborted at one host, the server goes to another; the journal says that it was so."""
    hosts.start("abort1")
    (server,) = fleet.boot("abort1", ACTIVE=1)
    running = begin(decom, "drain", "abort1", "--yes", "-f", "json")
    await_moves(lab, "abort1")

    def aborted() -> bool:
        last = migrations(lab, "abort1")[-1]
        compute = lab.connection().compute
        answer = compute.request(
            f"/servers/{server}/migrations/{last['id']}", "DELETE",
            microversion="2.65", raise_exc=False,
        )  # fmt: skip
        return bool(answer.ok)

    wait_until(aborted, timeout=PATIENCE, what="the migration to be aborted")
    out, err = running.communicate(timeout=240)

    assert running.returncode == 0, out + err
    ends = [m["status"] for m in migrations(lab, "abort1")]
    assert ends == ["cancelled", "completed"]
    first, second = (m["dest_compute"] for m in migrations(lab, "abort1"))
    assert first != second
    assert fleet.now()[server] == (second, "ACTIVE")


def test_killed_in_the_middle_and_run_again_no_server_is_moved_twice(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """What was in progress is waited for, what had moved is left alone."""
    hosts.start("killed1")
    servers = fleet.boot("killed1", ACTIVE=4, SHUTOFF=3)
    running = begin(decom, "drain", "killed1", "--yes", "--max-moves", "3")

    def some_moved() -> bool:
        ends = [m["status"] for m in migrations(lab, "killed1")]
        return bool({"completed", "confirmed"} & set(ends)) and in_progress(lab, "killed1") > 0

    wait_until(some_moved, timeout=PATIENCE, what="some to have moved while others move")
    running.kill()
    running.communicate()

    ran = decom("drain", "killed1", "--yes", "-f", "json")

    assert ran.code == 0, ran.shown
    assert ran.host["result"] == "drained"
    assert {host for host, _ in fleet.now().values()}.isdisjoint({"killed1"})
    moved = [m["instance_uuid"] for m in migrations(lab, "killed1")]
    assert sorted(moved) == sorted(servers)
    assert {m["status"] for m in migrations(lab, "killed1")} <= {"completed", "confirmed"}


def test_an_interrupt_lets_moves_end_and_begins_none(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """SIGINT: exit 130 when those in progress have arrived; a second one leaves them to nova.

    The host's state, its servers and the moves that go on are named, each with what to type.
    """
    hosts.start("broken1")
    fleet.boot("broken1", ACTIVE=4)
    command = ("drain", "broken1", "--yes", "-f", "json", "--max-moves", "2")

    stays, left = interrupted(lab, begin(decom, *command))

    assert in_progress(lab, "broken1") == 0
    assert len(migrations(lab, "broken1")) <= 2
    here = sum(host == "broken1" for host, _ in fleet.now().values())
    assert here >= 2
    assert stays.startswith("broken1 stays disabled by this run: nova-decom drain broken1 goes on")
    assert stays.endswith("nova-decom enable broken1 --bring-back takes it back")
    assert left == f"{here} servers are not moved: {LIST} --host broken1"
    assert calls.service(lab, "broken1")["status"] == "disabled"

    _, left, *going_on = interrupted(lab, begin(decom, *command), times=2)

    assert left.startswith(f"{here} servers are not moved")
    running = {m["instance_uuid"]: m["id"] for m in migrations(lab, "broken1") if is_active(m)}
    assert len(going_on) == len(running) > 0
    typed = {text.rpartition(": openstack server migration ")[2] for text in going_on}
    # A migration that the run has not read yet is only listed.
    known = {
        server: {f"abort {server} {m}", f"list --server {server}"} for server, m in running.items()
    }
    assert all(typed & commands for commands in known.values()), (typed, known)

    assert decom("drain", "broken1", "--yes").code == 0
    assert all(host != "broken1" for host, _ in fleet.now().values())


def interrupted(lab: Lab, running: subprocess.Popen[str], times: int = 1) -> list[str]:
    """What a drain of broken1 leaves undone that is interrupted when it moves servers."""
    await_moves(lab, "broken1")
    for _ in range(times):
        running.send_signal(signal.SIGINT)
        time.sleep(SECOND_LATER)
    out, err = running.communicate(timeout=240)
    assert running.returncode == 130, out + err
    (host,) = json.loads(out)["hosts"]
    return list(host["to_do"])


def is_active(migration: dict[str, Any]) -> bool:
    return migration["status"] not in TERMINAL_MIGRATIONS
