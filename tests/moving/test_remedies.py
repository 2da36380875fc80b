# SPDX-License-Identifier: Apache-2.0
"""The commands of remedies, run by the real client, without a terminal, on the state they cure."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests import scenarios
from tests.cli.client import Client
from tests.cli.conftest import Hosts
from tests.lab import Lab, LabError
from tests.lab.waiting import wait_until
from tests.moving.servers import Fleet, in_progress, migrations
from tests.osc.test_remedies import NAMED
from tests.scenarios import calls, states

TIMEOUT = 60.0
GONE = "gone"
#: The first microversion in which a pin can be taken away.
PINS = "2.104"
ATTEMPTS = 5
#: The client's words for a migration that has ended.
TOO_LATE = ("invalid state", "not found", "could not be found", "while the migration is in this")
HOST = "cured1"
#: Command, the status of the server that it is for, the status after it.
ON_SERVERS = (
    ("server show", "ERROR", "ERROR"),
    ("server set --state active --auto-approve", "ERROR", "ACTIVE"),
    ("server set --state error --auto-approve", "ACTIVE", "ERROR"),
    ("server delete", "ERROR", GONE),
    ("server resume", "SUSPENDED", "ACTIVE"),
    ("server unpause", "PAUSED", "ACTIVE"),
    ("server unrescue", "RESCUE", "ACTIVE"),
    ("server restore", "SOFT_DELETED", "ACTIVE"),
    ("server unshelve", "SHELVED", "ACTIVE"),
    ("server shelve", "ACTIVE", "SHELVED"),
    ("server shelve --offload", "ACTIVE", "SHELVED_OFFLOADED"),
    ("server resize revert", "VERIFY_RESIZE", "ACTIVE"),
    ("server resize confirm", "VERIFY_RESIZE", "ACTIVE"),
)
#: The tests that run the others, and the calls that do it.
OTHERS = (Path(__file__), *Path(scenarios.__file__).parent.glob("*.py"))
CALLS = {"client", "client.typed", "_while_it_migrates"}


def test_each_command_is_tried() -> None:
    """A new remedy needs a line in the table, or a call in another test."""
    tried = {*(command for command, _, _ in ON_SERVERS), *_called()}

    left = [text for text in NAMED if not any(text.startswith(t) for t in tried)]

    assert left == []
    assert [t for t in tried if not any(text.startswith(t) for text in NAMED)] == []


def test_each_server_leaves_the_state_by_the_command(
    lab: Lab, hosts: Hosts, fleet: Fleet, client: Client
) -> None:
    """All servers are made first, so that they get into their states side by side."""
    hosts.start(HOST, "refuge1")
    counts = [before for _, before, _ in ON_SERVERS]
    made = fleet.boot(HOST, **{status: counts.count(status) for status in counts})
    waiting = {status: [s for s, now in made.items() if now == status] for status in counts}
    expected = {}

    for command, before, after in ON_SERVERS:
        server = waiting[before].pop()
        client(command, server)
        expected[server] = after

    with suppress(LabError):
        wait_until(lambda: _statuses(lab, expected) == expected, timeout=TIMEOUT, what="all")
    assert _statuses(lab, expected) == expected
    fleet.servers = {s: status for s, status in expected.items() if status != GONE}


def test_a_running_migration_obeys_the_commands(
    lab: Lab, hosts: Hosts, fleet: Fleet, client: Client
) -> None:
    """Aborted, the server stays; completed by force, it is elsewhere."""
    hosts.start(HOST)
    (server,) = fleet.boot(HOST, ACTIVE=1)

    _while_it_migrates(lab, fleet, client, "server migration force complete", server)

    assert migrations(lab, HOST)[-1]["status"] == "completed"
    assert str(migrations(lab, HOST)[-1]["id"]) in client("server migration list --server", server)
    _move(lab, server, HOST)
    calls.wait_for(lab, server, HOST, "ACTIVE")

    _while_it_migrates(lab, fleet, client, "server migration abort", server)

    assert migrations(lab, HOST)[-1]["status"] == "cancelled"
    assert server in client("server list --all-projects --host", HOST)
    assert server in client("server migration list --host", HOST)


def test_a_server_is_unpinned_and_its_group_deleted(
    lab: Lab, hosts: Hosts, fleet: Fleet, client: Client
) -> None:
    """Both keep a server from other hosts."""
    hosts.start(HOST)
    (server,) = fleet.boot(HOST, ACTIVE=1)
    calls.sql(
        lab, "nova_api",
        "UPDATE request_specs SET spec = JSON_SET(spec, "
        "'$.\"nova_object.data\".availability_zone', 'nova') WHERE instance_uuid = %s",
        server,
    )  # fmt: skip
    assert _pin(lab, server) == "nova"
    group = {"name": "kept-together", "policy": "affinity"}
    made = calls.compute(lab, "POST", "/os-server-groups", {"server_group": group})

    client("server unset --pinned-availability-zone", server, version=PINS)
    client("server group delete", made["server_group"]["id"])

    assert _pin(lab, server) is None
    assert calls.compute(lab, "GET", "/os-server-groups")["server_groups"] == []


def test_records_of_a_host_obey_the_commands(lab: Lab, hosts: Hosts, client: Client) -> None:
    """Service, aggregate, provider and agent."""
    hosts.start(HOST)
    states.disabled(lab, HOST)
    aggregate = lab.connection().compute.create_aggregate(name="of-cured")
    provider = {"name": "ghost-of-cured"}
    uuid = calls.placement(lab, "POST", "/resource_providers", provider)["uuid"]
    agent = lab.network_agent(HOST, "DHCP agent")

    client("compute service set --enable", HOST, "nova-compute")
    client("aggregate add host", aggregate.name, HOST)
    client("resource provider delete", uuid)
    assert agent in client("network agent list")
    client("network agent delete", agent)

    assert HOST in client("compute service list --long")
    assert calls.service(lab, HOST)["status"] == "enabled"
    assert lab.connection().compute.get_aggregate(aggregate.id).hosts == [HOST]
    named = calls.placement(lab, "GET", f"/resource_providers?name={provider['name']}")
    assert named["resource_providers"] == []
    assert agent not in client("network agent list")
    lab.connection().compute.remove_host_from_aggregate(aggregate.id, HOST)
    lab.connection().compute.delete_aggregate(aggregate.id)


def _called() -> Iterator[str]:
    """The commands among the arguments of the calls: each has a blank."""
    for path in OTHERS:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CALLS:
                words = (a.value for a in node.args if isinstance(a, ast.Constant))
                yield from (word for word in words if " " in str(word))


def _while_it_migrates(lab: Lab, fleet: Fleet, client: Client, command: str, server: str) -> None:
    """Run the command while the server leaves the host, and wait until the migration has ended.

    A live migration of the fake driver lasts five seconds. One that the client misses, as it
    starts slowly on a busy machine, is made again.
    """
    for _ in range(ATTEMPTS):
        _move(lab, server, None)
        wait_until(
            lambda: migrations(lab, HOST)[-1]["status"] == "running",
            timeout=TIMEOUT,
            what="the migration to run",
        )
        done = client.run(command, server, str(migrations(lab, HOST)[-1]["id"]))
        wait_until(lambda: not in_progress(lab, HOST), timeout=TIMEOUT, what="its end")
        if done.returncode == 0:
            return
        assert any(text in done.stderr for text in TOO_LATE), done.stderr
        if fleet.now()[server][0] != HOST:
            _move(lab, server, HOST)
            calls.wait_for(lab, server, HOST, "ACTIVE")
    raise AssertionError(f"{command} missed {ATTEMPTS} migrations")


def _move(lab: Lab, server: str, host: str | None) -> None:
    calls.act(lab, server, {"os-migrateLive": {"host": host, "block_migration": "auto"}})


def _pin(lab: Lab, server: str) -> object:
    answer = lab.connection().compute.get(f"/servers/{server}", microversion=PINS)
    return answer.json()["server"]["pinned_availability_zone"]


def _statuses(lab: Lab, servers: dict[str, str]) -> dict[str, str]:
    compute = lab.connection().compute
    found = {s.id: s.status for s in compute.servers(all_projects=True)}
    return {server: found.get(server, GONE) for server in servers}
