# SPDX-License-Identifier: Apache-2.0
"""A drain moves the servers that are chosen; a host that was emptied can be used again."""

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.lab.servers import Servers
from tests.lab.waiting import wait_until
from tests.moving.servers import Fleet
from tests.scenarios import calls


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

    assert ran.code == 0, ran.shown
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
    assert ran.code == 0, ran.shown
    assert {s: fleet.now()[s] for s in home} == {s: ("back1", servers[s]) for s in home}
    assert decom("enable", "back1", "-f", "json").host["result"] == "unchanged"
    compute = lab.connection().compute
    compute.disable_service(calls.service(lab, "back1")["id"], disabled_reason="broken fan")

    ran = decom("enable", "back1", "-f", "json")

    assert ran.code == 4
    assert "broken fan" in ran.blocked()["own-disable"]
    assert calls.service(lab, "back1")["status"] == "disabled"


def test_a_drain_of_one_customer_moves_no_server_of_another(
    lab: Lab, decom: NovaDecom, hosts: Hosts, fleet: Fleet
) -> None:
    """They are chosen by name or id; a choice that matches no server changes nothing."""
    hosts.start("shared1")
    ours, named = fleet.boot("shared1", ACTIVE=2)
    (theirs,) = _servers_of_another_project(lab).create(1, on="shared1")
    fleet.servers[theirs] = "ACTIVE"

    for nobody in (("--project", "nobody"), ("--server", "web-of-nobody")):
        ran = decom("drain", "shared1", "--yes", *nobody)
        assert ran.code == 2, ran.shown
        assert f"{nobody[0]} {nobody[1]} matches no server" in ran.err
    assert calls.service(lab, "shared1")["status"] == "enabled"

    ran = decom("drain", "shared1", "--project", "admin", "--server", named, "--yes")

    assert ran.code == 0, ran.shown
    assert _moved(fleet) == {named}

    ran = decom("drain", "shared1", "--project", "service", "--yes")

    assert ran.code == 0, ran.shown
    assert _moved(fleet) == {named, theirs}
    assert fleet.now()[ours] == ("shared1", "ACTIVE")


def _moved(fleet: Fleet) -> set[str]:
    """The servers that are on another host."""
    return {server for server, (host, _) in fleet.now().items() if host != "shared1"}


def _servers_of_another_project(lab: Lab) -> Servers:
    """Servers of the project "service", in which the administrator gets a role for it."""
    cloud = lab.connection()
    identity = cloud.identity
    project = identity.find_project("service", ignore_missing=False)
    role = identity.find_role("admin", ignore_missing=False)
    identity.assign_project_role_to_user(project, cloud.current_user_id, role)
    return Servers(cloud.connect_as_project(project))
