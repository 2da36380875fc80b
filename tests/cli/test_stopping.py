# SPDX-License-Identifier: Apache-2.0
"""nova-compute that cannot be stopped, or cannot be reached: bounded, and nothing deleted."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Hosts
from tests.cli.run import NovaDecom
from tests.cli.snapshot import Snapshot
from tests.lab import Lab
from tests.lab.rabbitmq_api import RabbitMQ

BOUND = ("--timeout", "6")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ((), "systemctl disable --now"),
        (("--stop-with", "command", "--stop-command", "true {host}"), "the heartbeat"),
    ],
)
def test_who_only_says_that_it_stopped_is_not_believed(
    lab: Lab,
    decom: NovaDecom,
    hosts: Hosts,
    snapshot: Snapshot,
    how: tuple[str, ...],
    told: str,
) -> None:
    """systemctl or the operator's command succeeds and nova-compute runs on: exit 5."""
    hosts.start("stubborn1")
    (hosts.directory("stubborn1") / "unstoppable").touch()

    ran = decom.remove("stubborn1", *how, *BOUND)

    assert ran.code == 5
    assert told in ran.host["error"]["message"]
    assert "delete-service delete" in ran.changes("pending")
    assert snapshot.hosts_in("services").count("stubborn1") == 1
    assert snapshot.hosts_in("compute_nodes").count("stubborn1") == 1
    assert lab.compute_running("stubborn1")


def test_state_down_alone_proves_nothing(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """A service that is forced down and still beats is alive."""
    hosts.start("forced1")
    compute = lab.connection().compute
    (service,) = compute.services(host="forced1", binary="nova-compute")
    compute.update_service_forced_down(service, forced=True)

    for how in (("--stop-with", "none"), ("--offline",)):
        ran = decom.remove("forced1", *how, *BOUND)
        # Seen at the first look, at the second (which was not reviewed), or while waiting.
        assert ran.code in {4, 5, 7}, ran.out
        assert snapshot.hosts_in("services").count("forced1") == 1
        assert lab.compute_running("forced1")


def test_none_waits_for_the_operator(lab: Lab, decom: NovaDecom, hosts: Hosts) -> None:
    """With --stop-with none the run goes on as soon as somebody stopped nova-compute."""
    hosts.start("waits1")
    operator = threading.Timer(4, lab.stop_compute, ("waits1",))
    operator.start()

    ran = decom.remove("waits1", "--stop-with", "none")

    operator.join()
    assert ran.code == 0, ran.shown


def test_the_operators_own_command_stops_it_without_a_shell(
    lab: Lab, decom: NovaDecom, hosts: Hosts, tmp_path: Path
) -> None:
    """{host} is filled in as it is; quotes and semicolons in it never reach a shell."""
    hosts.start("command1")
    script = tmp_path / "stop.py"
    script.write_text(
        "import sys, pathlib\n"
        f"pathlib.Path({str(tmp_path / 'args')!r}).write_text(repr(sys.argv[1:]))\n"
        f"sys.path.insert(0, {str(Path.cwd())!r})\n"
        "from tests.lab import Lab\n"
        f"Lab(pathlib.Path({str(lab.layout.root)!r})).stop_compute(sys.argv[1])\n"
    )
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{host}} ';rm' '$HOME'"

    ran = decom.remove("command1", "--stop-with", "command", "--stop-command", command)

    assert ran.code == 0, ran.shown
    assert (tmp_path / "args").read_text() == "['command1', ';rm', '$HOME']"


def test_a_dead_host_goes_without_ssh(lab: Lab, decom: NovaDecom, hosts: Hosts) -> None:
    """--offline asks nothing of the host; its silent heartbeat is the proof."""
    hosts.start("dead1")
    lab.stop_compute("dead1")
    _wait_until_down(lab, "dead1")

    ran = decom.remove("dead1", "--offline")

    assert ran.code == 0, ran.shown
    assert "stop-service stop" not in ran.changes("done")


