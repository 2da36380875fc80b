# SPDX-License-Identifier: Apache-2.0
"""The servers by name, and which of them is wanted."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.database.servers import debian
from tests.database.servers.debian import Packages, Programs
from tests.database.servers.dialects import MARIADB, MARIADB_11, MYSQL, Dialect
from tests.database.servers.products import MariaDB, MySQL, Product

ENVIRONMENT = "NOVA_DECOM_SERVER"


@dataclass(frozen=True)
class Version:
    """A server in one version; without ``packages`` it is the one that the machine has."""

    name: str
    product: Product
    dialect: Dialect
    packages: Packages | None = None

    def programs(self, cache: Path) -> Programs:
        """Its programs; unpacked below ``cache`` when first asked for."""
        if self.packages is None:
            return Programs()
        return debian.unpack(self.packages, cache / "servers" / self.name)


VERSIONS: Mapping[str, Version] = {
    version.name: version
    for version in (
        Version("mariadb-10.11", MariaDB(), MARIADB),
        Version(
            "mariadb-11.8",
            MariaDB(),
            MARIADB_11,
            Packages(
                "trixie",
                ("mariadb-server-core", "mariadb-client-core"),
                "1:11.8.9+ds-0+deb13u1",
                "1:11.8.",
                more=("galera-4",),
            ),
        ),
        Version(
            "mysql-9.7",
            MySQL(),
            MYSQL,
            Packages("sid", ("mysql-server-core", "mysql-client-core"), "9.7.4-2", "9.7."),
        ),
    )
}
DEFAULT = "mariadb-10.11"


def chosen() -> Version:
    """The one that the environment names; the machine's own if it names none."""
    return VERSIONS[os.environ.get(ENVIRONMENT, DEFAULT)]
