# SPDX-License-Identifier: Apache-2.0
"""MySQL Router as a splitter: reads go to a replica, transactions and writes to the writer.

It finds its servers in the metadata of an InnoDB ReplicaSet, which MySQL Shell makes; Debian has
no MySQL Shell, so the tables that the router reads are made here.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.database.server import LAB, PASSWORD, Authority, Server
from tests.database.servers.debian import Packages, unpack
from tests.database.servers.ports import free_ports
from tests.lab.layout import Layout
from tests.lab.processes import Daemon, Processes

ROUTER = Packages("sid", ("mysql-router",), "9.7.4-2", "9.7.")
NAME = "mysqlrouter"
#: Of each of the two servers.
OPTIONS = ("--log-bin=binlog", "--gtid-mode=ON", "--enforce-gtid-consistency=ON")
METADATA = "mysql_innodb_cluster_metadata"
TABLES = (
    "CREATE VIEW schema_version AS SELECT 2 AS major, 2 AS minor, 0 AS patch",
    "CREATE TABLE v2_ar_clusters (cluster_id CHAR(36), cluster_name TEXT)",
    (
        "CREATE TABLE v2_instances (instance_id INT, cluster_id CHAR(36), label TEXT, "
        "mysql_server_uuid CHAR(36), address TEXT, endpoint TEXT, xendpoint TEXT, attributes JSON)"
    ),
    (
        "CREATE TABLE v2_ar_members (view_id INT, cluster_id CHAR(36), instance_id INT, "
        "member_id CHAR(36), member_role TEXT)"
    ),
    (
        "CREATE VIEW v2_this_instance AS SELECT cluster_id, instance_id, 'c' AS cluster_name, "
        "'ar' AS cluster_type FROM v2_instances WHERE mysql_server_uuid = (SELECT variable_value "
        "FROM performance_schema.global_variables WHERE variable_name = 'server_uuid')"
    ),
    (
        "CREATE TABLE v2_routers (router_id INT, router_name TEXT, address TEXT, version TEXT, "
        "last_check_in TIMESTAMP NULL, attributes JSON, cluster_id CHAR(36), options JSON)"
    ),
    (
        "CREATE VIEW v2_router_options AS SELECT router_id, cluster_id, options AS router_options "
        "FROM v2_routers"
    ),
    "INSERT INTO v2_ar_clusters VALUES ('c', 'c')",
    "INSERT INTO v2_routers VALUES (1, '', 'here', '', NULL, '{}', 'c', '{}')",
)
CONFIGURATION = """\
[DEFAULT]
logging_folder={directory}
runtime_folder={directory}
plugin_folder={plugins}
dynamic_state={directory}/state.json
keyring_path={directory}/keyring
master_key_path={directory}/key
[logger]
level=INFO
[io]
backend=poll
[metadata_cache:nova]
cluster_type=rs
router_id=1
user=nova
metadata_cluster=c
ttl=0.5
ssl_mode=PREFERRED
[routing:split]
bind_address=127.0.0.1
bind_port={port}
destinations=metadata-cache://nova/?role=PRIMARY_AND_SECONDARY
routing_strategy=round-robin
protocol=classic
access_mode=auto
connection_sharing=1
client_ssl_mode=PREFERRED
client_ssl_cert={tls.certificate}
client_ssl_key={tls.key}
server_ssl_mode=PREFERRED
"""


def replicate(writer: Server, replica: Server) -> None:
    """Let the second server, with the same data, follow the first; it refuses writes."""
    for server in (writer, replica):
        _run(server, "RESET BINARY LOGS AND GTIDS")
    _run(writer, f"CREATE DATABASE {METADATA}", f"USE {METADATA}", *TABLES)
    for number, server in enumerate((writer, replica), 1):
        uuid, place = _uuid(server), f"127.0.0.1:{server.port}"
        role = "SECONDARY" if server is replica else "PRIMARY"
        _run(
            writer,
            f"USE {METADATA}",
            f"INSERT INTO v2_instances VALUES "
            f"({number}, 'c', '', '{uuid}', '{place}', '{place}', NULL, '{{}}')",
            f"INSERT INTO v2_ar_members VALUES (1, 'c', {number}, '{uuid}', '{role}')",
        )
    _run(
        writer,
        f"GRANT ALL ON {METADATA}.* TO nova@'127.0.0.1'",
        "GRANT SELECT ON performance_schema.* TO nova@'127.0.0.1'",
        "GRANT REPLICATION SLAVE ON *.* TO nova@'127.0.0.1'",
    )
    _run(
        replica,
        f"CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = {writer.port}, "
        f"SOURCE_USER = 'nova', SOURCE_PASSWORD = '{PASSWORD}', SOURCE_AUTO_POSITION = 1, "
        "GET_SOURCE_PUBLIC_KEY = 1",
        "START REPLICA",
        "SET GLOBAL read_only = ON",
    )


@contextmanager
def splitter(servers: tuple[Server, Server], directory: Path) -> Iterator[int]:
    """The port at which the router listens."""
    (port,) = free_ports(1)
    programs = unpack(ROUTER, Layout.of(LAB).cache_root / "servers" / NAME)
    own = programs.path("usr/lib/mysql-router")
    plugins = programs.path("usr/lib/mysqlrouter/plugin")

    def argv(program: str) -> tuple[str, ...]:
        *loader, libraries, path = programs.argv(f"usr/bin/{program}")
        return (*loader, f"{libraries}:{own}:{plugins}", path)

    file = directory / "router.conf"
    tls = Authority(directory / "tls")
    file.write_text(CONFIGURATION.format(directory=directory, plugins=plugins, port=port, tls=tls))
    places = [f"mysql://127.0.0.1:{server.port}" for server in servers]
    state = {"group-replication-id": "c", "cluster-metadata-servers": places}
    (directory / "state.json").write_text(
        json.dumps({"metadata-cache": state, "version": "1.0.0"})
    )
    keyring, key = str(directory / "keyring"), f"--master-key-file={directory / 'key'}"
    for words in (("init", keyring), ("set", keyring, "nova", "password", PASSWORD)):
        subprocess.run([*argv("mysqlrouter_keyring"), *words, key], check=True)
    processes = Processes(directory / "pids")
    processes.start(Daemon(NAME, (*argv(NAME), "-c", str(file)), directory / "out.log"))
    try:
        yield port
    finally:
        processes.stop(NAME, timeout=0)


def _run(server: Server, *statements: str) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _uuid(server: Server) -> str:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@server_uuid AS uuid")
        return str(cursor.fetchone()["uuid"])
