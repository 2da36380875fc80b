# SPDX-License-Identifier: Apache-2.0
"""The machine behind ssh describes itself: names, units, their configuration and compute_id.

``ssh`` is a program that runs its last argument here; ``systemctl`` and ``hostname`` are scripts.
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from nova_decom.clients.host import ssh
from nova_decom.clients.host.ssh import COMMAND_TIMEOUT, Remote, WritableRemote, read_machine
from nova_decom.errors import ChangeFailedError, WriteRefusedError
from nova_decom.model.machine import StopOrder

UUID = "aaaaaaaa-0000-0000-0000-000000000001"
SECRET = "rabbit://nova:s3cret@mq"
UNIT = "nova-compute.service"
GRACEFUL_SHUTDOWN = 180
STOPS = f"echo inactive >{UNIT}/is-active && echo disabled >{UNIT}/is-enabled\n"
SSH = """\
case " $* " in *" -G "*) printf 'host x\\nuser ops\\nport 22\\n'; exit ;; esac
while [ "$1" != -- ]; do shift; done
printf '%s' "$3" >{box}/command
exec sh -c "$3"
"""
SYSTEMCTL = """\
echo "$*" >>{box}/calls
cd {box}/units
case $1 in
show)
    shift
    while [ "$1" = -p ]; do shift 2; done
    for unit; do
        if [ -d "$unit" ]; then
            cat "$unit/MainPID" "$unit/ExecStart" "$unit/Id" 2>/dev/null
            echo "LoadState=loaded"
            echo "ActiveState=$(cat "$unit/is-active")"
            echo "UnitFileState=$(cat "$unit/is-enabled")"
        else
            printf 'Id=%s\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n' "$unit"
        fi
        echo
    done ;;
disable) shift 2; for unit; do echo "$unit" >>{box}/stopped; done ;;
esac
exit 0
"""


class Box:
    """A machine: its directory is its root."""

    def __init__(self, path):
        """Make it with no unit."""
        self.path, self.root = path, path / "root"
        (path / "bin").mkdir()
        (path / "units").mkdir()
        self.root.mkdir()
        self.script("ssh", SSH)
        self.script("systemctl", SYSTEMCTL)
        self.script("hostname", 'if [ "$1" = -f ]; then echo hv1.example.org; else echo hv1; fi')

    def script(self, name, text):
        """A program of the machine."""
        program = self.path / "bin" / name
        program.write_text("#!/bin/sh\n" + text.replace("{box}", str(self.path)))
        program.chmod(0o755)

    def unit(self, name=UNIT, words="/usr/bin/nova-compute", *, state="active enabled", of=None):
        """A unit whose command line is this."""
        unit = self.path / "units" / name
        unit.mkdir()
        active, enabled = state.split()
        (unit / "is-active").write_text(f"{active}\n")
        (unit / "is-enabled").write_text(f"{enabled}\n")
        (unit / "Id").write_text(f"Id={of or name}\n")
        start = f"{{ path={words.split()[0]} ; argv[]={words} ; ignore_errors=no ; pid=0 }}"
        (unit / "ExecStart").write_text(f"ExecStart={start}\n")

    def file(self, path, *lines):
        """A file of the machine, by its absolute path."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line}\n" for line in lines))
        return file

    def stopped(self):
        """The units that were stopped."""
        file = self.path / "stopped"
        return file.read_text().split() if file.exists() else []


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A machine, with programs of its own and with its files below a directory."""
    found = Box(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    script = re.sub(r"^root=$", f"root={found.root}", ssh.probe(), count=1, flags=re.MULTILINE)
    monkeypatch.setattr(ssh, "probe", lambda: script)
    return found


def identity(box, number=0):
    """The unit, as it was told."""
    del box
    return Remote().machine("node1").units[number]


def test_a_machine_tells_its_names(box):
    """The first is nova's default for ``host``."""
    box.unit()

    assert Remote().machine("node1").names == ("hv1", "hv1.example.org")


def test_the_configuration_of_packages_is_found_without_being_named(box):
    """nova.conf, then nova-compute.conf, then the directories: the last one wins."""
    box.unit()
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = one", f"transport_url = {SECRET}")
    box.file("/etc/nova/nova-compute.conf", "[DEFAULT]", "host=two")
    assert identity(box).host == "two"

    box.file("/etc/nova/nova.conf.d/50-host.conf", "[DEFAULT]", "host: three")
    box.file("/etc/nova/nova.conf.d/10-host.conf", "[DEFAULT]", "host: four")
    assert identity(box).host == "three"


