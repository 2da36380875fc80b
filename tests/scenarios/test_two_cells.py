# SPDX-License-Identifier: Apache-2.0
"""Two cells, and hosts that work on or are slower than the controller."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.cli.two_cells import lab
from tests.lab import Lab
from tests.lab.rabbitmq_api import RabbitMQ
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states
from tests.scenarios.clean import SETTLE, bring_to_clean, refuse
from tests.scenarios.registry import scenario
from tests.scenarios.two_cells import (
    REFUGES,
    add_twin,
    building,
    ends_its_work,
    has_no_host,
    killed,
    lives_on,
    machine,
    node,
    providers,
    removed,
    resized,
    without_databases,
)

__all__ = ["lab"]


@scenario(
    "T01",
    hosts=("t01-cell2",),
    state="a live compute node of a twin by case (T01 beside t01) in the same cell",
    by_hand="`where host = 't01'` takes the row of T01 along, and so does nova's own delete",
    does="refuses, and names the row by cell, table and id",
    result="refused, until that row is corrected or removed by its id",
)
def test_twin_by_case(lab: Lab, decom: NovaDecom, host: str) -> None:
    """What SQL takes for equal and is not: nova's own delete would find it."""
    twin = host.upper()
    row, uuid = add_twin(lab, host, twin)

    ran = refuse(decom, host)

    assert f"cell2: compute_nodes {row} of '{twin}'" in ran.blocked()["node-owner"]
    assert "by their ids" in ran.host["error"]["remedy"]
    assert lab.compute_running(host)
    live = "SELECT uuid FROM compute_nodes WHERE id = %s AND deleted = 0"
    assert lab.cell_sql("cell2", live, row) == [(uuid,)]
    lab.cell_sql("cell2", "DELETE FROM compute_nodes WHERE id = %s", row)
    assert not decom("plan", host, "-f", "json").blocked()


