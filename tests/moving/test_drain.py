# SPDX-License-Identifier: Apache-2.0
"""A host full of servers is emptied, at its pace, and can then be removed or used again."""

import re
from pathlib import Path

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.moving.servers import Fleet, Observer, migrations
from tests.scenarios import calls

MIXED = {"ACTIVE": 10, "SHUTOFF": 6, "PAUSED": 4, "SHELVED": 2, "VERIFY_RESIZE": 2}
#: The words of the plan for a server -> the types of its last migration from the host. A resize
#: to another host has left when it is confirmed.
FORETOLD: dict[str, set[str | None]] = {
    "live-migrate": {"live-migration"},
    "cold-migrate": {"migration"},
    "offload": {None},
    "confirm": {"resize", "live-migration"},
}
#: What a state becomes that cannot be kept on the way: a resize that was confirmed, and a shelved
#: server without a host.
AFTER = {"VERIFY_RESIZE": "ACTIVE", "SHELVED": "SHELVED_OFFLOADED"}
POLL = 2.0


def test_servers_in_mixed_states_leave_and_the_host_is_removed(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet, tmp_path: Path
) -> None:
    """Every server is elsewhere in its old state, and holds nothing but what it uses there.

    Each by the way that the plan has foretold, also those that their owners have locked.
    Never more than four migrations are in progress by nova's own records, a slot that is free is
    used at the next poll, and a poll is two or three calls, whatever the number of servers.
    """
    hosts.start("laden1")
    servers = fleet.boot("laden1", **MIXED)
    log = tmp_path / "log"

    for server in [s for s, status in servers.items() if status in {"ACTIVE", "SHUTOFF"}][::5]:
        calls.act(lab, server, {"lock": {"locked_reason": "mine"}})
    asked = ("laden1", "--confirm-resizes", "-f", "json")
    planned = decom("drain", *asked, "--dry-run").host["changes"]
    foretold = {c["target"]: c["detail"].split(" ")[0].strip(",") for c in planned}

    with Observer(lab, "laden1") as observer:
        ran = decom("drain", *asked, "--yes", "--debug", "--log-file", str(log))

    assert ran.code == 0, ran.out + ran.err
    assert (ran.host["result"], ran.json["changed"]) == ("drained", True)
    for server, (host, status) in fleet.now().items():
        assert host != "laden1"
        assert status == AFTER.get(servers[server], servers[server]), server
    told = {c["target"]: c for c in ran.host["changes"] if c["step"] == "move-servers"}
    assert set(told) == set(servers)
    assert {c["status"] for c in told.values()} == {"done"}
    last = {m["instance_uuid"]: m["migration_type"] for m in migrations(lab, "laden1")}
    for server, status in servers.items():
        assert last.get(server) in FORETOLD[foretold[server]], status
    for server, providers in fleet.holdings().items():
        host, _ = fleet.now()[server]
        assert providers == ({calls.node_uuid(lab, host)} if host else set())
        if servers[server] in {"ACTIVE", "SHUTOFF", "PAUSED"}:
            assert told[server]["to"] == host
            assert told[server]["seconds"] > 0
    assert 1 <= observer.most <= 4
    assert observer.longest_idle < 2 * POLL + 1.0
    assert_three_calls_a_poll(log.read_text())

    again = decom("drain", "laden1", "--yes", "-f", "json")
    assert (again.code, again.host["result"], again.json["changed"]) == (0, "unchanged", False)
    removed = decom.remove("laden1")
    assert removed.code == 0, removed.out + removed.err
    assert removed.host["result"] == "removed"


def assert_three_calls_a_poll(log: str) -> None:
    """Between the first move and the last: migrations of the host, servers of one host.

    A list of servers that is not empty takes one call more, which shows that it is whole.
    """
    sent = re.findall(r"nova_decom\S* (compute|placement) (\S+) (\S+)$", log, re.MULTILINE)
    first = next(i for i, (_, method, _) in enumerate(sent) if method == "POST")
    last = max(i for i, (_, method, _) in enumerate(sent) if method == "POST")
    polls = [path for _, method, path in sent[first:last] if method == "GET"]
    # Whether nova-compute still answers is read once in three of its intervals.
    answers = polls.count("/os-services")
    polls = [path for path in polls if path != "/os-services"]
    # A live migration that takes long has its progress read, one at a poll.
    progress = [path for path in polls if re.fullmatch("/servers/[^/]+/migrations", path)]
    polls = [path for path in polls if path not in progress]
    assert set(polls) == {"/os-migrations", "/servers/detail"}
    assert len(progress) <= polls.count("/os-migrations")
    assert answers <= len(polls)
    count = polls.count("/os-migrations")
    assert count - 1 <= polls.count("/servers/detail") <= 2 * count + 1


