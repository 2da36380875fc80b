# SPDX-License-Identifier: Apache-2.0
"""Hosts that servers are on, were on, or are about to leave."""

import pytest

from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.scenarios import calls, states
from tests.scenarios.clean import bring_to_clean, refuse
from tests.scenarios.registry import scenario

REFUSED = "refused, nothing written"


@scenario(
    "C02",
    state="servers that are not ACTIVE: SHUTOFF, PAUSED, SUSPENDED, ERROR",
    by_hand="`server list --status ACTIVE` is empty; all of them are orphaned",
    does="refuses, and names each with its state",
    result=REFUSED,
)
def test_servers_that_are_not_active(lab: Lab, decom: NovaDecom, host: str) -> None:
    """A host is empty when no server of any state is on it."""
    servers = dict(
        zip(
            ("SHUTOFF", "PAUSED", "SUSPENDED", "ERROR"),
            lab.create_servers(4, on=host),
            strict=True,
        )
    )
    states.brought_to(lab, servers["SHUTOFF"], "os-stop", "SHUTOFF")
    states.brought_to(lab, servers["PAUSED"], "pause", "PAUSED")
    states.brought_to(lab, servers["SUSPENDED"], "suspend", "SUSPENDED")
    calls.act(lab, servers["ERROR"], {"os-resetState": {"state": "error"}})

    ran = refuse(decom, host)

    for state, server in servers.items():
        assert f"{server} {state}" in ran.blocked()["servers-present"]
    assert lab.compute_running(host)


@scenario(
    "C03",
    state="a SOFT_DELETED server, which `server list --host` does not show",
    by_hand="orphans its disk",
    does="refuses, names it, and says that it must be restored or force-deleted",
    result=REFUSED,
)
def test_soft_deleted_server(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The plain list of servers is empty, and the host is not."""
    (server,) = lab.create_servers(1, on=host, status="SOFT_DELETED")
    plain = calls.compute(lab, "GET", f"/servers?all_tenants=1&host={host}")
    assert plain["servers"] == []

    ran = refuse(decom, host)

    assert f"{server} SOFT_DELETED" in ran.blocked()["servers-present"]
    assert "force-delete" in ran.host["error"]["remedy"]


@scenario(
    "C04",
    state="a server moved away, the move not confirmed (VERIFY_RESIZE)",
    by_hand="the move can not be undone any more; the provider keeps an allocation of it",
    does="refuses, names the migration; clean as soon as it is confirmed",
    result="refused, then clean",
)
def test_resize_not_confirmed(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Whose server is elsewhere may still come back here."""
    server = states.verify_resize(lab, host)

    ran = refuse(decom, host)

    message = ran.blocked()["migrations-active"]
    assert server in message
    assert "finished" in message
    assert "confirm" in ran.host["error"]["remedy"]

    states.confirm(lab, server)
    bring_to_clean(decom, host)


@pytest.mark.parametrize("status", ["accepted", "queued", "confirming"])
@scenario(
    "C05",
    state="a migration that hangs (accepted, queued, confirming) though nothing runs",
    by_hand="ignores it; the API would refuse (409) for ever",
    does="refuses, names status, age and server; never rewrites the status itself",
    result="refused; clean once the migration is ended",
)
def test_stuck_migration(lab: Lab, decom: NovaDecom, host: str, status: str) -> None:
    """A migration without an end is the operator's to end."""
    migration = states.migration_stuck(lab, host, status)

    ran = refuse(decom, host)

    message = ran.blocked()["migrations-active"]
    assert f"{migration} (live-migration of " in message
    assert status in message
    assert "since 20" in message

    states.migration_ended(lab, migration)
    if status == "confirming":
        bring_to_clean(decom, host)


@scenario(
    "C06",
    state="the migration is completed, and the server still has this host as its own",
    by_hand="the server runs elsewhere and can not be managed any more",
    does="refuses, and names the server",
    result=REFUSED,
)
def test_migrated_but_not_told(lab: Lab, decom: NovaDecom, host: str) -> None:
    """What nova's database says of a server holds, whatever its migrations say."""
    server = states.migrated_but_not_told(lab, host)

    ran = refuse(decom, host)

    assert server in ran.blocked()["servers-present"]


@scenario(
    "C07",
    state="dead host, its server evacuated; the provider still has its allocation",
    by_hand="the provider is orphaned, with an allocation that nobody dares to delete",
    does="takes this provider out of the server's allocations, then as usual, without ssh",
    result="clean; the server's allocation on its new host stays as it is",
)
def test_evacuated(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The server keeps what it holds where it lives."""
    server = states.evacuated(lab, host)
    here = calls.node_uuid(lab, host)
    before = calls.holdings(lab, server)
    assert len(before) == 2

    ran = bring_to_clean(decom, host, offline=True)

    before.pop(here)
    assert calls.holdings(lab, server) == before
    assert "clear-allocations release" in ran.changes("done")
    assert "stop-service stop" not in ran.changes("done")


@scenario(
    "C08",
    state="dead host, its server not evacuated",
    by_hand="loses the server",
    does="refuses; never deletes a server",
    result=REFUSED,
)
def test_dead_but_not_evacuated(lab: Lab, decom: NovaDecom, host: str) -> None:
    """That a host is dead does not make its servers nobody's."""
    (server,) = lab.create_servers(1, on=host)
    states.down(lab, host)

    ran = refuse(decom, host, "--offline")

    assert server in ran.blocked()["servers-present"]