@pytest.mark.parametrize("separator", [" ", "="])
def test_the_command_line_of_the_unit_names_its_files(box, separator):
    """In its order; the files of packages are not read then."""
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = wrong")
    one = box.file("/opt/one.conf", "[DEFAULT]", "host = one", "my_ip = 192.0.2.1")
    box.file("/opt/conf.d/a.conf", "[DEFAULT]", "host = cn-$my_ip")
    box.file("/opt/conf.d/not-read", "[DEFAULT]", "host = wrong")
    words = (f"--config-file{separator}{one}", f"--config-dir{separator}{one.parent}/conf.d")
    box.unit(words=" ".join(("/usr/bin/nova-compute", *words, "--log-file", "/x.log")))

    assert identity(box).host == "cn-192.0.2.1"


@pytest.mark.parametrize(
    ("name", "file", "state"),
    [
        (
            "kolla-nova_compute-container.service",
            "/etc/kolla/nova-compute/nova.conf",
            "/var/lib/docker/volumes/nova_compute/_data",
        ),
        (
            "kolla-nova_compute_ironic-container.service",
            "/etc/kolla/nova-compute-ironic/nova.conf",
            "/var/lib/containers/storage/volumes/nova_compute/_data",
        ),
        (
            "edpm_nova_compute.service",
            "/var/lib/openstack/config/nova/02-nova-host-specific.conf",
            "/var/lib/nova",
        ),
        (
            "tripleo_nova_compute.service",
            "/var/lib/config-data/puppet-generated/nova_libvirt/etc/nova/nova.conf",
            "/var/lib/nova",
        ),
        (
            "snap.openstack-hypervisor.nova-compute.service",
            "/var/snap/openstack-hypervisor/common/etc/nova/nova.conf.d/a.conf",
            "/var/snap/openstack-hypervisor/common/lib/nova",
        ),
    ],
)
def test_each_deployment_keeps_them_elsewhere(box, name, file, state):
    """Not in /etc/nova of the host, where an older installation may have left its own."""
    box.unit(name, "/usr/bin/podman start nova_compute")
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = wrong")
    box.file("/var/snap/openstack-hypervisor/common/etc/nova/nova.conf", "[DEFAULT]")
    box.file(file, "[DEFAULT]", "host = right")
    box.file(f"{state}/compute_id", UUID.upper())

    found = identity(box)

    assert (found.unit.name, found.host, found.node_uuids) == (name, "right", {UUID})


def test_the_name_of_the_machine_is_the_default(box):
    """As nova has it: only a configuration that was read says that there is no other name."""
    box.unit()
    assert identity(box).host is None

    box.file("/etc/nova/nova.conf", "[DEFAULT]", "debug = true", "[libvirt]", "host = no")
    assert identity(box).host == "hv1"


def test_a_reference_that_cannot_be_resolved_leaves_the_host_unknown(box):
    """The program does not guess the address of the machine."""
    box.unit()
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = $my_ip")

    assert identity(box).host is None


def test_a_file_that_is_missing_leaves_the_host_unknown(box):
    """The unit names it, so that it may hold the host."""
    one = box.file("/opt/one.conf", "[DEFAULT]", "host = one")
    box.unit(words=f"nova-compute --config-file {one} --config-file {box.root}/missing")

    assert identity(box).host is None


def test_compute_id_is_read_beside_the_files_and_in_the_state_path(box):
    """Where nova looks for it."""
    other = UUID.replace("a", "b")
    box.unit()
    box.file("/etc/nova/nova.conf", "[DEFAULT]", f"state_path = {box.root}/srv/nova")
    box.file("/etc/nova/compute_id", UUID)
    box.file("/srv/nova/compute_id", f" {other} ")
    box.file("/var/lib/nova/compute_id", UUID.replace("a", "c"))

    assert identity(box).node_uuids == {UUID, other}


def test_no_secret_leaves_the_machine(box):
    """Only a few options of one section, with the lines that go on with their values."""
    box.unit()
    box.file(
        "/etc/nova/nova.conf",
        "[DEFAULT]",
        "host = a",
        "  b",
        f"transport_url = {SECRET}",
        f"  {SECRET}",
        f"#host = {SECRET}",
        "[database]",
        f"host = {SECRET}",
        f"connection = {SECRET}",
    )

    answer = Remote()._run("node1", "look")

    assert "line nova-compute.service host = a" in answer
    assert "line nova-compute.service   b" in answer
    assert "s3cret" not in answer


def test_an_alias_is_not_a_second_unit(box):
    """systemd lists both names."""
    box.unit()
    box.unit("openstack-nova-compute.service", of=UNIT)

    assert [u.unit.name for u in Remote().machine("node1").units] == [UNIT]


def test_a_machine_without_the_unit_is_an_error(box):
    """The message names the units that were looked for."""
    del box
    with pytest.raises(ChangeFailedError, match=r"looked for nova-compute\.service"):
        Remote().machine("node1")


def test_only_the_units_that_are_named_are_stopped(box):
    """The machine describes itself again in the same call."""
    box.unit()
    box.unit("edpm_nova_compute.service")
    machine = Remote().machine("node1")

    WritableRemote().stop("node1", StopOrder((UNIT,), machine.checksum))

    assert box.stopped() == [UNIT]