def test_enable_takes_back_our_own_disabling_and_no_other(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """A host that was drained takes servers again; one that somebody else disabled is left.

    The servers come home that are still where the drain has moved them, in their state.
    """
    hosts.start("back1")
    servers = fleet.boot("back1", ACTIVE=3, SHUTOFF=1)
    deleted, moved_on, *home = servers
    assert decom("drain", "back1", "--yes").code == 0
    assert calls.service(lab, "back1")["status"] == "disabled"
    lab.delete_servers(deleted)
    del fleet.servers[deleted]
    where = fleet.now()
    lab.connection().compute.live_migrate_server(moved_on, host=None, block_migration="auto")
    wait_until(
        lambda: fleet.now()[moved_on] not in {where[moved_on], (where[moved_on][0], "MIGRATING")},
        timeout=60,
        what="the server to move on",
    )

    ran = decom("enable", "back1", "--bring-back", "--yes", "-f", "json")

    assert ran.code == 0, ran.out + ran.err
    ends = {h["host"]: h["result"] for h in ran.json["hosts"]}
    assert ends == {"back1": "enabled"} | {where[s][0]: "returned" for s in home}
    assert calls.service(lab, "back1")["status"] == "enabled"
    assert {s: fleet.now()[s] for s in home} == {s: ("back1", servers[s]) for s in home}
    assert fleet.now()[moved_on][0] != "back1"
    (named,) = (f for f in ran.json["hosts"][0]["findings"] if f["guard"] == "servers-returning")
    assert f"{deleted} was deleted" in named["message"]
    assert f"{moved_on} (ACTIVE) has moved on to " in named["message"]
    assert decom("enable", "back1", "--bring-back", "--yes", "-f", "json").json["changed"] is False

    assert decom("drain", "back1", "--servers", "stop", "--yes").code == 0
    assert {fleet.now()[s] for s in home} == {("back1", "SHUTOFF")}
    ran = decom("enable", "back1", "--bring-back", "--yes", "-f", "json")
    assert ran.code == 0, ran.out + ran.err
    assert {s: fleet.now()[s] for s in home} == {s: ("back1", servers[s]) for s in home}
    assert decom("enable", "back1", "-f", "json").host["result"] == "unchanged"
    compute = lab.connection().compute
    compute.disable_service(calls.service(lab, "back1")["id"], disabled_reason="broken fan")

    ran = decom("enable", "back1", "-f", "json")

    assert ran.code == 4
    assert "broken fan" in ran.blocked()["own-disable"]
    assert calls.service(lab, "back1")["status"] == "disabled"


def test_a_server_that_cannot_leave_is_named_and_holds_back_all(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """Nothing moves while a guard objects; overruled, the others leave, and nothing is deleted."""
    hosts.start("mixed1")
    servers = fleet.boot("mixed1", ACTIVE=1, SUSPENDED=1, ERROR=1)
    by_status = {status: server for server, status in servers.items()}

    ran = decom.remove("mixed1", "--servers", "auto")

    assert ran.code == 4
    seen = ran.blocked()["servers-movable"]
    assert by_status["SUSPENDED"] in seen
    assert by_status["ERROR"] in seen
    assert by_status["ACTIVE"] not in seen
    for status in ("SUSPENDED", "ERROR"):
        by_hand = lab.connection().compute.post(
            f"/servers/{by_status[status]}/action",
            json={"os-migrateLive": {"host": None, "block_migration": "auto"}},
            microversion="2.68",
        )
        assert by_hand.status_code == 409, by_hand.text
    assert migrations(lab, "mixed1") == []
    assert calls.service(lab, "mixed1")["status"] == "enabled"

    ran = decom.remove("mixed1", "--servers", "auto", "--skip-guard", "servers-movable")

    assert ran.code == 1
    assert ran.host["result"] == "failed"
    assert fleet.now()[by_status["ACTIVE"]][0] != "mixed1"
    assert fleet.now()[by_status["SUSPENDED"]][0] == "mixed1"
    assert "delete-service delete" in ran.changes("pending")
    assert lab.compute_running("mixed1")
