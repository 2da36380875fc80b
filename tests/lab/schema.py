# SPDX-License-Identifier: Apache-2.0
"""From empty databases to a cloud: schemas, users, catalog, an image and a flavor."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nova_decom.clients.mysql.grants import API_RIGHTS, CELL_RIGHTS
from tests.lab.cells import FIRST, Cell
from tests.lab.config import REGION
from tests.lab.errors import LabError
from tests.lab.layout import DATABASES, PASSWORDS, Site
from tests.lab.mariadb import MariaDB
from tests.lab.processes import Daemon

if TYPE_CHECKING:
    from openstack.connection import Connection

FLAVOR = "lab"
IMAGE = "lab"
GRANTS = {"nova_api": API_RIGHTS, "nova": CELL_RIGHTS, "nova_cell0": CELL_RIGHTS}
"""What the operator's MySQL user may do, and nothing more."""


class Schema:
    def __init__(self, site: Site, mariadb: MariaDB) -> None:
        self._site = site
        self._mariadb = mariadb

    def create(self) -> None:
        """Create the databases and everything the `*-manage` programs make."""
        self._create_databases(DATABASES)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda fill: fill(), self._fillers()))
        self._create_operator()

    def rewrite_addresses(self) -> None:
        """Point the restored rows to the ports and paths of this site."""
        site = self._site
        images = site.layout.data / "glance" / "images"
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            for service_type, url in site.endpoints.items():
                cursor.execute(
                    "UPDATE keystone.endpoint e JOIN keystone.service s ON s.id = e.service_id"
                    " SET e.url = %s WHERE s.type = %s",
                    (url, service_type),
                )
            cells = [(site.db_url("nova_cell0"), "none:///", "cell0")]
            cells += [
                (site.db_url(cell.database), site.cell_transport_url(cell), cell.name)
                for cell in site.cells
            ]
            cursor.executemany(
                "UPDATE nova_api.cell_mappings SET database_connection = %s,"
                " transport_url = %s WHERE name = %s",
                cells,
            )
            cursor.execute(
                "UPDATE glance.image_locations SET value = CONCAT(%s, image_id)",
                (f"file://{images}/",),
            )

    def _fillers(self) -> Sequence[Callable[[], None]]:
        """The longest first."""
        return (self._neutron, self._nova, self._keystone, self._glance, self._placement)

    def add_cell(self, cell: Cell) -> None:
        """Create the database of a cell beyond the first, and its cell mapping."""
        self._create_databases({cell.database: "nova"})
        conf = self._site.layout.conductor_conf(cell)
        # cell0 and the first cell have their schema from create().
        self._run("nova-manage", conf, "db", "sync", "--local_cell")
        self._map_cell(cell)

    def _create_databases(self, databases: Mapping[str, str]) -> None:
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            for database, user in databases.items():
                cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb3")
                cursor.execute(
                    f"GRANT ALL ON {database}.* TO {user}@'127.0.0.1' IDENTIFIED BY %s",
                    (PASSWORDS[user],),
                )

    def _create_operator(self) -> None:
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE USER nova_decom@'127.0.0.1' IDENTIFIED BY %s", (PASSWORDS["nova_decom"],)
            )

    def grant(self) -> None:
        """Give the operator's user its rights, also where it was made with fewer."""
        cells = {cell.database: GRANTS["nova"] for cell in self._site.cells}
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            for database, rights in (GRANTS | cells).items():
                for table, granted in rights.items():
                    cursor.execute(
                        f"GRANT {', '.join(granted)} ON {database}.{table} "
                        "TO nova_decom@'127.0.0.1'"
                    )

    def _nova(self) -> None:
        site, conf = self._site, self._site.layout.nova_conf
        for command in (
            ("api_db", "sync"),
            ("cell_v2", "map_cell0", "--database_connection", site.db_url("nova_cell0")),
            ("db", "sync"),
        ):
            self._run("nova-manage", conf, *command)
        self._map_cell(FIRST)

    def _map_cell(self, cell: Cell) -> None:
        self._run(
            "nova-manage", self._site.layout.nova_conf, "cell_v2", "create_cell",
            "--name", cell.name,
            "--database_connection", self._site.db_url(cell.database),
            "--transport-url", self._site.cell_transport_url(cell),
        )  # fmt: skip

    def _placement(self) -> None:
        conf = self._site.layout.etc / "placement" / "placement.conf"
        self._run("placement-manage", conf, "db", "sync")

    def _glance(self) -> None:
        self._run("glance-manage", self._site.layout.etc / "glance" / "glance-api.conf", "db_sync")

    def _neutron(self) -> None:
        conf = self._site.layout.etc / "neutron" / "neutron.conf"
        self._run("neutron-db-manage", conf, "upgrade", "heads")

    def _keystone(self) -> None:
        conf = self._site.layout.etc / "keystone" / "keystone.conf"
        for name in ("fernet-keys", "credential-keys"):
            (self._site.layout.data / "keystone" / name).mkdir(parents=True, mode=0o700)
        self._run("keystone-manage", conf, "db_sync")
        owner = _owner(self._site.layout.data)
        for command in ("fernet_setup", "credential_setup"):
            self._run("keystone-manage", conf, command, *owner)
        url = self._site.endpoints["identity"]
        self._run(
            "keystone-manage", conf, "bootstrap",
            "--bootstrap-password", PASSWORDS["admin"],
            "--bootstrap-region-id", REGION,
            "--bootstrap-public-url", url,
            "--bootstrap-internal-url", url,
            "--bootstrap-admin-url", url,
        )  # fmt: skip

    def _run(self, program: str, conf: Path, *arguments: str) -> None:
        run_tool(self._site, program, "--config-file", str(conf), *arguments)


def run_tool(site: Site, program: str, *arguments: str) -> str:
    """Run a program of the lab's own environment to its end; its output."""
    argv = (site.program(program), *arguments)
    environment = Daemon(program, argv, site.layout.log(program)).environment()
    done = subprocess.run(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-25:])
        raise LabError(f"{program} {' '.join(arguments)}: exit {done.returncode}\n{output}")
    return done.stdout


def populate(site: Site, cloud: "Connection") -> None:
    """Through the APIs: service users, catalog, one image, one flavor."""
    identity: Any = cloud.identity  # typed by the SDK as v2 or v3
    project = identity.create_project(name="service", domain_id="default")
    names = ("admin", "service")
    roles = [identity.find_role(name) or identity.create_role(name=name) for name in names]
    for name in ("nova", "placement", "glance", "neutron"):
        user = identity.create_user(
            name=name, password=PASSWORDS[name], domain_id="default", default_project_id=project.id
        )
        for role in roles:
            identity.assign_project_role_to_user(project, user, role)
    for service_type, url in site.endpoints.items():
        if service_type == "identity":
            continue
        service = identity.create_service(type=service_type, name=service_type)
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id, interface=interface, url=url, region_id=REGION
            )


def populate_resources(cloud: "Connection") -> None:
    """The image and the flavor that the servers of the lab have."""
    cloud.image.create_image(
        IMAGE,
        data=bytes(1024 * 1024),
        disk_format="raw",
        container_format="bare",
        visibility="public",
        validate_checksum=False,
    )
    cloud.compute.create_flavor(name=FLAVOR, ram=64, vcpus=1, disk=1, is_public=True)


def _owner(path: Path) -> Sequence[str]:
    user, group = path.owner(), path.group()
    return ("--keystone-user", user, "--keystone-group", group)
