# SPDX-License-Identifier: Apache-2.0
"""The compute host over the operator's own ssh client: which nova host it is, and its units.

The client's configuration, agent, jump hosts and certificates all apply. ``--`` precedes the
host, for a host may be called ``-oProxyCommand=...``; no option of ours is ever taken from a
host name.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryFile
from threading import BoundedSemaphore
from typing import IO

from nova_decom.clients.host.process import run
from nova_decom.errors import ChangeFailedError, WriteRefusedError
from nova_decom.model.machine import Machine, StopOrder, SystemdUnit, UnitIdentity

#: What deployments call the unit; the unit, never only its container, which systemd restarts.
UNITS = (
    "nova-compute.service",
    "openstack-nova-compute.service",
    "kolla-nova_compute-container.service",
    "kolla-nova_compute_ironic-container.service",
    "edpm_nova_compute.service",
    "tripleo_nova_compute.service",
    "snap.openstack-hypervisor.nova-compute.service",
    "devstack@n-cpu.service",
)
CONNECT_TIMEOUT = 10
#: Connections at the same time: the hosts wait for each other's systemctl, not for the API.
CONNECTIONS = 16
#: Seconds for one command on the host; from 33.0.0 nova-compute may take three minutes to stop
#: (graceful_shutdown_timeout, nova 33.0.0 conf/base.py:25).
COMMAND_TIMEOUT = 240
SSH_FAILED = 255
#: Runs the script that comes on standard input, as root where sudo allows it without a password:
#: a nova.conf is for root and nova only.
_AS_ROOT = """\
script=$(cat)
if [ "$(id -u)" != 0 ] && sudo -n -l sh >/dev/null 2>&1; then
    exec sudo -n sh -c "$script" "$0" "$@"
fi
exec sh -c "$script" "$0" "$@"
"""


class Remote:
    """Asks machines over ssh which nova host they are; unable to stop anything."""

    def __init__(self, config: Path | None = None) -> None:
        """``config`` is a configuration file for the operator's ssh, None for the usual one."""
        self._options = [] if config is None else ["-F", str(config)]
        self._connections = BoundedSemaphore(CONNECTIONS)

    def machine(self, host: str) -> Machine:
        """The names of the machine behind ``ssh HOST``, and its nova-compute units.

        :raises ChangeFailedError: ssh failed, or the machine has no such unit.
        """
        machine = read_machine(self._run(host, "look"))
        if not machine.units:
            raise ChangeFailedError(
                f"{host}: no unit of nova-compute found; looked for {', '.join(UNITS)}",
                "stop it by hand and give --stop-with none, or --stop-with command",
            )
        return machine

    def user(self, host: str) -> str:
        """The user as whom ssh logs in to the machine, by the configuration of ssh.

        :raises ChangeFailedError: ssh cannot read its configuration.
        """
        said = _execute(["ssh", *self._options, "-G", "--", host], host, "ssh", "")
        return next(line.split()[1] for line in said.splitlines() if line.startswith("user "))

    def stop(self, host: str, order: StopOrder) -> Machine | None:
        """Refuse: this client only looks."""
        raise WriteRefusedError(
            f"stop {', '.join(order.units)} on {host} by a client that only looks"
        )

    def _run(self, host: str, *arguments: str) -> str:
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}"]
        remote = shlex.join(["sh", "-c", _AS_ROOT, "nova-decom", *arguments])
        command = ["ssh", "-T", *options, *self._options, "--", host, remote]
        with self._connections:
            return _execute(command, host, "ssh", probe())


class WritableRemote(Remote):
    """Stops units over ssh."""

    def stop(self, host: str, order: StopOrder) -> Machine | None:
        """Stop and disable these units, if the machine still describes itself as before.

        The machine after that, by the same connection; None when there is no unit to stop.

        :raises ChangeFailedError: ssh failed, another machine answers, or systemctl refused.
        """
        if not order.units:
            return None
        said = self._run(host, "stop", order.checksum, *order.units)
        if "changed" in said.splitlines():
            raise ChangeFailedError(
                f"{host}: its names, units or nova configuration have changed since they were "
                "read; no unit was stopped",
                "run again",
            )
        return read_machine(said)


