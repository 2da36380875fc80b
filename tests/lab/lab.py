# SPDX-License-Identifier: Apache-2.0
"""The lab: everything else put together."""

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab import config
from tests.lab.agents import Agents
from tests.lab.bring_up import BringUp
from tests.lab.cells import FIRST, cell_of_each, default_computes
from tests.lab.cells import Computes as Wanted
from tests.lab.cloud import CLOUD, connect
from tests.lab.computes import Computes, Host, Hosts
from tests.lab.control_plane import MEMCACHED, SCHEDULER
from tests.lab.errors import LabError
from tests.lab.extras import Extras
from tests.lab.extras.extra import Place
from tests.lab.ids import Ids, SameMigration
from tests.lab.layout import Layout, Site, load_site
from tests.lab.machines import Machines
from tests.lab.mariadb import NAME as MARIADB
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Processes
from tests.lab.purge import declare_dead, purge_rows
from tests.lab.rabbitmq import EPMD
from tests.lab.rabbitmq import NAME as RABBITMQ
from tests.lab.releases import DEFAULT_RELEASE, RELEASES
from tests.lab.servers import Servers
from tests.lab.template import Say, locked

if TYPE_CHECKING:
    from openstack.connection import Connection
    from pymysql.connections import Connection as Database

WORKERS = (FIRST.conductor, SCHEDULER)
CONTROL_PLANE = (MARIADB, EPMD, RABBITMQ, MEMCACHED, *config.API_NAMES, *WORKERS)


def _silent(_: str) -> None:
    pass


