# SPDX-License-Identifier: Apache-2.0
"""Hosts that are registered as they should be, or nearly so."""

import signal
import subprocess
import threading
from pathlib import Path

from tests.cli.client import Client
from tests.cli.conftest import Hosts
from tests.cli.run import PROGRAM, NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.waiting import wait_until
from tests.scenarios import calls, states
from tests.scenarios.clean import bring_to_clean, comes_back, refuse
from tests.scenarios.registry import scenario

#: Kind -> the agent that serves it, its path, and the list of the agent.
SERVED = {
    "router": ("L3 agent", "routers", "l3-routers"),
    "network": ("DHCP agent", "networks", "dhcp-networks"),
}


@scenario(
    "C01",
    "X7",
    state="clean host: disabled, stopped, no server, in an aggregate",
    by_hand="both rows go; membership, mapping and provider stay, and a new machine of the name "
    "never receives a server",
    does="deletes the service by the API, then the soft-deleted rows",
    result="clean; the machine comes back with its old identity (as a new one: C17, C22)",
)
def test_clean_host(lab: Lab, decom: NovaDecom, host: str) -> None:
    """What nova's own delete can do is left to it; with its compute_id the machine comes back."""
    states.in_aggregate(lab, host)
    states.stopped(lab, host)

    ran = bring_to_clean(decom, host)

    assert [c for c in ran.changes("done") if c != "stop-service prove"] == [
        "disable-service disable",  # it was, and is held now
        "stop-service stop",
        "delete-service delete",
        "purge-rows delete",
    ]
    comes_back(lab, host, as_new_machine=False)


@scenario(
    "C10",
    state="configuration management starts nova-compute again after the delete",
    by_hand="nobody notices: the rows are back a moment later",
    does="sees it within the settle time: exit 8, and what to mask",
    result="exit 8; clean as soon as it is stopped for good",
)
def test_comes_back_by_itself(lab: Lab, decom: NovaDecom, host: str, snapshot: Snapshot) -> None:
    """A removal that somebody undoes is no success."""

    def puppet() -> None:
        wait_until(
            lambda: host not in snapshot.hosts_in("services"), timeout=60, what=f"{host} to go"
        )
        lab.start_compute(host, wait=False)

    thread = threading.Thread(target=puppet)
    thread.start()
    ran = decom.remove(host, "--settle", "15")
    thread.join()

    assert ran.code == 8, ran.shown
    assert "came back" in ran.host["error"]["message"]
    assert "mask" in ran.host["error"]["remedy"]
    bring_to_clean(decom, host)


@scenario(
    "C12",
    state="services.host is the short name; hypervisor, provider and agents have the FQDN",
    by_hand="`where hypervisor_hostname = 'c12'` deletes no row and says nothing",
    does="finds the compute node by host, the provider by uuid, the agents by --host-alias",
)
def test_short_name_and_fqdn(lab: Lab, decom: NovaDecom, host: str) -> None:
    """All names of one host are one host, and only those that are told exactly."""
    fqdn = f"{host}.dc1.example"
    states.stopped(lab, host)
    states.known_by_fqdn(lab, host, fqdn)
    agent = lab.network_agent(fqdn)

    try:
        ran = bring_to_clean(decom, host, host_alias=fqdn)
    finally:
        lab.purge_host(fqdn)

    assert agent in {c["target"] for c in ran.host["changes"] if c["step"] == "delete-agents"}


