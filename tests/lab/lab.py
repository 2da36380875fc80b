# SPDX-License-Identifier: Apache-2.0
"""The lab: everything else put together."""

import contextlib
import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab import config, template
from tests.lab.agents import Agents
from tests.lab.cloud import CLOUD, connect
from tests.lab.computes import Computes, Host, Hosts
from tests.lab.control_plane import MEMCACHED, WORKERS, ControlPlane
from tests.lab.errors import LabError
from tests.lab.layout import Layout, Site, load_site, new_site, ports_free
from tests.lab.mariadb import NAME as MARIADB
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Processes
from tests.lab.purge import declare_dead, purge_rows
from tests.lab.rabbitmq import EPMD, RabbitMQ
from tests.lab.rabbitmq import NAME as RABBITMQ
from tests.lab.releases import DEFAULT_RELEASE, RELEASES, Release
from tests.lab.schema import Schema
from tests.lab.servers import Servers
from tests.lab.sshd import SSH
from tests.lab.template import Say, locked

if TYPE_CHECKING:
    from openstack.connection import Connection
    from pymysql.connections import Connection as Database

DEFAULT_COMPUTES = ("node1", "node2", "node3")
CONTROL_PLANE = (MARIADB, EPMD, RABBITMQ, MEMCACHED, *config.API_NAMES, *WORKERS)


def _silent(_: str) -> None:
    pass