def test_a_machine_that_was_stopped_describes_itself_by_the_same_connection(box):
    """Nobody has to ask again whether it worked."""
    box.unit()
    before = Remote().machine("node1")
    box.script("systemctl", f'[ "$1" != disable ] || cd {box.path}/units && {STOPS}{SYSTEMCTL}')

    after = WritableRemote().stop("node1", StopOrder((UNIT,), before.checksum))

    assert after.checksum == before.checksum
    assert (before.units[0].unit.is_off, after.units[0].unit.is_off) == (False, True)


@pytest.mark.parametrize(
    ("pgrep", "number"),
    [("exit 1", 0), ("echo 7; echo 8", 2), ("exit 2", None), ("exit 127", None)],
    ids=["none", "two", "pgrep fails", "no pgrep"],
)
def test_the_processes_of_nova_compute_are_counted(box, pgrep, number):
    """That none were found is told apart from that nobody could look."""
    box.unit()
    box.script("pgrep", pgrep)

    assert Remote().machine("node1").processes == number


def test_a_user_who_may_not_see_all_processes_is_told_no_number(box):
    """/proc may be mounted so that others' processes are hidden."""
    box.unit()
    box.script("pgrep", "exit 1")
    box.script("id", "echo 1000")
    box.script("sudo", "exit 1")

    assert Remote().machine("node1").processes is None


def test_a_process_is_known_by_its_command_line(box, tmp_path):
    """The shell that asks, whose argument is the whole script, is not taken for nova-compute."""
    box.unit()
    before = Remote().machine("node1").processes
    program = tmp_path / "nova-compute"
    program.write_text("#!/bin/sh\necho\nread -r _\n")
    program.chmod(0o755)

    command, pipe = [program, "--config-file", "nova.conf"], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as child:
        assert child.stdout.readline() == b"\n"
        during = Remote().machine("node1").processes
        child.communicate(b"\n")

    assert during == before + 1


def test_no_unit_is_stopped_on_a_machine_that_has_changed(box):
    """The name may lead to another machine by then, or its nova was configured anew."""
    box.unit()
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = node1")
    machine = Remote().machine("node1")
    box.file("/etc/nova/nova.conf", "[DEFAULT]", "host = node2")

    with pytest.raises(ChangeFailedError, match="have changed since"):
        WritableRemote().stop("node1", StopOrder((UNIT,), machine.checksum))

    assert box.stopped() == []


def test_that_a_unit_has_ended_changes_nothing_of_the_identity(box):
    """The checksum leaves out whether units are active."""
    box.unit()
    before = Remote().machine("node1").checksum
    (box.path / "units" / UNIT / "is-active").write_text("failed\n")

    assert Remote().machine("node1").checksum == before


@pytest.mark.parametrize(
    ("state", "is_off"),
    [
        ("active enabled", False),
        ("deactivating disabled", False),
        ("activating disabled", False),
        ("reloading disabled", False),
        ("inactive enabled", False),
        ("inactive disabled", True),
        ("failed masked", True),
    ],
)
def test_a_unit_is_off_when_nothing_of_it_runs_or_comes_back(box, state, is_off):
    """While it is ending it still runs."""
    box.unit(state=state)

    assert identity(box).unit.is_off is is_off


def test_nova_compute_is_asked_to_stop_and_never_killed(box):
    """systemctl sends the signal that the unit names, and waits."""
    box.unit(state="deactivating disabled")

    WritableRemote().stop("node1", StopOrder((UNIT,), Remote().machine("node1").checksum))

    calls = (box.path / "calls").read_text().splitlines()
    assert [c.split()[0] for c in calls] == ["show", "show", "disable", "show"]
    assert calls[2] == f"disable --now {UNIT}"
    assert "kill" not in ssh.probe().lower()


def test_the_command_may_take_longer_than_nova_compute_does_to_stop():
    """From nova 33.0.0: three minutes."""
    assert GRACEFUL_SHUTDOWN < COMMAND_TIMEOUT


def test_an_order_without_units_asks_nobody(box):
    """Everything was off already."""
    WritableRemote().stop("node1", StopOrder((), "1-2"))

    assert not (box.path / "command").exists()


def test_a_client_that_looks_stops_no_unit(box):
    """It has no method that could."""
    with pytest.raises(WriteRefusedError):
        Remote().stop("node1", StopOrder((UNIT,), "1-2"))
    assert not (box.path / "command").exists()


def test_an_answer_of_another_kind_is_no_machine():
    """A message of the day, say."""
    machine = read_machine("Welcome to hv1\n\nunit\nline x\nname hv1\n")

    assert (machine.names, machine.units, machine.checksum) == (("hv1",), (), "")
