# SPDX-License-Identifier: Apache-2.0
"""One machine under several names: nobody's nova-compute is stopped but the host's own."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.lab import Lab
from tests.scenarios import calls, states
from tests.scenarios.clean import SETTLE, bring_to_clean, refuse
from tests.scenarios.registry import scenario


def leads_to(lab: Lab, name: str, host: str, directory: Path) -> tuple[str, str]:
    """The options by which ``ssh NAME`` leads to the machine of another host."""
    config = directory / "ssh_config"
    machine = lab.ssh_config.read_text().split(f"Host {host}\n")[1].split("\nHost ")[0]
    config.write_text(f"Host {name}\n{machine}\n{lab.ssh_config.read_text()}")
    return "--ssh-config", str(config)


def still_serves(lab: Lab, host: str) -> None:
    """nova-compute of the host runs on and was not disabled."""
    assert lab.compute_running(host)
    assert calls.service(lab, host)["status"] == "enabled"
    machine = lab.hosts.get(host)
    assert machine is not None
    assert machine.unit_state.read_text() == "enabled\n"


@contextmanager
def left_over(lab: Lab, name: str) -> Iterator[str]:
    """A resource provider that a nova-compute of this name once made."""
    uuid = calls.placement(lab, "POST", "/resource_providers", {"name": name})["uuid"]
    path = f"/resource_providers/{uuid}"
    traits = {"resource_provider_generation": 0, "traits": ["COMPUTE_NODE"]}
    calls.placement(lab, "PUT", f"{path}/traits", traits)
    try:
        yield uuid
    finally:
        calls.placement(lab, "DELETE", path)


@scenario(
    "I01",
    state="a provider under another spelling of a living host, and ssh leads to that machine",
    by_hand="`systemctl stop` by that name stops the living host",
    does="refuses: nova knows no such host; `audit` names the provider's own delete",
    result="refused; the living host goes on",
)
def test_orphan_provider_under_another_spelling(
    lab: Lab, decom: NovaDecom, host: str, tmp_path: Path
) -> None:
    """What placement remembers makes no host of a name."""
    name = f"{host}.example.net"
    with left_over(lab, name) as provider:
        ran = refuse(decom, name, *leads_to(lab, name, host, tmp_path))
        audited = decom("audit", "-f", "json").json["hosts"]
        traces = [trace for named in audited for trace in named["leftovers"]]
        (found,) = [trace for trace in traces if trace["target"] == provider]

    assert f"but '{host}' is" in ran.blocked()["host-exact"]
    assert f"openstack resource provider delete {provider}" in ran.host["error"]["remedy"]
    assert "nova-decom remove" not in found["remedy"]
    assert provider in found["remedy"]
    still_serves(lab, host)


@scenario(
    "I02",
    hosts=("i02", "i02.example.org"),
    state="a renamed host: the old service is down, the machine serves the new name",
    by_hand="`systemctl stop` on the machine stops the host that lives",
    does="asks the machine, and refuses to stop what is another host's; --stop-with none removes "
    "the old one",
    result="refused, then clean; the new name goes on",
)
def test_renamed_host(lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path) -> None:
    """The old name leads to the machine of the new one."""
    assert hosts
    old, new = "i02", "i02.example.org"
    states.down(lab, old)
    ssh = leads_to(lab, old, new, tmp_path)

    ran = refuse(decom, old, *ssh)
    planned = decom("plan", old, *ssh, "-f", "json")

    assert f"host = {new}" in ran.blocked()["machine-identity"]
    assert "--stop-with none" in ran.host["error"]["remedy"]
    assert planned.blocked() == ran.blocked()
    still_serves(lab, new)
    gone = decom.remove(old, "--stop-with", "none", "--settle", SETTLE)
    assert (gone.code, gone.host["result"]) == (0, "removed"), gone.shown
    again = decom.remove(old, *ssh)
    assert (again.code, again.host["result"]) == (0, "unchanged"), again.out
    still_serves(lab, new)


@scenario(
    "I03",
    hosts=("i03", "i03.example.org"),
    state="only rows of a host are left, and the machine serves another spelling of its name",
    by_hand="`systemctl stop` on the machine stops the host that lives",
    does="refuses to stop it; --stop-with none removes the rows",
    result="refused, then clean; the other spelling goes on",
)
def test_leftovers_of_another_spelling(
    lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """A host without a service is asked over ssh whether it still runs: here another one does."""
    assert hosts
    old, new = "i03", "i03.example.org"
    states.stopped(lab, old)
    states.service_removed_by_sql(lab, old)

    ran = refuse(decom, old, *leads_to(lab, old, new, tmp_path))

    assert f"host = {new}" in ran.blocked()["machine-identity"]
    gone = decom.remove(old, "--stop-with", "none", "--settle", SETTLE)
    assert (gone.code, gone.host["result"]) == (0, "removed"), gone.shown
    still_serves(lab, new)


@scenario(
    "I04",
    state="nova-compute hangs: it is down in nova, and its process is there",
    by_hand="works, if the process is noticed",
    does="stops it: its configuration and its compute_id are this host's",
)
def test_hung_nova_compute(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Down in nova is no reason to refuse where the machine has proved to be this host."""
    machine = lab.hosts.get(host)
    assert machine is not None
    record = lab.processes.record(machine.compute)
    assert record is not None
    states.disabled(lab, host)
    os.kill(record.pid, signal.SIGSTOP)
    states.await_down(lab, host)

    ran = bring_to_clean(decom, host)

    assert "stop-service stop" in ran.changes("done")
    assert not lab.compute_running(host)