@scenario(
    "C25",
    state="a run was killed (SIGKILL) between the API's delete and the SQL",
    by_hand="half a procedure, and no record of which half",
    does="looks at the cloud, not at a record: does what is left to do",
)
def test_killed_between_api_and_sql(lab: Lab, decom: NovaDecom, host: str, tmp_path: Path) -> None:
    """Running again is how a killed run is resumed."""
    environment = {**lab.env(), "NOVA_DECOM_STATE_DIR": str(tmp_path / "killed")}
    deleted = "SELECT id FROM services WHERE host = %s AND deleted <> 0"
    # The purge waits for the device's row, which the API does not touch.
    with (
        states.pci_device_held(lab, host),
        subprocess.Popen(
            [str(PROGRAM), "remove", host, "--yes"],
            env=environment | {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as run,
    ):
        wait_until(
            lambda: bool(calls.rows(lab, "nova", deleted, host)),
            timeout=60,
            what="the service to be deleted",
        )
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL

    ran = bring_to_clean(decom, host)

    assert ran.changes("done") == ["purge-rows delete"]


@scenario(
    "X6",
    state="the service serves ironic nodes",
    by_hand="deletes by hypervisor_hostname what another host may own by now",
    does="refuses, and names nova-manage db ironic_compute_node_move",
    result="refused, nothing written",
)
def test_ironic(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Ironic nodes move between hosts while one looks."""
    states.stopped(lab, host)
    states.serves_ironic(lab, host)

    ran = refuse(decom, host)

    assert "1 ironic node" in ran.blocked()["ironic"]
    assert "ironic_compute_node_move" in ran.host["error"]["remedy"]


@scenario(
    "X3",
    state="all other hosts look down too, as when the control plane or a clock is sick",
    by_hand="whatever looks dead for half an hour is deleted, the whole cloud if need be",
    does="refuses: not this host is sick",
    result="refused, nothing written",
)
def test_most_other_hosts_look_down(lab: Lab, decom: NovaDecom, host: str) -> None:
    """A host is not taken for dead in a cloud that looks dead."""
    states.stopped(lab, host)
    with states.conductor_hangs(lab):
        ran = refuse(decom, host)
        overruled = decom("plan", host, "--skip-guard", "fleet-healthy", "-f", "json")

    assert "other compute services are down" in ran.blocked()["fleet-healthy"]
    assert "fleet-healthy" not in overruled.blocked()
    bring_to_clean(decom, host)


@scenario(
    "X4",
    hosts=("x4-empty", "x4-full"),
    state="two hosts of a rack, one of them with a server",
    by_hand="a loop over both orphans the server",
    does="removes the one, refuses the other; --on-failure says whether to go on",
    result="exit 6: one clean, one untouched",
)
def test_one_host_of_two_refuses(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """Each host has its own result, and the one that may not go is not touched."""
    assert hosts
    (server,) = lab.create_servers(1, on="x4-full")
    before = snapshot.rows_of("x4-full")

    ran = decom.remove("x4-empty", "x4-full", "--on-failure", "continue", "--settle", "2")

    assert ran.code == 6, ran.shown
    results = {h["host"]: h["result"] for h in ran.json["hosts"]}
    assert results == {"x4-empty": "removed", "x4-full": "refused"}
    assert snapshot.rows_of("x4-full") == before
    assert snapshot.traces_of("x4-empty") == set()
    lab.delete_servers(server)


@scenario(
    "X11",
    state="a service of long ago (an old version) holds up the upgrade",
    by_hand="deletes it, with the leftovers of any deletion by SQL",
    does="removes it as any other host",
)
def test_old_version(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The row that pins the minimum version goes."""
    oldest = "SELECT MIN(version) FROM services WHERE deleted = 0 AND `binary` = 'nova-compute'"
    states.stopped(lab, host)
    states.version_of_long_ago(lab, host, 30)
    assert calls.rows(lab, "nova", oldest) == [(30,)]

    bring_to_clean(decom, host)

    ((version,),) = calls.rows(lab, "nova", oldest)
    assert version > 30


@scenario(
    "X8",
    state="dead agents of the host alone serve a router and a network, another one still reports",
    by_hand="leaves them; deleting a dead one takes the router from every agent, without a word",
    does="names both; with --reschedule-agents gives them to living agents and deletes the dead "
    "ones; the other is named as left over (or kept: --keep-agents)",
    result="exit 4 until they may move, exit 3 until the other is stopped, then clean; a restore "
    "names the commands that move them back",
)
def test_network_agents(lab: Lab, decom: NovaDecom, client: Client, host: str) -> None:
    """An agent that lives would come back; it is named until somebody stops it."""
    states.stopped(lab, host)
    served = [_served(lab, host, kind) for kind in SERVED]
    dead = [lab.network_agent(host, agent_type) for agent_type, _, _ in SERVED.values()]
    others = [lab.network_agent(f"{host}-net", t, alive=True) for t, _, _ in SERVED.values()]
    alive = lab.network_agent(host, "Open vSwitch agent", alive=True)
    assert served[0] in client("router list --agent", dead[0])
    assert served[1] in client("network list --agent", dead[1])

    refused = refuse(decom, host)

    for kind, found in zip(SERVED, served, strict=True):
        assert f"{kind} 'of-{host}' {found}" in refused.blocked()["agents-hosting"]
    first = decom.remove(host, "--reschedule-agents", "--settle", "2")
    assert _agents(lab, served) == [[other] for other in others]
    assert first.code == 3, first.shown
    assert set(dead) <= {c["target"] for c in first.host["changes"] if c["status"] == "done"}
    (left,) = first.host["leftovers"]
    assert (left["kind"], left["target"]) == ("network-agent", alive)
    assert "still alive" in left["detail"]
    kept = decom.remove(host, "--keep-agents")
    assert (kept.code, kept.host["result"]) == (0, "unchanged")

    lab.network_agent(host, "Open vSwitch agent")
    ran = bring_to_clean(decom, host)

    assert ran.changes("done") == ["delete-agents delete"]
    back = decom("restore", first.json["run"], "--yes", "-f", "json")
    assert back.code == 0, back.shown
    moves = [text for text in back.host["to_do"] if "was given to another agent" in text]
    again = [lab.network_agent(host, t, alive=True) for t, _, _ in SERVED.values()]
    assert len(moves) == len(SERVED)
    for move, old, new in zip(sorted(moves, reverse=True), others, again, strict=True):
        client.typed(move, "network agent remove", OLD=old)
        client.typed(move, "network agent add", NEW=new)
        assert new in client.typed(move, "network agent list")
    assert _agents(lab, served) == [[agent] for agent in again]
    for (_, path, _), found in zip(SERVED.values(), served, strict=True):
        calls.network(lab, "DELETE", f"/{path}/{found}")
    lab.purge_host(f"{host}-net")


def _served(lab: Lab, host: str, kind: str) -> str:
    """A new router or network that an agent of the host alone serves; its id."""
    agent_type, path, listed = SERVED[kind]
    agent = lab.network_agent(host, agent_type, alive=True)
    made = calls.network(lab, "POST", f"/{path}", {kind: {"name": f"of-{host}"}})[kind]["id"]
    calls.network(lab, "POST", f"/agents/{agent}/{listed}", {f"{kind}_id": made})
    return str(made)


def _agents(lab: Lab, served: list[str]) -> list[list[str]]:
    """The living agents of the router, and those of the network."""
    paths = ("/routers/{}/l3-agents", "/networks/{}/dhcp-agents")
    found = [
        calls.network(lab, "GET", path.format(id_))["agents"]
        for path, id_ in zip(paths, served, strict=True)
    ]
    return [[a["id"] for a in agents if a["alive"]] for agents in found]
