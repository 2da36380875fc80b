# SPDX-License-Identifier: Apache-2.0
"""Commands that only look change nothing, and their clients could not."""

import statistics
import subprocess
import time

import pytest

from nova_decom.cli.context import Context
from nova_decom.clients.mysql.sources import Sources
from nova_decom.errors import UnavailableError, WriteRefusedError
from nova_decom.model.api_call import ABSENT, delete_service, disable_service
from nova_decom.model.machine import StopOrder
from nova_decom.model.sql import Statement, Transaction
from nova_decom.plan.planner import make_plan
from tests.cli.conftest import CHECKOUT
from tests.cli.requests_sent import note_requests
from tests.cli.run import PROGRAM, NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab

#: The API calls of ``nova-decom plan node1``; docs/calls.md shows the same list.
PLAN_CALLS = [
    ("compute", "GET", "/os-services"),
    ("compute", "GET", "/os-aggregates"),
    ("placement", "GET", "/resource_providers"),
    ("placement", "GET", "/resource_providers/UUID/allocations"),
    ("network", "GET", "/agents"),
    ("network", "GET", "/agents/UUID/dhcp-networks"),
]
#: Where a row names a server or a migration, or not all rows are read; in docs/calls.md, too.
CALLS_BY_ROWS = [("compute", "GET", "/servers/detail"), ("compute", "GET", "/os-migrations")]


def test_looking_changes_nothing(decom: NovaDecom, snapshot: Snapshot) -> None:
    """No table of nova, nova_api or placement differs after every command that only looks.

    On this machine only the names of hosts are kept, for completion.
    """
    before = snapshot.checksums()
    for arguments, code in (
        (("list",), 0),
        (("list", "node1", "-f", "json"), 0),
        (("plan", "node1"), 0),
        (("plan",), 0),
        (("--dry-run",), 0),
        (("--dry-run", "remove", "node1"), 0),
        (("remove", "node1", "--dry-run", "--yes"), 0),
        (("verify", "node1"), 3),
        (("doctor", "node1"), 0),
        (("steps",), 0),
    ):
        ran = decom(*arguments)
        assert ran.code == code, (arguments, ran)
    assert snapshot.checksums() == before
    kept = {path.name for path in decom.state_dir.iterdir()}
    assert kept == {"hosts.cache", "zones.cache", "aggregates.cache"}


def test_the_three_ways_to_a_plan_print_the_same(decom: NovaDecom) -> None:
    """plan, --dry-run before the command and after it."""
    plan = decom("plan", "node1")
    assert decom("--dry-run", "remove", "node1").out == plan.out
    assert decom("remove", "node1", "--dry-run").out == plan.out
    assert "DELETE FROM services WHERE id IN" in plan.out
    assert "DELETE /os-services/" in plan.out


def test_the_clients_that_look_are_unable_to_write(app: Context, snapshot: Snapshot) -> None:
    """A write over them is refused before it is sent, and by the database server as well."""
    before = snapshot.checksums()
    cloud = app.reading()
    facts = cloud.facts("node1")
    assert facts.service is not None
    assert facts.service.id is not None
    statement = Statement("DELETE FROM services WHERE id IN (%s)", (1,), 1)

    for write in (
        lambda: cloud.send(disable_service(str(facts.service.id), "test")),
        lambda: cloud.send(delete_service(str(facts.service.id))),
        lambda: cloud.stop_unit("node1", StopOrder(("nova-compute.service",), "1-2")),
        lambda: cloud.run(Transaction("cell1", "node1", (statement,))),
    ):
        with pytest.raises(WriteRefusedError):
            write()
    assert cloud.clients.databases is not None
    for cell in cloud.clients.databases.cells:
        with pytest.raises(UnavailableError, match="READ ONLY"):
            cell.database.rows("DELETE FROM services WHERE host = %s", "node1")
    assert snapshot.checksums() == before


def test_a_plan_takes_six_calls_and_repeats_none(app: Context) -> None:
    """The calls of a plan of an empty host are those of the documentation, each once."""
    cloud = app.reading()
    sent = note_requests(cloud)
    facts = cloud.facts("node1")
    make_plan(facts)

    uuid = facts.compute_nodes[0].uuid
    calls = [(s, m, path.replace(uuid, "UUID").replace(ABSENT, "UUID")) for s, m, path in sent]
    assert calls == PLAN_CALLS
    documented = (CHECKOUT / "docs" / "calls.md").read_text()
    for service, method, path in (*PLAN_CALLS, *CALLS_BY_ROWS):
        assert f"| {service} | `{method} {path}` |" in documented


def test_the_calls_do_not_grow_with_the_hosts(app: Context) -> None:
    """A look at every host takes as many calls as a look at one, allocations apart."""
    cloud = app.reading()
    sent = note_requests(cloud)
    cloud.read_hosts(["node1"])
    one = [c for c in sent if not c[2].endswith("/allocations")]
    cloud = app.reading()
    sent = note_requests(cloud)
    cloud.read_hosts([f"nowhere{number}" for number in range(50)])
    assert sent == one


def test_without_databases_all_servers_and_migrations_are_asked_for_at_once(
    app: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand to a page, and an empty one, instead of one request for each host."""
    monkeypatch.setattr(app, "_sources", Sources)
    cloud = app.reading()
    sent = note_requests(cloud)
    cloud.read_hosts([f"nowhere{number}" for number in range(50)])
    # A list that is not empty takes one more, which shows that there is no other page.
    assert all(1 <= sent.count(call) <= 2 for call in CALLS_BY_ROWS)


def test_starting_up_is_five_times_faster_than_the_openstack_command(lab: Lab) -> None:
    """--help and --version load none of the heavy libraries; measured side by side."""
    openstack = lab.layout.cache(lab.site.release) / "venv" / "bin" / "openstack"
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        ours.append(_seconds(str(PROGRAM), "--version"))
        theirs.append(_seconds(str(openstack), "--version"))
    assert statistics.median(ours) < statistics.median(theirs) / 5, (ours, theirs)


def _seconds(*command: str) -> float:
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - start
