# SPDX-License-Identifier: Apache-2.0
"""Network agents: the rows neutron keeps, made by the report an agent would send."""

from tests.lab.control_plane import ControlPlane
from tests.lab.layout import Site
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Daemon, Processes
from tests.lab.template import INSIDE

TIMEOUT = 90.0
PREFIX = "agent-"


class Agents:
    def __init__(self, site: Site, processes: Processes, mariadb: MariaDB) -> None:
        self._site = site
        self._processes = processes
        self._mariadb = mariadb

    def ensure(self, host: str, agent_type: str, *, alive: bool) -> str:
        """The id of the agent; one that is not alive has reported once, an hour ago."""
        ControlPlane(self._site, self._processes).start_neutron_rpc()
        daemon = self._daemon(host, agent_type)
        self._processes.stop(daemon.name)
        before = self._heartbeat(host, agent_type)
        self._processes.start(daemon)
        self._processes.wait_ready(
            daemon.name,
            lambda: self._heartbeat(host, agent_type) not in {before, None},
            timeout=TIMEOUT,
            what=f"neutron to hear from the {agent_type} on {host}",
        )
        if not alive:
            self._processes.stop(daemon.name)
            self._age(host, agent_type)
        row = self._heartbeat(host, agent_type)
        return row[0] if row else ""

    def forget(self, host: str) -> None:
        """Stop the host's agents and remove their rows."""
        names = [record.name for record in self._processes.records()]
        mine = [name for name in names if name.startswith(f"{PREFIX}{host}@")]
        self._processes.stop(*mine)
        self._execute("DELETE FROM neutron.agents WHERE host = BINARY %s", host)

    def _daemon(self, host: str, agent_type: str) -> Daemon:
        name = f"{PREFIX}{host}@{agent_type.replace(' ', '-').replace('/', '-')}"
        argv = (
            self._site.program("python"),
            str(INSIDE / "report_agent.py"),
            self._site.transport_url,
            host,
            agent_type,
        )
        return Daemon(name, argv, self._site.layout.log(name))

    def _heartbeat(self, host: str, agent_type: str) -> tuple[str, object] | None:
        """Id and time of the last report."""
        with self._mariadb.connect("neutron") as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, heartbeat_timestamp FROM agents"
                " WHERE host = BINARY %s AND agent_type = %s",
                (host, agent_type),
            )
            row: tuple[str, object] | None = cursor.fetchone()
        return row

    def _age(self, host: str, agent_type: str) -> None:
        self._execute(
            "UPDATE neutron.agents SET heartbeat_timestamp = heartbeat_timestamp"
            " - INTERVAL 1 HOUR WHERE host = BINARY %s AND agent_type = %s",
            host,
            agent_type,
        )

    def _execute(self, statement: str, *values: str) -> None:
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