class Lab:
    """A Nova control plane and its compute hosts, in one directory.

    `cells` is the number of cells that `up` sets up: None takes the number of the lab that is
    there, else one. `cache` is where the caches are, if not where the environment or `root` say.
    """

    cloud = CLOUD

    def __init__(
        self,
        root: Path,
        say: Say = _silent,
        *,
        cells: int | None = None,
        cache: Path | None = None,
    ) -> None:
        self.layout = Layout.of(Path(root), cache)
        self.processes = Processes(self.layout.pids)
        self._cells = cells
        self._bring_up = BringUp(self.layout, self.processes, say)

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

    @property
    def cell_count(self) -> int:
        """How many cells the lab has, or will have after `up`."""
        site = load_site(self.layout, RELEASES)
        return self._cells or (site.cell_count if site else 1)

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

    def cell_sql(self, cell: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that `statement` gives in the database of the cell, run as root."""
        with self.sql(self.site.cell(cell).database) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def db_url(self, database: str) -> str:
        return self.site.db_url(database)

    # The lab as a whole

    def up(self, release: str = DEFAULT_RELEASE, computes: Wanted | None = None) -> None:
        """Bring up what is not; when that fails, stop what this call has started.

        `computes` are hosts, by the name of their cell where there are several; None are three
        in each cell.
        """
        if release not in RELEASES:
            raise LabError(f"no such release: {release} (there are {', '.join(RELEASES)})")
        with locked(self.layout.root, "lab"), contextlib.ExitStack() as undo:
            site = self._bring_up.site(RELEASES[release], self.cell_count)
            crashed = self._crashed_computes()
            self._forget_dead()
            before = self.processes.running()
            undo.callback(lambda: self.processes.stop(*(self.processes.running() - before)))
            timed = self._bring_up.timed
            with timed("control plane", "starting databases, message queue and APIs"):
                self._bring_up.start_control_plane(site)
            if computes is None:
                computes = default_computes(site.cell_count)
            wanted = dict.fromkeys(crashed) | cell_of_each(computes)
            missing = {name: cell for name, cell in wanted.items() if not self._running(name)}
            with timed("compute hosts", f"starting {', '.join(missing)}" if missing else ""):
                self._machines.create(dict.fromkeys(host.name for host in self.hosts.all()))
                self._start_computes(missing)
            undo.pop_all()

    def prepare(self, release: str = DEFAULT_RELEASE) -> None:
        """Make the caches of a release, as `up` would."""
        with locked(self.layout.root, "lab"):
            self._bring_up.make_caches(self.layout, RELEASES[release], self.cell_count)

    def down(self) -> None:
        """Stop everything; the caches and the logs stay, the next `up` begins anew."""
        with locked(self.layout.root, "lab"):
            self.processes.stop(*(record.name for record in self.processes.records()))
            self.layout.site_file.unlink(missing_ok=True)
            for path in (self.layout.data, self.layout.hosts):
                shutil.rmtree(path, ignore_errors=True)

    def expected(self) -> list[str]:
        """The processes a complete lab has."""
        site = load_site(self.layout, RELEASES)
        if site is None:
            return list(CONTROL_PLANE)
        conductors = [cell.conductor for cell in site.cells if cell != FIRST]
        hosts = [name for host in self.hosts.all() for name in (host.sshd, host.compute)]
        return [*CONTROL_PLANE, *conductors, *hosts]

    def addresses(self) -> dict[str, str]:
        """Process -> where it listens."""
        site = load_site(self.layout, RELEASES)
        if site is None:
            return {}
        listening = {name: f"127.0.0.1:{port}" for name, port in site.ports.items()}
        for host in self.hosts.all():
            listening[host.sshd] = f"{host.address}:{site.ports['ssh']}"
        return listening

    @property
    def extras(self) -> Extras:
        """The services beside nova's own that `up --with` adds."""
        return Extras(
            lambda name: Place(self.site, self.processes, self._mariadb, self.connection, name)
        )

    # Compute hosts

    @property
    def hosts(self) -> Hosts:
        return Hosts(self.site)

    def start_compute(
        self, *hosts: str, cell: str | None = None, conf: str = "", wait: bool = True
    ) -> None:
        """Start the hosts, new ones too; with `wait`, until servers can be booted on them.

        A new host is in `cell`, else in the first one. `conf` are sections that their
        nova-compute reads last, now and at later starts.
        """
        self._start_computes(dict.fromkeys(hosts, cell), conf, wait=wait)

    def stop_compute(self, *hosts: str) -> None:
        """Stop the nova-compute processes; returns when they are gone."""
        self._computes.stop(map(self._host, hosts))

    def wipe_compute(self, host: str, cell: str | None = None) -> None:
        """Stop the host and forget its identity: the next start is a new machine of its name.

        The new machine is in `cell`, else in the cell of the old one. All rows stay.
        """
        self._computes.wipe(self._host(host))
        if cell is not None:
            self.hosts.assign(self._host(host), cell)

    def compute_running(self, host: str) -> bool:
        return self.processes.alive(self._host(host).compute)

    def discover_hosts(self) -> None:
        self._computes.discover()

    def purge_host(self, host: str) -> None:
        """Make it as if the lab had never had this host: its servers, rows, agents and files."""
        machine = self.hosts.get(host)
        if machine is not None:
            self.stop_compute(host)
        cells = self.site.cells
        declare_dead(self._mariadb, cells, host)
        servers = Servers(self.connection())
        servers.delete(servers.on(host))
        Agents(self.site, self.processes, self._mariadb).forget(host)
        purge_rows(self._mariadb, cells, host)
        if machine is not None:
            self._machines.remove(machine)

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

    def align_ids(self, table: str) -> int:
        """Let the next row of the cells' `table` have the same id in every cell; that id."""
        return self._ids.align(table)

    def resize_with_same_migration_id(self, *hosts: str) -> SameMigration:
        """Resize a new server away from each host, up to VERIFY_RESIZE, by migrations of one id.

        Each host is in another cell, and has a second host beside it there.
        """
        cells = {host: self._host(host).cell for host in hosts}
        return self._ids.resize(
            cells, lambda host: self.create_servers(1, on=host, status="VERIFY_RESIZE")[0]
        )

    def delete_servers(self, *ids: str) -> None:
        """Delete servers whatever their state; returns when they are gone."""
        Servers(self.connection()).delete(ids)

    # Inside

    @property
    def _mariadb(self) -> MariaDB:
        return MariaDB(self.site, self.processes)

    @property
    def _machines(self) -> Machines:
        return Machines(self.site, self.processes)

    @property
    def _ids(self) -> Ids:
        return Ids(self._mariadb, self.site.cells)

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

    def _start_computes(
        self, hosts: Mapping[str, str | None], conf: str = "", *, wait: bool = True
    ) -> None:
        if not hosts:
            return
        before = self._computes.heartbeats()
        machines = self._machines.create(hosts, conf)
        self._computes.start(machines)
        if wait:
            self._computes.wait_up(machines, before)
