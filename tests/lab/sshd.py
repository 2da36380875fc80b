# SPDX-License-Identifier: Apache-2.0
"""One sshd per host, on the host's own loopback address, and the client's side of it."""

import getpass
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.lab.computes import Host
from tests.lab.layout import Site
from tests.lab.processes import Daemon, Processes

SSHD = "/usr/sbin/sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CHECKOUT = Path(__file__).parents[2]


class SSH:
    def __init__(self, site: Site, processes: Processes) -> None:
        self._site = site
        self._processes = processes
        self._key = site.layout.run / "id_ed25519"
        self._known_hosts = site.layout.run / "known_hosts"

    def start(self, host: Host) -> None:
        """Start the host's sshd; a lab run by root needs the directory sshd insists on."""
        if os.geteuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        _make_key(self._key)
        _make_key(host.host_key)
        self._write_systemctl(host)
        self._write_pgrep(host)
        self._write_hostname(host)
        config = host.directory / "sshd_config"
        config.write_text(self._server_config(host))
        argv = (SSHD, "-D", "-e", "-f", str(config))
        self._processes.start(Daemon(host.sshd, argv, self._site.layout.log(host.sshd)))

    def write_client_files(self, hosts: Iterable[Host]) -> None:
        """Write ssh_config and known_hosts, for exactly these hosts."""
        hosts = list(hosts)
        port = self._site.ports["ssh"]
        known = (
            f"[{host.address}]:{port} {host.host_key.with_suffix('.pub').read_text()}"
            for host in hosts
        )
        _replace(self._known_hosts, "".join(known))
        _replace(self._site.layout.ssh_config, "\n".join(map(self._client_config, hosts)))

    def _server_config(self, host: Host) -> str:
        return f"""\
ListenAddress {host.address}
Port {self._site.ports["ssh"]}
HostKey {host.host_key}
AuthorizedKeysFile {self._key}.pub
PidFile {host.directory / "sshd.pid"}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PrintMotd no
# A test may open many connections at once.
MaxStartups 100
# HOME, because a shell that sshd starts reads the start-up files there, and the user's own may
# put other directories first.
SetEnv PATH={host.bin}:{SYSTEM_PATH} HOME={host.directory}
"""

    def _client_config(self, host: Host) -> str:
        return f"""\
Host {host.name}
    HostName {host.address}
    Port {self._site.ports["ssh"]}
    User {getpass.getuser()}
    IdentityFile {self._key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {self._known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""

    def _write_systemctl(self, host: Host) -> None:
        host.bin.mkdir(parents=True, exist_ok=True)
        script = host.bin / "systemctl"
        command = shlex.join([sys.executable, "-S", "-m", "tests.lab.systemctl"])
        places = shlex.join([str(host.directory), str(self._site.layout.pids)])
        script.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(CHECKOUT))} exec {command} {places} "$@"\n'
        )
        script.chmod(0o755)

    def _write_pgrep(self, host: Host) -> None:
        """`pgrep` sees the host's own nova-compute: all hosts share the machine's processes.

        It fails where the host has a file `no_pgrep`.
        """
        script = host.bin / "pgrep"
        blind, units, systemctl = (
            shlex.quote(str(path))
            for path in (host.directory / "no_pgrep", host.units, host.bin / "systemctl")
        )
        script.write_text(
            f"#!/bin/sh\n[ ! -e {blind} ] || exit 2\n"
            f'pid=$({systemctl} show -p MainPID --value "$(head -n 1 {units})")\n'
            '[ "${pid:-0}" != 0 ] && echo "$pid"\n'
        )
        script.chmod(0o755)

    def _write_hostname(self, host: Host) -> None:
        """`hostname` says the host's name; the short one, except with `-f`."""
        script = host.bin / "hostname"
        short, full = shlex.quote(host.name.split(".")[0]), shlex.quote(host.name)
        script.write_text(f"#!/bin/sh\ncase $1 in -f) echo {full} ;; *) echo {short} ;; esac\n")
        script.chmod(0o755)


def _make_key(path: Path) -> None:
    if not path.exists():
        subprocess.run(
            ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path],
            check=True,
            stdin=subprocess.DEVNULL,
        )


def _replace(path: Path, text: str) -> None:
    """Readers see the old file or the new one, never half of it."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text)
    partial.replace(path)