@scenario(
    "T02",
    hosts=("t02", "t02-cell2"),
    state="hosts of two cells, each left by a server in VERIFY_RESIZE, by migrations of one id",
    by_hand="one cell's migration is taken for the other's",
    does="refuses each for its own migration, also without databases; --confirm-resizes removes "
    "both, and the queues of each in the virtual host of its cell",
    result="refused, then clean; each server keeps its allocation on its new host; a queue of "
    "the same name in a virtual host of no cell stays",
)
def test_migrations_of_one_id(lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path) -> None:
    """Ids count within a cell: each host has its own migration, server and allocation."""
    assert hosts
    cells = {"t02": "cell1", "t02-cell2": "cell2"}
    wanted = lab.align_ids("migrations")
    with ThreadPoolExecutor() as pool:
        moves = {h: pool.submit(resized, lab, h, REFUGES[cell]) for h, cell in cells.items()}
    servers = {host: move.result() for host, move in moves.items()}
    for host, cell in cells.items():
        rows = lab.cell_sql(cell, "SELECT source_compute FROM migrations WHERE id = %s", wanted)
        assert rows == [(host,)]
    held = {server: providers(lab, server) for server in servers.values()}

    ran = decom.remove(*cells, OS_CLIENT_CONFIG_FILE=without_databases(lab, tmp_path))

    assert ran.code == 4, ran.shown
    for found in ran.json["hosts"]:
        own = servers[found["host"]]
        (finding,) = [f for f in found["findings"] if f["guard"] == "migrations-active"]
        assert finding["verdict"] == "blocked"
        assert own in finding["message"]
        assert not [s for s in servers.values() if s != own and s in finding["message"]]
    assert {server: providers(lab, server) for server in servers.values()} == held

    rabbit = RabbitMQ(lab.site)
    rabbit.add_vhost("elsewhere")
    rabbit("PUT", "queues/elsewhere/compute.t02", durable=True)
    queues = rabbit.orders()
    options = ("--servers", "auto", "--confirm-resizes", "--settle", SETTLE)

    done = decom.remove(*cells, *options, **rabbit.given(user=""))

    assert done.code == 0, done.shown
    vhosts = {"t02": "/", "t02-cell2": "cell2"}
    topics = ("compute", "compute-alt")
    gone = {(vhost, f"{topic}.{host}") for host, vhost in vhosts.items() for topic in topics}
    assert queues - rabbit.orders() == gone
    for host, cell in cells.items():
        server, refuge = servers[host], REFUGES[cell]
        shown = calls.show(lab, server)
        assert (shown["status"], shown["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", refuge)
        assert providers(lab, server) == {node(lab, refuge)}
        assert Snapshot(lab).traces_of(host) == set()
    lab.delete_servers(*servers.values())


@scenario(
    "T03",
    state="a machine that was moved into another cell under its name: live rows in one cell, "
    "soft-deleted ones in the other",
    by_hand="done in one database; the rows in the other stay",
    does="deletes the rows of both cells in the first run, each in a transaction of its cell",
)
def test_rows_of_one_name_in_two_cells(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The plan names every cell that names the host."""
    killed(lab, host)
    states.deleted_by_api(lab, host)
    lab.wipe_compute(host, cell="cell2")
    lab.start_compute(host)

    ran = bring_to_clean(decom, host)

    purged = [c["target"] for c in ran.host["changes"] if c["step"] == "purge-rows"]
    assert sorted(target.partition(":")[0] for target in purged) == ["cell1", "cell2"]
    for cell in ("cell1", "cell2"):
        for table in ("services", "compute_nodes"):
            assert not lab.cell_sql(cell, f"SELECT id FROM {table} WHERE host = 't03'")


@scenario(
    "T04",
    state="nova-compute died a moment ago, and a server was scheduled to the host since: BUILD, "
    "on no host, with an allocation here",
    by_hand="`server list --host` is empty; the server hangs in BUILD for ever",
    does="refuses, also with --servers auto; the server is built once nova-compute is back",
    result="refused, nothing written",
)
def test_build_in_the_queue_of_a_dead_host(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Its request waits in the message queue of the host, and nova lists it on none."""
    killed(lab, host)
    server = building(lab, host)
    held = calls.holdings(lab, server)
    states.await_down(lab, host)

    for way in ("refuse", "auto"):
        ran = refuse(decom, host, "--servers", way)
        assert server in ran.blocked()["servers-arriving"]
        assert "start nova-compute" in ran.host["error"]["remedy"]
    assert has_no_host(lab, server)
    assert calls.holdings(lab, server) == held

    lab.stop_compute(host)  # forgets the dead process
    lab.start_compute(host)
    calls.wait_for(lab, server, host, "ACTIVE")
    lives_on(lab, server, host)


@scenario(
    "T05",
    hosts=("t05-cell2",),
    conf="[DEFAULT]\nmax_concurrent_builds = 1\nmax_concurrent_snapshots = 1\n",
    state="servers wait inside a living nova-compute for their turn to be built, on no host yet",
    by_hand="`server list --host` shows the first of them; the others are lost",
    does="refuses; with --servers auto waits until they are there, and moves them",
    result="refused, then clean; all servers are ACTIVE on another host",
)
def test_builds_inside_nova_compute(lab: Lab, decom: NovaDecom, host: str) -> None:
    """An allocation whose server has no host yet is no leftover."""
    refuge = REFUGES["cell2"]
    busy = machine(lab, host)
    busy.busy.touch()
    servers = [building(lab, host)]
    wait_until(
        lambda: calls.show(lab, servers[0])["OS-EXT-STS:task_state"] == "spawning",
        timeout=calls.TIMEOUT,
        what="the first build to begin",
    )
    servers.append(building(lab, host))

    ran = refuse(decom, host)

    assert servers[0] in ran.blocked()["servers-present"]
    assert servers[1] in ran.blocked()["servers-arriving"]
    assert has_no_host(lab, servers[1])
    with ends_its_work(lab, busy):
        ran = removed(decom, host, "--servers", "auto", "--target", refuge)
    assert "await-arrivals wait" in ran.changes("done")
    for server in servers:
        lives_on(lab, server, refuge)
    lab.delete_servers(*servers)


@scenario(
    "T06",
    hosts=("t06-cell2",),
    conf="[DEFAULT]\ngraceful_shutdown_timeout = 120\nmanager_shutdown_timeout = 100\n",
    state="nova-compute works on after it was asked to stop (graceful shutdown), and reports",
    by_hand="the service is deleted under it; compute node and provider come back",
    does="disables it first, waits until it has ended by itself, and never kills it",
)
def test_graceful_shutdown(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Three minutes by nova's default; what is deleted before its end would come back."""
    working = machine(lab, host)
    working.stop_timeout.write_text("180")
    working.busy.touch()
    log = lab.layout.log(working.compute)
    before = log.stat().st_size
    seen: list[tuple[str, str, int]] = []

    def logged(text: str) -> bool:
        return text.encode() in log.read_bytes()[before:]

    def watch() -> None:
        wait_until(lambda: logged("graceful shutdown started"), timeout=60, what="the stop")
        for _ in range(4):
            time.sleep(2)
            beat = "SELECT report_count FROM services WHERE host = %s AND deleted = 0"
            ((count,),) = lab.cell_sql("cell2", beat, host)
            shown = calls.service(lab, host)
            seen.append((shown["state"], shown["status"], count))
        working.busy.unlink()

    with ThreadPoolExecutor() as pool:
        watching = pool.submit(watch)
        removed(decom, host)
    watching.result()

    assert {(state, status) for state, status, _ in seen} == {("up", "disabled")}
    assert seen[-1][2] > seen[0][2]
    assert logged("graceful shutdown finished")
    assert not lab.compute_running(host)


@scenario(
    "T07",
    hosts=(),
    state="nova-compute reports less often than the controller expects (report_interval)",
    by_hand="a heartbeat that stands still for a moment is taken for a dead host",
    does="with --stop-with none waits until it is stopped, and deletes nothing before",
)
def test_slower_heartbeat_than_configured(lab: Lab, decom: NovaDecom, hosts: Hosts) -> None:
    """Its counter stands still for three times as long as is configured, and it lives."""
    host = "t07-cell2"
    # Only now: the proof that any host is silent waits for the longest gap that is seen.
    hosts.start(host, cell="cell2", conf="[DEFAULT]\nreport_interval = 6\n")
    snapshot = Snapshot(lab)

    def operator() -> tuple[int, ...]:
        time.sleep(14)
        rows = [snapshot.hosts_in(table).count(host) for table in ("services", "compute_nodes")]
        assert calls.service(lab, host)["status"] == "disabled"
        lab.stop_compute(host)
        return tuple(rows)

    with ThreadPoolExecutor() as pool:
        stopping = pool.submit(operator)
        removed(decom, host, "--stop-with", "none")
    assert stopping.result() == (1, 1)