def test_a_host_that_died_a_moment_ago_leaves_no_order(
    lab: Lab, decom: NovaDecom, hosts: Hosts, rabbit: RabbitMQ
) -> None:
    """Nova may still show it up, and then puts our disable into its queue for a new machine."""
    hosts.start("killed1")
    machine = lab.hosts.get("killed1")
    assert machine is not None
    record = lab.processes.record(machine.compute)
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)

    discard = ("--stop-with", "none", "--discard-messages")
    ran = decom.remove("killed1", *discard, **rabbit.given())

    assert ran.code == 0, ran.shown
    assert ran.host["readd"]["answer"] == "yes"
    assert rabbit.queues("killed1") == {}


@pytest.mark.parametrize(
    ("name", "spoil", "expected"),
    [
        ("ssh-port", ("Port ", "Port 1 #"), "Connection refused"),
        ("ssh-key", ("IdentityFile ", "IdentityFile /nonexistent #"), "Permission denied"),
        ("ssh-host-key", ("UserKnownHostsFile ", "UserKnownHostsFile /dev/null #"), "Host key"),
        ("ssh-name", ("Host ", "Host somebody-else #"), "not resolve"),
    ],
)
def test_ssh_that_fails_deletes_nothing(
    lab: Lab,
    decom: NovaDecom,
    hosts: Hosts,
    snapshot: Snapshot,
    tmp_path: Path,
    name: str,
    spoil: tuple[str, str],
    expected: str,
) -> None:
    """What ssh itself says is passed on, with the ways out."""
    hosts.start(name)
    config = tmp_path / "ssh_config"
    config.write_text(lab.ssh_config.read_text().replace(*spoil))

    ran = decom.remove(name, "--ssh-config", str(config))

    assert ran.code == 1
    assert expected in ran.host["error"]["message"]
    assert "--stop-with" in ran.host["error"]["remedy"]
    assert snapshot.hosts_in("services").count(name) == 1
    assert lab.compute_running(name)


def test_a_host_without_the_unit_is_named(
    lab: Lab, decom: NovaDecom, hosts: Hosts, snapshot: Snapshot
) -> None:
    """The units looked for are in the message."""
    hosts.start("unitless1")
    (hosts.directory("unitless1") / "units").write_text("cron.service\n")

    ran = decom.remove("unitless1")

    assert ran.code == 1
    assert "openstack-nova-compute.service" in ran.host["error"]["message"]
    assert snapshot.hosts_in("services").count("unitless1") == 1
    assert lab.compute_running("unitless1")


def test_the_unit_of_another_distribution_is_found(
    lab: Lab, decom: NovaDecom, hosts: Hosts
) -> None:
    """openstack-nova-compute.service is stopped where the host has that."""
    hosts.start("redhat1")
    (hosts.directory("redhat1") / "units").write_text("openstack-nova-compute.service\n")
    assert "openstack-nova-compute.service active, enabled" in decom("doctor", "redhat1").out

    ran = decom.remove("redhat1")

    assert ran.code == 0, ran.shown
    assert not lab.compute_running("redhat1")


def test_a_host_name_is_never_an_option_of_ssh(lab: Lab, decom: NovaDecom, tmp_path: Path) -> None:
    """A host called -oProxyCommand=... runs nothing, neither by remove nor by doctor."""
    trap = tmp_path / "trapped"
    name = f"-oProxyCommand=touch {trap}"

    for command in (("remove", "--yes"), ("doctor",), ("plan",), ("verify",)):
        ran = decom(*command, "--", name)
        assert ran.code in {0, 4, 69}, (command, ran)
    assert not trap.exists()
    # The same name without the two dashes would have been trapped.
    subprocess.run(["ssh", "-F", str(lab.ssh_config), name, "node1", "true"], check=False)
    assert trap.exists()


def _wait_until_down(lab: Lab, host: str) -> None:
    end = time.monotonic() + 30
    compute = lab.connection().compute
    while next(iter(compute.services(host=host))).state != "down":
        assert time.monotonic() < end
        time.sleep(0.5)
