# SPDX-License-Identifier: Apache-2.0
"""A stopped data directory with nova's databases, made by nova itself on that server, and kept."""

import shutil
from pathlib import Path

from pymysql.cursors import DictCursor

from tests.database.servers.daemon import DatabaseDaemon
from tests.database.servers.versions import Version
from tests.lab.layout import PASSWORDS, Site
from tests.lab.schema import run_tool
from tests.lab.template import locked

DATABASES = ("nova", "nova_api", "nova_cell0")
NOVA_CONF = """\
[api_database]
connection = {nova_api}
[database]
connection = {nova}
"""


def ensure_template(version: Version, site: Site) -> Path:
    """The data directory; made in the cache when it is first asked for.

    ``site`` has the port and nova's environment.
    """
    cache = site.layout.cache(site.release)
    template = cache / f"template-{version.name}"
    with locked(cache, template.name):
        if not template.exists():
            building = cache / f"building-{version.name}"
            shutil.rmtree(building, ignore_errors=True)
            _build(version, site, building)
            (building / "mysql").rename(template)
            shutil.rmtree(building)
    return template


def _build(version: Version, site: Site, building: Path) -> None:
    programs = version.programs(site.layout.cache_root)
    datadir = building / "mysql"
    version.product.install(programs, datadir)
    daemon = DatabaseDaemon(
        version, programs, datadir, site.ports["mariadb"], building / "server.log"
    )
    try:
        daemon.start()
        with daemon.connect() as connection, connection.cursor() as cursor:
            _create_databases(cursor)
        _fill(site, building / "nova.conf")
    finally:
        daemon.stop()


def _create_databases(cursor: DictCursor) -> None:
    """As the lab has them."""
    cursor.execute("CREATE USER nova@'127.0.0.1' IDENTIFIED BY %s", (PASSWORDS["nova"],))
    for database in DATABASES:
        cursor.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb3")
        cursor.execute(f"GRANT ALL ON {database}.* TO nova@'127.0.0.1'")


def _fill(site: Site, conf: Path) -> None:
    urls = {name: site.db_url(name) for name in DATABASES}
    conf.write_text(NOVA_CONF.format(**urls))
    cell0 = ("cell_v2", "map_cell0", "--database_connection", urls["nova_cell0"])
    for command in (("api_db", "sync"), cell0, ("db", "sync")):
        run_tool(site, "nova-manage", "--config-file", str(conf), *command)
