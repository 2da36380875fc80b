# SPDX-License-Identifier: Apache-2.0
"""The main job: a host leaves, stays away, and its name can come back."""

import json

import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.rabbitmq_api import PASSWORD, RabbitMQ
from tests.lab.waiting import wait_until


def test_an_empty_host_leaves_and_its_name_comes_back(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """A living host is disabled, stopped by ssh, deleted and purged; its name can be used again.

    By hand, with SQL alone, the same name never receives a server again.
    """
    hosts.start("gone1")

    first = decom.remove("gone1")

    assert first.code == 0, first.shown
    assert first.host["result"] == "removed"
    assert first.json["changed"] is True
    assert first.changes("done") == [
        "disable-service disable",
        "stop-service stop",
        "stop-service prove",
        "delete-service delete",
        "purge-rows delete",
    ]
    assert not lab.compute_running("gone1")
    assert "gone1" not in snapshot.hosts_in("services")
    assert "gone1" not in snapshot.hosts_in("compute_nodes")
    assert snapshot.traces_of("gone1") == set()

    assert decom("verify", "gone1").code == 0
    again = decom.remove("gone1")
    assert (again.code, again.json["changed"], again.host["result"]) == (0, False, "unchanged")

    lab.wipe_compute("gone1")
    lab.start_compute("gone1")
    (server,) = lab.create_servers(1, on="gone1")
    back = decom("list", "gone1", "-f", "json").host
    assert (back["status"], back["state"], back["servers"]) == ("enabled", "up", {"ACTIVE": 1})
    assert server in {row[0] for row in _servers_on(lab, "gone1")}
    assert decom("verify", "gone1").code == 3


def test_neighbours_with_similar_names_keep_every_row(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot, rabbit: RabbitMQ
) -> None:
    """Removing near1.example touches no row of near1, near10 or near1-example.

    The last one is what a regular expression would take near1.example for. The order that waits
    for near1.example is found, and goes only as asked; a new machine of the name finds none.
    It waits in a quorum queue, whose delete RabbitMQ takes without conditions only.
    """
    neighbours = ("near1", "near10", "near1-example")
    gone, given = "near1.example", rabbit.given()
    hosts.start(gone, *neighbours)
    lab.stop_compute(gone, "near10")
    wait_until(
        lambda: {c for h in (gone, "near10") for _, c in rabbit.queues(h).values()} == {0},
        timeout=30,
        what="the queues to be read by nobody",
    )
    rabbit.make_quorum(gone)
    rabbit.order(gone)
    rabbit.order("near10")
    wait_until(
        lambda: rabbit.queues(gone)[f"compute.{gone}"] == (1, 0),
        timeout=30,
        what="the quorum queue to tell its message",
    )
    before = {name: snapshot.rows_of(name) for name in neighbours}

    left = decom.remove(gone, "--settle", "0", **given)
    assert left.code == 3, left.shown
    (trace,) = left.host["leftovers"]
    assert (trace["kind"], trace["target"]) == ("message-queue", f"compute.{gone}")
    assert trace["detail"].startswith(f"1 message in compute.{gone} ")
    assert left.host["readd"]["answer"] == "no"
    audited = decom("audit", "-f", "json", **given)
    left_over = {t["target"]: h["host"] for h in audited.json["hosts"] for t in h["leftovers"]}
    assert left_over[f"compute.{gone}"] == gone
    assert "compute.near10" not in left_over

    ran = decom.remove(gone, "--discard-messages", "--settle", "0", **given)
    assert ran.code == 0, ran.shown
    assert ran.changes("done") == ["delete-queues delete"]
    assert ran.host["readd"]["answer"] == "yes"
    assert snapshot.traces_of(gone) == set()
    assert {name: snapshot.rows_of(name) for name in neighbours} == before
    assert rabbit.queues("near10") == {"compute.near10": (1, 0), "compute-alt.near10": (0, 0)}

    lab.wipe_compute(gone)
    lab.start_compute(gone, wait=False)
    wait_until(
        lambda: set(rabbit.queues(gone).values()) == {(0, 1)},
        timeout=60,
        what="the new machine to read its queues",
    )
    assert PASSWORD not in left.shown + audited.out + ran.shown


@pytest.mark.parametrize(
    ("user", "vhost", "words"),
    [
        ("guest:of-nobody@", "", "HTTP 401"),
        ("guest:guest@", "of-nobody", "HTTP 404"),
        ("no-tag:of-no-tag@", "", "HTTP 401"),
    ],
)
def test_a_broker_that_cannot_be_read_is_unknown_and_told_by_doctor(
    decom: NovaDecom, rabbit: RabbitMQ, user: str, vhost: str, words: str
) -> None:
    """The password is in no output."""
    rabbit("PUT", "users/no-tag", password="of-no-tag", tags="")
    given = rabbit.given(user, vhost)

    doctor = decom("doctor", **given)
    verified = decom("verify", "node1", "-f", "json", **given)

    assert (doctor.code, words in doctor.out) == (69, True)
    (found,) = [c for c in verified.host["readd"]["conditions"] if c["name"] == "message-queue"]
    assert (found["met"], words in found["detail"]) == ("unknown", True)
    assert user not in doctor.shown + verified.shown


def test_another_spelling_is_refused_with_the_right_name(
    decom: NovaDecom, snapshot: Snapshot
) -> None:
    """NODE1 is not node1, although MySQL finds one for the other."""
    before = snapshot.checksums()

    ran = decom.remove("NODE1")

    assert ran.code == 4
    assert "give the exact name: node1" in ran.host["error"]["remedy"]
    assert snapshot.checksums() == before


def test_an_unknown_host_is_refused_unless_absent_is_wished(decom: NovaDecom) -> None:
    """A typing error must not look like a success."""
    ran = decom.remove("nodd1")
    assert ran.code == 4
    assert "node1" in ran.host["error"]["remedy"]

    wished = decom.remove("nodd1", "--absent-ok")
    assert (wished.code, wished.host["result"]) == (0, "unchanged")


def test_a_saved_plan_is_refused_when_the_cloud_has_moved_on(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """A plan that was reviewed runs as it is, or not at all."""
    hosts.start("saved1")
    saved = decom.state_dir.parent / "plan.json"
    assert decom("plan", "saved1", "--out", str(saved)).code == 0
    (server,) = lab.create_servers(1, on="saved1")
    # Nova notes the end of a build after it has called the server ACTIVE.
    noted = "SELECT id FROM instance_actions_events WHERE host = %s AND finish_time IS NULL"
    wait_until(
        lambda: not lab.cell_sql("cell1", noted, "saved1"), timeout=60, what="the build to end"
    )
    before = snapshot.rows_of("saved1")

    stale = decom.remove("--plan", str(saved))

    assert stale.code == 7
    assert "servers-present" in json.loads(stale.out)["error"]["message"]
    assert snapshot.rows_of("saved1") == before

    lab.delete_servers(server)
    assert decom.remove("--plan", str(saved)).code == 0


def test_without_a_terminal_nothing_waits_for_input(decom: NovaDecom, snapshot: Snapshot) -> None:
    """Cron gets exit 13 at once, with the command to run."""
    before = snapshot.checksums()
    ran = decom("remove", "node2")
    assert ran.code == 13
    assert "nova-decom remove node2 --yes" in ran.err
    assert snapshot.checksums() == before


def _servers_on(lab: Lab, host: str) -> list[tuple[str, ...]]:
    with lab.sql("nova") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT uuid FROM instances WHERE host = %s AND deleted = 0", (host,))
        return [tuple(row) for row in cursor.fetchall()]