def sudoers(units: Iterable[str], user: str = "decom") -> Iterator[str]:
    """The lines of sudoers that let the user of ssh stop these units, and nothing else."""
    for unit in units:
        # A comma, a colon, an equals sign and a backslash mean something in sudoers.
        who, plain = (re.sub(r"([,:=\\])", r"\\\1", name) for name in (user, unit))
        yield f"{who} ALL=(root) NOPASSWD: /usr/bin/systemctl disable --now {plain}"


def probe() -> str:
    """The script that a machine runs to describe itself."""
    text = resources.files("nova_decom.clients.host").joinpath("probe.sh").read_text("utf-8")
    return text.replace('units="UNITS"', f'units="{" ".join(UNITS)}"')


def read_machine(answer: str) -> Machine:
    """The machine that the lines of the script describe; lines of other kinds are left out."""
    lines = [line.split(" ", 2) for line in answer.splitlines() if " " in line]
    told: dict[str, list[tuple[str, str]]] = {}
    for kind, name, *rest in lines:
        told.setdefault(kind, []).append((name, rest[0] if rest else ""))
    names = tuple(name for name, _ in told.get("name", ()))
    units = []
    for name, states in told.get("unit", ()):
        active, enabled = (*states.split(), "unknown", "unknown")[:2]
        unit = SystemdUnit(
            name,
            active=active not in {"inactive", "failed"},
            enabled=enabled in {"enabled", "enabled-runtime"},
        )
        uuids = frozenset(uuid.lower() for of, uuid in told.get("node", ()) if of == name)
        unread = any(of == name for of, _ in told.get("unread", ()))
        host = None if unread else _host(name, lines, next(iter(names), None))
        units.append(UnitIdentity(unit, host, uuids))
    checksum = next((value for value, _ in told.get("sum", ())), "")
    number = next((n for n, _ in told.get("processes", ()) if n.isdecimal()), None)
    return Machine(names, tuple(units), checksum, int(number) if number else None)


def _host(unit: str, lines: Iterable[list[str]], hostname: str | None) -> str | None:
    """The host of a unit's configuration; None when no file of it could be read."""
    files: list[str] = []
    for kind, of, *rest in lines:
        if of == unit and kind == "file":
            files.append("")
        elif of == unit and kind == "line" and files:
            files[-1] += f"{rest[0]}\n"
    if not files:
        return None
    from nova_decom.clients.host.unit_config import resolved_host  # loads oslo.config

    return resolved_host(files, hostname)


@dataclass(frozen=True, slots=True)
class StopCommand:
    """Stops nova-compute by the operator's own command, without a shell."""

    template: str

    def stop(self, host: str) -> None:
        """Run the command with ``{host}`` filled in as one whole word or part of a word.

        :raises ChangeFailedError: it cannot be run, or ends with another code than 0.
        """
        words = [word.replace("{host}", host) for word in shlex.split(self.template)]
        _execute(words, host, "the stop command", "")


def _execute(command: list[str], host: str, what: str, script: str) -> str:
    """The output of a command with this script as its input."""
    try:
        with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
            stdin.write(script.encode())
            stdin.seek(0)
            code = run(command, COMMAND_TIMEOUT, (stdin, stdout, stderr))
            said, errors = (_text(stream) for stream in (stdout, stderr))
    except subprocess.TimeoutExpired:
        raise ChangeFailedError(
            f"{host}: {what} did not end within {COMMAND_TIMEOUT} s", "look at the host"
        ) from None
    except OSError as error:
        raise ChangeFailedError(
            f"{command[0]}: {error.strerror}", "install it, or choose another --stop-with"
        ) from error
    if code:
        why = " ".join(errors.split())[-400:] or "no message"
        raise ChangeFailedError(f"{host}: {what} failed with {code}: {why}", _cure(code, what))
    return said


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace")


def _cure(code: int, what: str) -> str:
    if what == "ssh" and code == SSH_FAILED:
        return (
            "make 'ssh HOST true' work without a password (--ssh-config names another "
            "configuration), or give --stop-with command, --stop-with none, or --offline for "
            "a host that is dead and fenced"
        )
    return "mend that on the host, then run again"
