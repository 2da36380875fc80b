# SPDX-License-Identifier: Apache-2.0
"""OVN for a neutron with ML2/OVN: two databases, northd, and chassis without kernel module."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from tests.lab import config
from tests.lab.control_plane import ControlPlane
from tests.lab.errors import LabError
from tests.lab.extras.extra import Extra, Place
from tests.lab.packages import unpacked
from tests.lab.processes import Daemon

NAME = "ovn"
NORTH, SOUTH = "ovn-nb", "ovn-sb"
PACKAGES = (
    "libbpf1", "libunbound8", "libxdp1",
    "openvswitch-common", "openvswitch-switch", "ovn-central", "ovn-common", "ovn-host",
)  # fmt: skip
NORTHD = "ovn-northd"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
VSWITCHD = "usr/lib/openvswitch-switch/ovs-vswitchd"


class Ovn(Extra):
    """Neutron with ML2/OVN instead of ML2/OVS; the others of the lab stay as they are."""

    name: ClassVar[str] = NAME

    def bring_up(self, place: Place) -> None:
        """Start OVN, and neutron anew with ML2/OVN."""
        if not place.processes.alive(SOUTH):
            OvnNetwork(place).start()
            restart_neutron(place, with_ovn=True)

    def remove(self, place: Place) -> None:
        """Stop OVN with all chassis, forget them, and start neutron anew with ML2/OVS."""
        OvnNetwork(place).stop()
        restart_neutron(place, with_ovn=False)


def restart_neutron(place: Place, *, with_ovn: bool) -> None:
    """Write neutron's configuration and let it read it."""
    plain = config.neutron(place.site)
    home = place.site.layout.data / NAME
    place.processes.stop("neutron")
    file = place.site.layout.etc / "neutron" / "neutron.conf"
    config.write_ini(file, ml2_ovn(plain, home) if with_ovn else plain)
    environment = config.wsgi_environment(place.site, "neutron")
    if with_ovn:
        environment |= OvnNetwork(place).environment(home)
    ini = place.site.layout.etc / "uwsgi" / "neutron.ini"
    argv = (place.site.program("uwsgi"), "--ini", str(ini))
    place.processes.start(Daemon("neutron", argv, place.site.layout.log("neutron"), environment))
    ControlPlane(place.site, place.processes).wait_apis(["neutron"])


def ml2_ovn(sections: config.Sections, home: Path) -> config.Sections:
    """The configuration of neutron with ML2/OVN."""
    drivers = {"mechanism_drivers": "ovn", "type_drivers": "flat,local,vxlan,geneve"}
    return {
        **sections,
        "DEFAULT": {**sections["DEFAULT"], "service_plugins": "ovn-router"},
        "ml2": {**sections["ml2"], **drivers},
        "ml2_type_geneve": {"vni_ranges": "1:65536", "max_header_size": 38},
        "ovn": {
            "ovn_nb_connection": _socket(home, NORTH),
            "ovn_sb_connection": _socket(home, SOUTH),
        },
    }


class OvnNetwork:
    """The databases of OVN and its chassis, in a lab that has it."""

    def __init__(self, place: Place) -> None:
        self._site = place.site
        self._processes = place.processes
        self._data = place.site.layout.data / NAME
        self._root = unpacked(place.site.layout.cache_root / NAME, PACKAGES)

    def start(self) -> None:
        """Start both databases and northd."""
        for name, schema in ((NORTH, "ovn-nb"), (SOUTH, "ovn-sb")):
            self._start_database(name, self._data, f"usr/share/ovn/{schema}.ovsschema")
        for tool, name in (("ovn-nbctl", NORTH), ("ovn-sbctl", SOUTH)):
            self._tool(tool, f"--db={_socket(self._data, name)}", "init")
        databases = [f"--ovn{d}-db={_socket(self._data, f'ovn-{d}')}" for d in ("nb", "sb")]
        self._start(NORTHD, self._data, "usr/bin/ovn-northd", *databases)

    def stop(self) -> None:
        """Stop everything and forget it."""
        names = [r.name for r in self._processes.records()]
        self._processes.stop(*(n for n in names if n.startswith(("ovn-", "ovsdb-", "vswitchd-"))))
        shutil.rmtree(self._data, ignore_errors=True)

    def start_chassis(self, host: str) -> None:
        """A real ovn-controller beside an Open vSwitch with dummy datapath; its name is HOST."""
        home = self._data / host
        database = f"ovsdb-{host}"
        self._start_database(database, home, "usr/share/openvswitch/vswitch.ovsschema")
        address = _socket(home, database)
        settings = {
            "system-id": host,
            "hostname": host,
            "ovn-remote": _socket(self._data, SOUTH),
            "ovn-encap-type": "geneve",
            # OVN takes an address for a single chassis only.
            "ovn-encap-ip": f"127.0.1.{len(list(self._data.glob('*/')))}",
        }
        ids = [f'external_ids:{key}="{value}"' for key, value in settings.items()]
        self._tool("ovs-vsctl", f"--db={address}", "--no-wait", "init")
        self._tool("ovs-vsctl", f"--db={address}", "--no-wait", "set", "open_vswitch", ".", *ids)
        self._start(f"vswitchd-{host}", home, VSWITCHD, "--enable-dummy=override", address)
        self._start(f"ovn-controller-{host}", home, "usr/bin/ovn-controller", address)

    def kill_chassis(self, host: str) -> None:
        """Let the machine die: its chassis stays in the database."""
        names = (f"ovn-controller-{host}", f"vswitchd-{host}", f"ovsdb-{host}")
        self._processes.stop(*names[:1], timeout=0)
        self._processes.stop(*names[1:])

    def sbctl(self, *arguments: str) -> str:
        """What ovn-sbctl answers about the southbound database."""
        return self._tool("ovn-sbctl", f"--db={_socket(self._data, SOUTH)}", *arguments)

    def _start_database(self, name: str, home: Path, schema: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        file = home / f"{name}.db"
        if not file.exists():
            self._tool("ovsdb-tool", "create", str(file), str(self._root / schema))
        remote = f"--remote=p{_socket(home, name)}"
        self._start(name, home, "usr/sbin/ovsdb-server", remote, str(file))
        self._processes.wait_ready(
            name, (home / f"{name}.sock").exists, timeout=20, what=f"{name} to listen"
        )

    def _start(self, name: str, home: Path, program: str, *arguments: str) -> None:
        argv = (str(self._root / program), *arguments)
        log = self._site.layout.log(name)
        self._processes.start(Daemon(name, argv, log, self.environment(home)))

    def environment(self, home: Path) -> dict[str, str]:
        """Where its programs are, and their files in `home`."""
        directories = ("OVS_RUNDIR", "OVN_RUNDIR", "OVS_DBDIR", "OVN_DBDIR", "OVS_LOGDIR")
        packaged = {"OVS_PKGDATADIR": str(self._root / "usr/share/openvswitch")}
        libraries = {"LD_LIBRARY_PATH": str(self._root / LIBRARIES)}
        path = {"PATH": f"{self._root / 'usr/bin'}:/usr/sbin:/usr/bin:/sbin:/bin"}
        return {name: str(home) for name in directories} | packaged | libraries | path

    def _tool(self, name: str, *arguments: str) -> str:
        path = self._root / "usr/bin" / name
        return _run(str(path), *arguments, cwd=self._data, env=self.environment(self._data))


def _run(*argv: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(
        argv, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _socket(home: Path, name: str) -> str:
    return f"unix:{home / name}.sock"