class Lab:
    """A Nova control plane and its compute hosts, in one directory."""

    cloud = CLOUD

    def __init__(self, root: Path, say: Say = _silent) -> None:
        self.layout = Layout.of(Path(root))
        self.processes = Processes(self.layout.pids)
        self._say = say

    # Where things are

    @property
    def clouds_yaml(self) -> Path:
        return self.layout.clouds_yaml

    @property
    def nova_conf(self) -> Path:
        return self.layout.nova_conf

    @property
    def ssh_config(self) -> Path:
        return self.layout.ssh_config

    @property
    def site(self) -> Site:
        site = load_site(self.layout, RELEASES)
        if site is None:
            raise LabError(f"there is no lab in {self.layout.root}: run `up` first")
        return site

    def env(self) -> dict[str, str]:
        return {
            "OS_CLIENT_CONFIG_FILE": str(self.clouds_yaml),
            "OS_CLOUD": self.cloud,
            "NOVA_DECOM_STATE_DIR": str(self.layout.state_dir),
        }

    def connection(self) -> "Connection":
        """A new connection as the cloud's administrator."""
        return connect(self.layout)

    def sql(self, database: str) -> "Database[Any]":
        """A new connection as root, with autocommit."""
        return self._mariadb.connect(database)

    def db_url(self, database: str) -> str:
        return self.site.db_url(database)

    # The lab as a whole

    def up(
        self, release: str = DEFAULT_RELEASE, computes: Sequence[str] = DEFAULT_COMPUTES
    ) -> None:
        """Bring up what is not; when that fails, stop what this call has started."""
        if release not in RELEASES:
            raise LabError(f"no such release: {release} (there are {', '.join(RELEASES)})")
        with locked(self.layout.root, "lab"), contextlib.ExitStack() as undo:
            site = self._prepare(RELEASES[release])
            crashed = self._crashed_computes()
            self._forget_dead()
            before = self.processes.running()
            undo.callback(lambda: self.processes.stop(*(self.processes.running() - before)))
            with self._timed("control plane", "starting databases, message queue and APIs"):
                self._start_control_plane(site)
            wanted = dict.fromkeys([*computes, *crashed])
            missing = [name for name in wanted if not self._running(name)]
            with self._timed("compute hosts", f"starting {', '.join(missing)}" if missing else ""):
                self._create_hosts([host.name for host in self.hosts.all()])
                self.start_compute(*missing)
            undo.pop_all()

    def prepare(self, release: str = DEFAULT_RELEASE) -> None:
        """Make the caches of a release, as `up` would."""
        with locked(self.layout.root, "lab"):
            self._make_caches(self.layout, RELEASES[release])

    def down(self) -> None:
        """Stop everything; the caches and the logs stay, the next `up` begins anew."""
        with locked(self.layout.root, "lab"):
            self.processes.stop(*(record.name for record in self.processes.records()))
            self.layout.site_file.unlink(missing_ok=True)
            for path in (self.layout.data, self.layout.hosts):
                shutil.rmtree(path, ignore_errors=True)

    def expected(self) -> list[str]:
        """The processes a complete lab has."""
        if load_site(self.layout, RELEASES) is None:
            return list(CONTROL_PLANE)
        hosts = self.hosts.all()
        return [*CONTROL_PLANE, *(name for host in hosts for name in (host.sshd, host.compute))]

    def addresses(self) -> dict[str, str]:
        """Process -> where it listens."""
        site = load_site(self.layout, RELEASES)
        if site is None:
            return {}
        listening = {name: f"127.0.0.1:{port}" for name, port in site.ports.items()}
        for host in self.hosts.all():
            listening[host.sshd] = f"{host.address}:{site.ports['ssh']}"
        return listening

    # Compute hosts

    @property
    def hosts(self) -> Hosts:
        return Hosts(self.site)

    def start_compute(self, *hosts: str, wait: bool = True) -> None:
        """Start the hosts, new ones too; with `wait`, until servers can be booted on them."""
        if not hosts:
            return
        before = self._computes.heartbeats()
        machines = self._create_hosts(hosts)
        self._computes.start(machines)
        if wait:
            self._computes.wait_up(machines, before)

    def stop_compute(self, *hosts: str) -> None:
        """Stop the nova-compute processes; returns when they are gone."""
        self._computes.stop(map(self._host, hosts))

    def wipe_compute(self, host: str) -> None:
        """Stop the host and forget its identity: the next start is a new machine of its name."""
        self._computes.wipe(self._host(host))

    def compute_running(self, host: str) -> bool:
        return self.processes.alive(self._host(host).compute)

    def discover_hosts(self) -> None:
        self._computes.discover()

    def purge_host(self, host: str) -> None:
        """Make it as if the lab had never had this host: its servers, rows, agents and files."""
        machine = self.hosts.get(host)
        if machine is not None:
            self.stop_compute(host)
        declare_dead(self._mariadb, host)
        servers = Servers(self.connection())
        servers.delete(servers.on(host))
        Agents(self.site, self.processes, self._mariadb).forget(host)
        purge_rows(self._mariadb, host)
        if machine is not None:
            self._remove_host(machine)

    def network_agent(
        self,
        host: str,
        agent_type: str = "Open vSwitch agent",
        alive: bool = False,  # noqa: FBT001, FBT002
    ) -> str:
        """Neutron's row of an agent on the host; its id. One that is alive goes on reporting."""
        agents = Agents(self.site, self.processes, self._mariadb)
        return agents.ensure(host, agent_type, alive=alive)

    # Servers

    def create_servers(self, count: int, on: str, status: str = "ACTIVE") -> list[str]:
        """Boot servers on the host and wait until they have the status; their ids."""
        return Servers(self.connection()).create(count, on=on, status=status)

    def delete_servers(self, *ids: str) -> None:
        """Delete servers whatever their state; returns when they are gone."""
        Servers(self.connection()).delete(ids)

    # Inside

    @property
    def _mariadb(self) -> MariaDB:
        return MariaDB(self.site, self.processes)

    @property
    def _computes(self) -> Computes:
        return Computes(self.site, self.processes, self._mariadb)

    def _host(self, name: str) -> Host:
        host = self.hosts.get(name)
        if host is None:
            raise LabError(f"the lab has no host {name!r}")
        return host

    def _running(self, name: str) -> bool:
        host = self.hosts.get(name)
        return host is not None and self.processes.alive(host.compute)

    def _crashed_computes(self) -> list[str]:
        """Hosts whose nova-compute ended without having been stopped: a stop takes the record."""
        records = {record.name for record in self.processes.records() if record.is_gone()}
        return [host.name for host in self.hosts.all() if host.compute in records]

    def _forget_dead(self) -> None:
        self.processes.stop(*(r.name for r in self.processes.records() if r.is_gone()))

    def _create_hosts(self, names: Sequence[str]) -> list[Host]:
        ssh = SSH(self.site, self.processes)
        with locked(self.layout.root, "hosts"):
            machines = [self.hosts.ensure(name) for name in names]
            for machine in machines:
                ssh.start(machine)
            ssh.write_client_files(self.hosts.all())
        return machines

    def _remove_host(self, machine: Host) -> None:
        with locked(self.layout.root, "hosts"):
            self.processes.stop(machine.sshd)
            shutil.rmtree(machine.directory)
            SSH(self.site, self.processes).write_client_files(self.hosts.all())

    def _make_caches(self, layout: Layout, release: Release) -> None:
        with self._timed("environment"):
            template.ensure_environment(layout, release, self._say)
        with self._timed("template"):
            template.ensure_template(layout, release, self._say)

    def _prepare(self, release: Release) -> Site:
        """The site to bring up: the one that is there, or a new one from the template."""
        site = load_site(self.layout, RELEASES)
        running = self.processes.running()
        if site is not None and site.release != release and running:
            raise LabError(f"release {site.release.number} is running here: `down` first")
        layout = site.layout if site else self.layout
        self._make_caches(layout, release)
        if site is None or site.release != release:
            return self._restore(new_site(layout, release))
        if not running and not ports_free(site):
            site = replace(site, ports=new_site(layout, release).ports)
            site.save()
        return site

    def _restore(self, site: Site) -> Site:
        with self._timed("restore"):
            self.processes.stop(*(record.name for record in self.processes.records()))
            shutil.rmtree(self.layout.run, ignore_errors=True)
            template.restore(site)
            site.save()  # last: it says that all the rest is there
        return site

    def _start_control_plane(self, site: Site) -> None:
        mariadb, rabbitmq = MariaDB(site, self.processes), RabbitMQ(site, self.processes)
        plane = ControlPlane(site, self.processes)
        config.write_all(site)
        site.layout.state_dir.mkdir(mode=0o700, exist_ok=True)
        mariadb.start()
        rabbitmq.start()
        plane.start_memcached()
        mariadb.wait()
        schema = Schema(site, mariadb)
        schema.rewrite_addresses()
        schema.grant()
        # In the order in which the others ask for them: most of the time goes into imports.
        plane.start_apis(("keystone", "placement"))
        plane.start_workers()
        rabbitmq.wait()
        plane.start_apis(("nova", "neutron", "glance"))
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: plane.wait_apis([name]), config.API_NAMES))

    @contextlib.contextmanager
    def _timed(self, what: str, doing: str = "") -> Iterator[None]:
        """Say what is done, if it takes long, and then how long it took."""
        if doing:
            self._say(f"{what}: {doing} …")
        start = time.monotonic()
        yield
        self._say(f"{what}: {time.monotonic() - start:.1f} s")