@scenario(
    "I05",
    state="two active units of nova-compute on one machine, both of this host",
    by_hand="stops one of them, and the other brings the rows back",
    does="refuses until one of them is stopped",
    result="refused, nothing written",
)
def test_two_active_units(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Which of them is meant cannot be known."""
    machine = lab.hosts.get(host)
    assert machine is not None
    machine.units.write_text("nova-compute.service\nopenstack-nova-compute.service\n")

    ran = refuse(decom, host)

    assert "2 active units may be meant" in ran.blocked()["machine-identity"]
    still_serves(lab, host)


@scenario(
    "I06",
    state="the configuration of nova-compute cannot be read over ssh",
    by_hand="nobody asks",
    does="warns before the prompt that nothing proves whose nova-compute it is",
    result="clean, with a warning",
)
def test_unreadable_configuration(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The service is up, and no sign speaks against the machine."""
    machine = lab.hosts.get(host)
    assert machine is not None
    (machine.directory / "nova-compute.conf").rename(machine.directory / "hidden")

    planned = decom("plan", host, "-f", "json")

    (found,) = [f for f in planned.host["findings"] if f["guard"] == "machine-identity"]
    assert found["verdict"] == "warning"
    assert "its configuration cannot be read" in found["message"]
    bring_to_clean(decom, host)


@scenario(
    "I07",
    state="dead network agents under another spelling of a living host",
    by_hand="deletes the agents, and takes the host for removed",
    does="refuses, and names the host and the commands that delete the agents alone",
    result="refused, nothing written",
)
def test_agents_under_another_spelling(lab: Lab, decom: NovaDecom, host: str) -> None:
    """Agents make no host of a name."""
    name = f"{host}.example.net"
    agent = lab.network_agent(name)
    try:
        ran = refuse(decom, name)
        alone = refuse(decom, name, "--absent-ok")
    finally:
        lab.purge_host(name)

    assert f"but '{host}' is" in ran.blocked()["host-exact"]
    assert f"openstack network agent delete {agent}" in ran.host["error"]["remedy"]
    assert "host-exact" in alone.blocked()
    still_serves(lab, host)


@scenario(
    "I08",
    state="dead network agents under the host's own hypervisor hostname",
    by_hand="leaves them in the list for ever",
    does="names them as left over, with the option that takes them along",
    result="exit 3 until --host-alias names them, then clean",
)
def test_agents_of_the_hypervisor(lab: Lab, decom: NovaDecom, host: str) -> None:
    """The name is the host's own; agents are deleted only under a name that is given."""
    fqdn = f"{host}.dc1.example"
    states.stopped(lab, host)
    states.known_by_fqdn(lab, host, fqdn)
    agent = lab.network_agent(fqdn)

    try:
        ran = decom.remove(host, "--settle", SETTLE)
        (left,) = ran.host["leftovers"]
        done = decom.remove(host, "--host-alias", fqdn, "--settle", SETTLE)
    finally:
        lab.purge_host(fqdn)

    assert (ran.code, left["target"]) == (3, agent)
    assert left["remedy"] == f"nova-decom remove {host} --host-alias {fqdn}"
    assert (done.code, done.changes("done")) == (0, ["delete-agents delete"])
