# SPDX-License-Identifier: Apache-2.0
"""The host itself, over the operator's own ssh client: its unit of nova-compute.

The client's configuration, agent, jump hosts and certificates all apply. ``--`` stands before
the host, for a host may be called ``-oProxyCommand=...``; no option of ours is ever taken from
a host name.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from nova_decom.errors import ChangeFailedError, WriteRefusedError
from nova_decom.model.host import SystemdUnit

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
#: Seconds for one command on the host; from 33.0.0 nova-compute may take three minutes to stop
#: (graceful_shutdown_timeout, nova 33.0.0 conf/base.py:25).
COMMAND_TIMEOUT = 240
SSH_FAILED = 255
_FIND_UNIT = f"""\
units="{" ".join(UNITS)}"
found=$(systemctl list-unit-files --type=service --no-legend --plain $units) || found=
found=$(printf '%s\\n' "$found" | while read -r unit rest; do
    [ -n "$unit" ] && printf '%s\\n' "$unit"; done)
for unit in $found; do
    active=$(systemctl is-active "$unit"); enabled=$(systemctl is-enabled "$unit")
    printf 'unit %s %s %s\\n' "$unit" "${{active:-unknown}}" "${{enabled:-unknown}}"
done
exit 0
"""


class Remote:
    """Looks at units over ssh; unable to stop anything."""

    def __init__(self, config: Path | None = None) -> None:
        """Use the operator's ssh, with another configuration file if one is given."""
        self._config = config

    def unit(self, host: str) -> SystemdUnit:
        """The unit of nova-compute on the host; the first one running, else the first.

        :raises ChangeFailedError: ssh failed, or the host has no such unit.
        """
        found = self._units(host)
        return next((u for u in found if not u.is_off), found[0])

    def _units(self, host: str) -> list[SystemdUnit]:
        """Every unit of nova-compute that the host has."""
        out = self._run(host, _FIND_UNIT)
        units = [line.split()[1:4] for line in out.splitlines() if line.startswith("unit ")]
        if not units:
            raise ChangeFailedError(
                f"{host}: no unit of nova-compute found; looked for {', '.join(UNITS)}",
                "stop it by hand and give --stop-with none, or --stop-with command",
            )
        return [
            SystemdUnit(
                name,
                active=active not in {"inactive", "failed"},
                enabled=enabled in {"enabled", "enabled-runtime"},
            )
            for name, active, enabled in units
        ]

    def stop(self, host: str) -> None:
        """Refuse: this client only looks."""
        raise WriteRefusedError(f"stop nova-compute on {host} by a client that only looks")

    def _run(self, host: str, script: str) -> str:
        config = [] if self._config is None else ["-F", str(self._config)]
        options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}"]
        command = ["ssh", "-T", *options, *config, "--", host, f"sh -c {shlex.quote(script)}"]
        return _execute(command, host, "ssh")


class WritableRemote(Remote):
    """Stops units over ssh."""

    def stop(self, host: str) -> None:
        """Stop and disable the unit of nova-compute that the host has.

        Every unit found is taken, so that none of them brings nova-compute back.

        :raises ChangeFailedError: ssh failed, the host has no such unit, or systemctl refused.
        """
        names = " ".join(shlex.quote(u.name) for u in self._units(host) if not u.is_off)
        if names:
            sudo = 'sudo=; [ "$(id -u)" = 0 ] || sudo="sudo -n"'
            self._run(host, f"{sudo}; $sudo systemctl disable --now {names}")


@dataclass(frozen=True, slots=True)
class StopCommand:
    """Stops nova-compute by the operator's own command, without a shell."""

    template: str

    def stop(self, host: str) -> None:
        """Run the command with ``{host}`` filled in as one whole word or part of a word.

        :raises ChangeFailedError: it cannot be run, or ends with another code than 0.
        """
        words = [word.replace("{host}", host) for word in shlex.split(self.template)]
        _execute(words, host, "the stop command")


def _execute(command: list[str], host: str, what: str) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
            # Ctrl-C is for this program: what it has in hand is finished first.
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ChangeFailedError(
            f"{host}: {what} did not end within {COMMAND_TIMEOUT} s", "look at the host"
        ) from None
    except OSError as error:
        raise ChangeFailedError(
            f"{command[0]}: {error.strerror}", "install it, or choose another --stop-with"
        ) from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-400:]
        raise ChangeFailedError(
            f"{host}: {what} failed with {done.returncode}: {said or 'no message'}",
            _cure(done.returncode, what),
        )
    return done.stdout.decode("utf-8", "replace")


def _cure(code: int, what: str) -> str:
    if what == "ssh" and code == SSH_FAILED:
        return (
            "make 'ssh HOST true' work without a password (--ssh-config names another "
            "configuration), or give --stop-with command, --stop-with none, or --offline for "
            "a host that is dead and fenced"
        )
    return "mend that on the host, then run again"
